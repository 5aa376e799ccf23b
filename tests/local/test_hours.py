"""When an hour is due, and how the newest one ended."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.local.hours import Hour, count_statuses, describe_exceptions, hour_fields, last_tick
from include.local.reasons import Finding

AT_0120 = datetime(2026, 11, 28, 1, 20, tzinfo=UTC)
NO_BAR = "no new closed bar since 2026-11-27T18:00:00+00:00"
ENDED = Hour(
    datetime(2026, 11, 28, 0, 35, tzinfo=UTC),
    (
        Finding("ALFA.SIM", "skipped", NO_BAR),
        Finding("BRAVO.SIM", "skipped", NO_BAR),
        Finding("NOVA-USD.SIM", "forecast"),
    ),
    is_finished=True,
)


@pytest.mark.parametrize(
    ("now", "tick"),
    [("10:34:59", "09:35:00"), ("10:35:00", "10:35:00"), ("10:59:59", "10:35:00"), ("00:10:00", "23:35:00")],
)
def test_the_newest_tick_is_not_after_now(now: str, tick: str) -> None:
    found = last_tick(datetime.fromisoformat(f"2026-11-21T{now}+00:00"), 35)
    assert found.strftime("%H:%M:%S") == tick


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1), st.integers(0, 59))
def test_a_tick_is_at_its_minute_and_less_than_an_hour_old(now: datetime, minute: int) -> None:
    tick = last_tick(now, minute)
    assert (tick.minute, tick.second, tick.microsecond) == (minute, 0, 0)
    assert timedelta() <= now - tick < timedelta(hours=1)


def test_the_newest_hour_is_given_with_its_outcomes_their_reasons_and_the_next_hour() -> None:
    assert hour_fields(ENDED, AT_0120, 35) == [
        ("Hour", "Sat 28 Nov 00:35 UTC is the newest: 2 skipped, 1 forecast"),
        ("", "ALFA.SIM, BRAVO.SIM were skipped: no new closed bar since Fri 27 Nov 18:00 UTC"),
        ("Next", "Sat 28 Nov 01:35 UTC"),
    ]


def test_an_hour_that_still_runs_is_described_by_the_stages_of_its_tickers() -> None:
    running = Hour(ENDED.as_of, (Finding("AAPL", "fetched"), Finding("MSFT", "fetched")), is_finished=False)
    assert hour_fields(running, AT_0120, 35)[0] == (
        "Hour",
        "Sat 28 Nov 00:35 UTC is the newest and still runs: 2 fetched",
    )


def test_an_hour_that_is_due_and_was_not_planned_is_named() -> None:
    fields = hour_fields(ENDED, AT_0120 + timedelta(minutes=20), 35)
    assert fields[-1] == ("Next", "Sat 28 Nov 01:35 UTC is due and has no outcome yet; then Sat 28 Nov 02:35 UTC")


def test_before_the_first_hour_only_the_next_one_is_given() -> None:
    assert hour_fields(None, AT_0120, 35) == [
        ("Hour", "none so far"),
        ("Next", "Sat 28 Nov 00:35 UTC is due and has no outcome yet; then Sat 28 Nov 01:35 UTC"),
    ]


def test_only_outcomes_with_a_reason_are_described() -> None:
    assert len(describe_exceptions(ENDED)) == 1


def test_the_most_frequent_status_comes_first_and_equals_in_alphabetical_order() -> None:
    assert count_statuses(["b", "c", "a", "c"]) == "2 c, 1 a, 1 b"
    assert count_statuses([]) == ""
