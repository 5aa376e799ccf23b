"""When an hour is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.edge import TRAINING_POOL as DAGS_POOL
from include.local.run import TRAINING_POOL, last_tick


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


def test_the_launcher_makes_the_pool_that_the_dags_use() -> None:
    assert TRAINING_POOL == DAGS_POOL
