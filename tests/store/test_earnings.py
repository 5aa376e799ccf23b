"""Days of reports: each as it was known at an instant, and no forecast's past is changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import pytest

from include.contracts import Stage
from include.earnings import ESTIMATE, EarningsDate, ReportTiming
from include.store import registry
from include.store.earnings import (
    estimation_instants,
    known_earnings,
    load_readings,
    save_earnings,
    save_estimates,
    save_readings,
    tickers_with_unread_past,
)
from include.store.engine import Connection
from include.store.forecasts import save_predictions
from tests.support.rows import at, predictions, track

pytestmark = pytest.mark.integration

# at(0) is 10:00 in New York on 31 March 2025
THIRD, FOURTH, TENTH = date(2025, 4, 3), date(2025, 4, 4), date(2025, 4, 10)
SINCE = date(2025, 1, 1)


def day(reported_on: date, hours: float, timing: ReportTiming = ReportTiming.UNKNOWN) -> EarningsDate:
    return EarningsDate("AAPL", reported_on, timing, is_confirmed=True, source="yahoo", known_at=at(hours))


def say(connection: Connection, hours: float, *days: date) -> int:
    return save_earnings(connection, [day(each, hours) for each in days], {"AAPL": at(hours)})


def known(connection: Connection, hours: float) -> list[date]:
    return days_of(known_earnings(connection, ["AAPL", "MSFT"], at(hours), SINCE).get("AAPL", []))


def run_hour(connection: Connection, hours: float) -> None:
    """An hour that has fetched AAPL."""
    track(connection, "AAPL")
    registry.plan_hour(connection, at(hours), 1, 1)
    registry.advance(connection, at(hours), ["AAPL"], Stage.FETCHED)


def days_of(dates: Sequence[EarningsDate]) -> list[date]:
    return [item.reported_on for item in dates]


def test_a_day_is_known_from_its_instant_on(connection: Connection) -> None:
    assert say(connection, 5, TENTH) == 1

    assert known(connection, 4.9) == []
    assert known_earnings(connection, ["AAPL"], at(5), SINCE) == {"AAPL": [day(TENTH, 5)]}
    assert known_earnings(connection, ["AAPL"], at(5), date(2025, 4, 11)) == {}


def test_the_same_word_twice_is_stored_once(connection: Connection) -> None:
    say(connection, 5, TENTH)

    assert say(connection, 6, TENTH) == 0
    assert known_earnings(connection, ["AAPL"], at(7), SINCE)["AAPL"][0].known_at == at(5)


def test_a_date_that_moves_is_read_as_it_was_known_at_each_instant(connection: Connection) -> None:
    say(connection, 5, TENTH)

    assert say(connection, 8, FOURTH) == 2

    assert known(connection, 7.9) == [TENTH]
    assert known(connection, 8) == [FOURTH]
    say(connection, 9, TENTH)  # and back again
    assert known(connection, 8.9) == [FOURTH]
    assert known(connection, 9) == [TENTH]


def test_a_day_that_comes_to_be_confirmed_was_an_estimate_before(connection: Connection) -> None:
    save_earnings(connection, [replace(day(TENTH, 5), is_confirmed=False)], {"AAPL": at(5)})
    say(connection, 8, TENTH)

    (before,), (after,) = (known_earnings(connection, ["AAPL"], at(hours), SINCE)["AAPL"] for hours in (7.9, 8))
    assert (before.is_confirmed, after.is_confirmed) == (False, True)


def test_a_source_that_names_no_day_any_more_takes_the_days_ahead_back_and_no_past_one(connection: Connection) -> None:
    track(connection, "AAPL")
    say(connection, 5, date(2025, 3, 31), date(2025, 4, 1))

    assert say(connection, 8) == 1

    assert known(connection, 8) == [date(2025, 3, 31)]  # today in New York


def test_of_a_source_that_did_not_answer_everything_stays(connection: Connection) -> None:
    say(connection, 5, TENTH)

    assert save_earnings(connection, [day(FOURTH, 8)], {"MSFT": at(8)}) == 0
    assert save_earnings(connection, [day(FOURTH, 8)], {}) == 0
    assert known(connection, 9) == [TENTH]


def test_nothing_becomes_known_to_an_hour_that_has_run_without_it(connection: Connection) -> None:
    run_hour(connection, 20)

    save_earnings(connection, [day(TENTH, 5)], {"AAPL": at(21)})

    assert known(connection, 20) == []
    assert known(connection, 20.1) == [TENTH]
    say(connection, 5)  # a run of long ago takes nothing back from those hours either
    run_hour(connection, 30)
    save_earnings(connection, [], {"AAPL": at(5)})
    assert known(connection, 20.1) == []
    save_earnings(connection, [day(TENTH, 5)], {"AAPL": at(5)})
    assert (known(connection, 30), known(connection, 30.1)) == ([], [TENTH])


def test_an_hour_that_has_read_the_ticker_counts_before_it_has_a_forecast(connection: Connection) -> None:
    track(connection, "AAPL")
    registry.plan_hour(connection, at(20), 1, 1)
    save_earnings(connection, [day(FOURTH, 5)], {"AAPL": at(21)})
    assert known(connection, 5) == [FOURTH]  # an hour that is only planned has read nothing

    registry.advance(connection, at(20), ["AAPL"], Stage.FETCHED)
    save_earnings(connection, [day(FOURTH, 5), day(TENTH, 5)], {"AAPL": at(21)})

    assert known(connection, 20) == [FOURTH]
    assert known(connection, 20.1) == [FOURTH, TENTH]


def test_a_first_forecast_counts_although_no_hour_has_run(connection: Connection) -> None:
    save_predictions(connection, predictions(at(20)))

    save_earnings(connection, [day(TENTH, 5)], {"AAPL": at(21)})

    assert (known(connection, 20), known(connection, 20.1)) == ([], [TENTH])


def test_of_two_words_about_a_day_that_become_known_at_once_the_later_holds(connection: Connection) -> None:
    early = replace(day(TENTH, 2), is_confirmed=False)
    for _ in range(2):
        run_hour(connection, 20)
        save_earnings(connection, [early, day(TENTH, 4)], {"AAPL": at(21)})

    (item,) = known_earnings(connection, ["AAPL"], at(40), SINCE)["AAPL"]
    assert (item.is_confirmed, item.known_at > at(20)) == (True, True)


def test_a_word_that_is_not_known_yet_can_still_be_corrected(connection: Connection) -> None:
    save_earnings(connection, [day(TENTH, 50, ReportTiming.BEFORE_OPEN)], {"AAPL": at(5)})
    save_earnings(connection, [day(TENTH, 50, ReportTiming.AFTER_CLOSE)], {"AAPL": at(6)})

    (item,) = known_earnings(connection, ["AAPL"], at(50), SINCE)["AAPL"]
    assert item.timing is ReportTiming.AFTER_CLOSE
    save_earnings(connection, [], {"AAPL": at(7)})
    assert known(connection, 50) == []


def test_readings_note_the_newest_instant_of_each_kind(connection: Connection) -> None:
    save_readings(connection, {"AAPL": at(5), "SPY": at(5)}, with_past=["AAPL"], with_reports=["AAPL"])
    save_readings(connection, {"AAPL": at(9)}, with_past=[], with_reports=["AAPL"])
    save_readings(connection, {"AAPL": at(7)}, with_past=[], with_reports=["AAPL"])

    readings = load_readings(connection, ["AAPL", "SPY", "MSFT"])
    assert sorted(readings) == ["AAPL", "SPY"]
    apple = readings["AAPL"]
    assert (apple.read_at, apple.past_read_at, apple.has_reports) == (at(9), at(5), True)
    assert (readings["SPY"].past_read_at, readings["SPY"].has_reports) == (None, False)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def test_past_reports_are_unread_at_first_and_after_each_report(connection: Connection) -> None:
    def is_unread(text: str) -> bool:
        return tickers_with_unread_past(connection, ["AAPL"], instant(text)) == {"AAPL"}

    assert is_unread("2025-03-31T15:00")
    say(connection, 5, THIRD)
    save_readings(connection, {"AAPL": at(5)}, with_past=["AAPL"], with_reports=["AAPL"])
    assert not is_unread("2025-04-03T23:59")
    assert is_unread("2025-04-04T00:00")
    save_readings(connection, {"AAPL": instant("2025-04-04T00:00")}, with_past=["AAPL"], with_reports=["AAPL"])
    assert not is_unread("2025-04-05T00:00")


def guess(connection: Connection, hours: float, *days: date) -> int:
    dates = [replace(day(each, hours), is_confirmed=False, source=ESTIMATE) for each in days]
    return save_estimates(connection, dates, {"AAPL": at(hours)})


def sources(connection: Connection, hours: float) -> list[tuple[date, str]]:
    items = known_earnings(connection, ["AAPL"], at(hours), SINCE).get("AAPL", [])
    return [(item.reported_on, item.source) for item in items]


def test_an_estimate_is_known_from_its_instant_on_and_moves_like_a_day(connection: Connection) -> None:
    assert guess(connection, 5, TENTH) == 1
    assert guess(connection, 6, TENTH) == 0
    assert guess(connection, 7, FOURTH) == 2

    assert (known(connection, 4.9), known(connection, 6.9), known(connection, 7)) == ([], [TENTH], [FOURTH])


def test_a_source_that_names_the_day_of_an_estimate_replaces_it(connection: Connection) -> None:
    guess(connection, 5, TENTH)

    assert save_earnings(connection, [replace(day(TENTH, 6), is_confirmed=False)], {"AAPL": at(6)}) == 1
    assert guess(connection, 7, TENTH) == 0

    assert sources(connection, 5) == [(TENTH, ESTIMATE)]
    assert sources(connection, 8) == [(TENTH, "yahoo")]


def test_a_source_takes_no_estimate_back_and_estimates_take_no_day_of_a_source_back(connection: Connection) -> None:
    say(connection, 5, FOURTH)
    guess(connection, 6, TENTH)

    say(connection, 7, FOURTH)
    assert sources(connection, 7) == [(FOURTH, "yahoo"), (TENTH, ESTIMATE)]
    guess(connection, 8)
    assert sources(connection, 8) == [(FOURTH, "yahoo")]


def test_a_day_that_a_source_has_taken_back_can_be_estimated(connection: Connection) -> None:
    say(connection, 5, TENTH)
    say(connection, 6)

    assert guess(connection, 6, TENTH) == 1

    assert sources(connection, 6) == [(TENTH, ESTIMATE)]


def test_a_past_estimate_stays_until_its_night_is_over(connection: Connection) -> None:
    guess(connection, 5, THIRD)
    for date_of_run in ("2025-04-03T15:00", "2025-04-08T15:00"):
        save_estimates(connection, [], {"AAPL": instant(date_of_run)})
        found = known_earnings(connection, ["AAPL"], instant(date_of_run), SINCE)
        assert days_of(found["AAPL"]) == [THIRD]

    save_estimates(connection, [], {"AAPL": instant("2025-04-09T15:00")})
    assert known_earnings(connection, ["AAPL"], instant("2025-04-09T15:00"), SINCE) == {}
    assert len(known_earnings(connection, ["AAPL"], instant("2025-04-08T15:00"), SINCE)["AAPL"]) == 1


def test_an_estimate_is_made_when_all_that_its_source_has_said_is_known(connection: Connection) -> None:
    assert estimation_instants(connection, ["AAPL"], at(5)) == {"AAPL": at(5)}
    save_readings(connection, {"AAPL": at(7)}, with_past=[], with_reports=["AAPL"])
    assert estimation_instants(connection, ["AAPL"], at(5)) == {"AAPL": at(7)}
    run_hour(connection, 20)
    (made_at,) = estimation_instants(connection, ["AAPL"], at(5)).values()
    assert at(20) < made_at < at(20.001)
