"""The nights of reports: which session's first bar spans them, how likely they are, and what was known of them when."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from include.contracts import TickerProfile
from include.earnings import ESTIMATE, FILED, EarningsDate, ReportTiming
from include.pipeline.data.reports import ReportNight, report_nights
from include.store.earnings import save_earnings, save_estimates
from include.store.engine import Connection, create_store_engine

pytestmark = pytest.mark.integration

BEFORE, AFTER, UNKNOWN = ReportTiming.BEFORE_OPEN, ReportTiming.AFTER_CLOSE, ReportTiming.UNKNOWN
AS_OF = datetime(2025, 1, 24, 15, 35, tzinfo=UTC)
"""A Friday, 10:35 in New York."""
THURSDAY, FRIDAY, MONDAY = date(2025, 1, 30), date(2025, 1, 31), date(2025, 2, 3)
PAST = (date(2024, 2, 1), date(2024, 5, 2), date(2024, 8, 1), date(2024, 10, 31))


@pytest.fixture
def connection(module_database_url: str) -> Iterator[Connection]:
    engine = create_store_engine(module_database_url)
    with engine.connect() as opened:
        yield opened
        opened.rollback()
    engine.dispose()


def profile(ticker: str, calendar: str = "XNYS") -> TickerProfile:
    return TickerProfile(ticker, "files", calendar, "America/New_York", None, None, 2)


def day(
    reported_on: date, timing: ReportTiming = UNKNOWN, *, known_at: datetime | None = None, is_confirmed: bool = True
) -> EarningsDate:
    return EarningsDate("ACME", reported_on, timing, is_confirmed, "files", known_at or AS_OF - timedelta(days=10))


def past(*timings: ReportTiming) -> list[EarningsDate]:
    return [day(each, timing) for each, timing in zip(PAST, timings, strict=False)]


@pytest.fixture
def nights(connection: Connection) -> Callable[..., tuple[ReportNight, ...]]:
    def of(dates: Sequence[EarningsDate], as_of: datetime = AS_OF, calendar: str = "XNYS") -> tuple[ReportNight, ...]:
        save_earnings(connection, dates, {"ACME": datetime(2024, 1, 1, tzinfo=UTC)})
        return report_nights(connection, [profile("ACME", calendar), profile("OTHER")], as_of).get("ACME", ())

    return of


Nights = Callable[..., tuple[ReportNight, ...]]


def opening(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


@pytest.mark.parametrize(
    ("reported_on", "timing", "opens_at", "text"),
    [
        (THURSDAY, AFTER, "2025-01-31T14:30", "report after the close of 30 Jan"),
        (FRIDAY, AFTER, "2025-02-03T14:30", "report after the close of 31 Jan"),
        (MONDAY, BEFORE, "2025-02-03T14:30", "report before the open of 3 Feb"),
        (date(2025, 2, 1), BEFORE, "2025-02-03T14:30", "report before the open of 1 Feb"),
    ],
    ids=["the next morning", "over the weekend", "the same morning", "on a day without a session"],
)
def test_a_report_is_in_the_night_before_the_first_bar_that_spans_it(
    nights: Nights, reported_on: date, timing: ReportTiming, opens_at: str, text: str
) -> None:
    assert nights([day(reported_on, timing)]) == (ReportNight(opening(opens_at), 0.95, timing, reported_on, text),)


def test_without_a_side_it_is_the_one_of_the_companys_previous_reports(nights: Nights) -> None:
    (night,) = nights([*past(AFTER, UNKNOWN, BEFORE, AFTER), day(THURSDAY)])

    assert (night.timing, night.probability) == (AFTER, 0.95)
    assert night.opens_at == opening("2025-01-31T14:30")


def test_reports_to_come_say_nothing_of_the_side(nights: Nights) -> None:
    ahead = [day(date(2025, 5, 1), BEFORE), day(date(2025, 7, 31), BEFORE)]

    assert [night.timing for night in nights([*ahead, day(THURSDAY)])] == [UNKNOWN] * 2


@pytest.mark.parametrize("timings", [(), (AFTER,), (AFTER, BEFORE, AFTER, BEFORE)], ids=["none", "one", "mixed"])
def test_an_unknown_side_may_be_either_night(nights: Nights, timings: tuple[ReportTiming, ...]) -> None:
    first, second = nights([*past(*timings), day(THURSDAY)])

    assert (first.opens_at, second.opens_at) == (opening("2025-01-30T14:30"), opening("2025-01-31T14:30"))
    assert (first.probability, second.probability) == (pytest.approx(0.45), pytest.approx(0.45))
    assert {first.text, second.text} == {"report on 30 Jan, before the open or after the close"}


def test_an_estimated_range_shares_its_probability_among_its_sessions(nights: Nights) -> None:
    week = [day(date(2025, 1, 28) + timedelta(days=number), AFTER, is_confirmed=False) for number in range(6)]

    found = nights(week)

    assert [night.opens_at.day for night in found] == [29, 30, 31, 3]
    assert [night.probability for night in found] == [pytest.approx(0.25)] * 4
    assert found[0].text == "report between 28 Jan and 31 Jan, after the close (estimated)"


def test_a_range_of_an_unknown_side_adds_up_where_its_nights_meet(nights: Nights) -> None:
    found = nights([day(each, is_confirmed=False) for each in (THURSDAY, FRIDAY)])

    half = 0.5 * 0.45 / 0.95
    assert [night.probability for night in found] == [pytest.approx(each) for each in (half, 2 * half, half)]


def test_a_single_estimated_day_is_as_likely_as_a_confirmed_one_and_says_so(nights: Nights) -> None:
    (night,) = nights([day(THURSDAY, AFTER, is_confirmed=False)])

    assert (night.probability, night.text) == (0.95, "report after the close of 30 Jan (estimated)")


def test_estimates_of_two_quarters_are_two_reports(nights: Nights) -> None:
    (night,) = nights([day(each, AFTER, is_confirmed=False) for each in (THURSDAY, date(2025, 5, 1))])

    assert night.probability == 0.95


def test_what_is_known_later_is_not_known(nights: Nights) -> None:
    late = day(THURSDAY, AFTER, known_at=AS_OF + timedelta(microseconds=1))

    assert nights([late]) == ()
    assert len(nights([late], AS_OF + timedelta(microseconds=1))) == 1


def test_only_the_next_ten_days_matter_and_the_night_that_is_just_over(nights: Nights) -> None:
    dates = [day(date(2025, 1, 23), AFTER), day(THURSDAY, AFTER)]

    assert [night.opens_at.day for night in nights(dates)] == [24, 31]
    assert [night.opens_at.day for night in nights(dates, AS_OF + timedelta(days=1))] == [31]
    assert nights(dates, datetime(2025, 1, 21, 14, 29, tzinfo=UTC))[-1].opens_at.day == 24


def test_currencies_and_crypto_have_no_reports(nights: Nights) -> None:
    for calendar in ("FX", "24/7"):
        assert nights([day(THURSDAY, AFTER)], AS_OF, calendar) == ()


def test_a_report_within_a_long_holiday_is_in_the_night_before_the_next_session(nights: Nights) -> None:
    # Shanghai was closed from 28 January to 4 February 2025
    dates = [day(date(2025, 1, 2), AFTER), day(date(2025, 1, 29), AFTER)]

    (night,) = nights(dates, datetime(2025, 2, 4, 12, tzinfo=UTC), "XSHG")

    assert night.opens_at == opening("2025-02-05T01:30")


def test_an_estimate_from_earlier_reports_counts_by_how_sure_it_is(connection: Connection, nights: Nights) -> None:
    def estimated(*days: date) -> ReportNight:
        dates = [EarningsDate("ACME", each, AFTER, True, FILED, AS_OF - timedelta(days=10)) for each in days]
        save_estimates(connection, [guess(THURSDAY)], {"ACME": AS_OF - timedelta(days=5)})
        (night,) = nights(dates)
        return night

    sure = estimated(*PAST)
    assert (sure.opens_at, sure.timing, sure.probability) == (opening("2025-01-31T14:30"), AFTER, 0.7)
    assert sure.text == "report after the close of 30 Jan (estimated from earlier reports)"
    assert estimated(PAST[-1] + timedelta(days=1)).probability == 0.33


def guess(reported_on: date) -> EarningsDate:
    return EarningsDate("ACME", reported_on, AFTER, False, ESTIMATE, AS_OF - timedelta(days=5))


@pytest.mark.parametrize(
    "said",
    [
        day(THURSDAY + timedelta(days=20), AFTER),
        day(THURSDAY - timedelta(days=44), AFTER),
        day(FRIDAY, AFTER, is_confirmed=False),
    ],
    ids=["later", "the report is out", "not confirmed"],
)
def test_what_a_source_says_of_the_report_replaces_an_estimate_at_once(
    connection: Connection, nights: Nights, said: EarningsDate
) -> None:
    save_estimates(connection, [guess(THURSDAY)], {"ACME": AS_OF - timedelta(days=5)})
    assert [night.reported_on for night in nights([])] == [THURSDAY]

    assert [night.reported_on for night in nights([said])] == [FRIDAY] * (said.reported_on == FRIDAY)
