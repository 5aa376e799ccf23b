"""The sessions of the simulated market as hours of the product: when its bars are known, and when a day is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.market.grid import NEW_YORK
from include.market.sessions import bar_grid, feed_delay_minutes

_MINUTE = 35
"""Minute of the hourly run, as in ``HOURCAST_SCHEDULE_MINUTE``."""
_LOOK = timedelta(hours=3, minutes=15)
"""When `watch_models` runs, after midnight in UTC."""


@dataclass(frozen=True)
class Session:
    """A session: the hours that see its bars (UTC), and the look that follows it."""

    day: date
    hours: tuple[datetime, ...]
    look_at: datetime


def sessions_of(since: datetime, until: datetime) -> Iterator[Session]:
    """The sessions whose bars open in [since, until), oldest first. Hours without a new bar are left out."""
    delay = timedelta(minutes=feed_delay_minutes(NEW_YORK))
    grid = bar_grid(NEW_YORK, since, until)
    for _, bars in grid.groupby("session_date", sort=True):
        hours = tuple(dict.fromkeys(_hour_after(closed_at.to_pydatetime() + delay) for closed_at in bars["closed_at"]))
        midnight = hours[-1].replace(hour=0, minute=0) + timedelta(days=1)
        yield Session(bars["session_date"].iloc[0].date(), hours, midnight + _LOOK)


def _hour_after(moment: datetime) -> datetime:
    """The first hourly run at or after an instant."""
    found = moment.replace(minute=_MINUTE, second=0, microsecond=0)
    return found if found >= moment else found + timedelta(hours=1)
