"""``known_at`` of what an hour and a backfill fetch: a backfill must not change what was read before it."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from include.contracts import Dividend
from include.pipeline.data.known_at import BackfillKnownAt, HourKnownAt

AS_OF = datetime(2025, 3, 31, 15, 35, tzinfo=UTC)
HOUR = timedelta(hours=1)
DELAY = timedelta(minutes=2)
OPENED = datetime(2025, 3, 31, 10, tzinfo=UTC)
"""When the first bar of these tests opened."""


def fetched(count: int = 3) -> pd.DataFrame:
    """Bars that opened at 10:00, 11:00, ...; each is confirmed when the next one closes."""
    opened_at = pd.DatetimeIndex([OPENED + k * HOUR for k in range(count)]).as_unit("us")
    return pd.DataFrame({"opened_at": opened_at, "confirmed_at": opened_at + 2 * HOUR})


def instants(*hours: int) -> pd.Series:
    """When the bars opened that were stored before, as hours after the first one."""
    return pd.Series(pd.DatetimeIndex([OPENED + hour * HOUR for hour in hours], tz="UTC").as_unit("us"))


def backfill(*stored_hours: int, last_read_at: datetime | None = None) -> BackfillKnownAt:
    return BackfillKnownAt(AS_OF, 2, instants(*stored_hours), last_read_at)


def known_at(rule: BackfillKnownAt, count: int = 3) -> list[datetime]:
    return [value.to_pydatetime() for value in rule.of_bars(fetched(count))]


def served_at(hour: int) -> datetime:
    """When the source could have served the bar that opened so many hours after the first one."""
    return OPENED + (hour + 2) * HOUR + DELAY


def paid(at: datetime) -> Dividend:
    return Dividend("NOVA", at, 0.4)


def test_what_an_hour_fetches_is_known_from_its_as_of_on() -> None:
    rule = HourKnownAt(AS_OF)
    assert set(rule.of_bars(fetched())) == {pd.Timestamp(AS_OF)}
    assert str(rule.of_bars(fetched(0)).dtype) == "datetime64[us, UTC]"
    assert rule.of_dividend(paid(OPENED)) == AS_OF


def test_a_first_backfills_bars_are_known_when_their_confirmation_could_be_served() -> None:
    assert known_at(backfill()) == [served_at(hour) for hour in range(3)]


def test_a_bar_that_was_stored_before_is_known_from_now_on() -> None:
    assert known_at(backfill(1)) == [served_at(0), AS_OF, served_at(2)]


def test_a_bar_that_an_earlier_read_would_have_found_is_known_from_now_on() -> None:
    rule = backfill(last_read_at=served_at(1))
    assert known_at(rule) == [AS_OF, AS_OF, served_at(2)]
    just_before = backfill(last_read_at=served_at(1) - timedelta(microseconds=1))
    assert known_at(just_before) == [AS_OF, served_at(1), served_at(2)]


def test_now_is_just_after_the_last_read_if_that_was_later_than_the_backfills_as_of() -> None:
    later = AS_OF + 3 * HOUR
    assert set(known_at(backfill(last_read_at=later))) == {later + timedelta(microseconds=1)}
    assert set(known_at(backfill(0, 1, 2, last_read_at=AS_OF))) == {AS_OF + timedelta(microseconds=1)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (backfill(), OPENED + DELAY),
        (backfill(1), AS_OF),
        (backfill(0), AS_OF),
        (backfill(-1), OPENED + DELAY),
        (backfill(last_read_at=OPENED + DELAY), AS_OF),
        (backfill(last_read_at=OPENED), OPENED + DELAY),
        (backfill(last_read_at=AS_OF + HOUR), AS_OF + HOUR + timedelta(microseconds=1)),
    ],
    ids=[
        "nothing stored or read",
        "bars stored after the ex-date",
        "a bar stored of the ex-date",
        "bars stored before the ex-date",
        "read when it could be served",
        "read just before",
        "read after this backfill",
    ],
)
def test_a_dividend_is_known_when_its_first_bar_opened_unless_that_would_change_what_was_read(
    rule: BackfillKnownAt, expected: datetime
) -> None:
    assert rule.of_dividend(paid(OPENED)) == expected


def test_a_dividend_is_known_at_the_backfills_as_of_at_the_latest() -> None:
    assert backfill().of_dividend(paid(AS_OF + 5 * HOUR)) == AS_OF
