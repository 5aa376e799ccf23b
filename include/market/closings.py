"""Last bars of sessions that a feed never serves: known for some exchanges, else found in a ticker's bars.

Yahoo never serves the last bar of some sessions: 12:30 on New York's half days, the closing auctions of several
exchanges (ranaroussi/yfinance#1585, #2806). A ticker must not count as late because of such a bar, and the bar must not
be requested for a month. The same holds for a day on which a session was only assumed and no bar came. Pure functions
without a clock. Where next: ``sessions.last_closed`` takes what is found here.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.market.calendar_definitions import calendars_file, definition_of
from include.market.grid import ALWAYS_OPEN, CURRENCIES, Grid, grid_of
from include.market.sessions import bar_grid
from include.market.source import YAHOO

NEWEST_SESSIONS: Final = 10
"""Newest sessions of one length that are examined. With 10, a change of the feed is noticed within two weeks."""
FEWEST_SESSIONS: Final = 3
"""Fewest sessions from which a closing is found. New York has at most three half days a year."""
USUAL_RATIO: Final = 0.8
"""Smallest share of those sessions that have the bar before; with less, the ticker trades too thinly to judge."""


class Closing(NamedTuple):
    """A bar at the end of a session: the session's number of bars, and the bar's slot from 0."""

    slot_count: int
    slot: int

    def __str__(self) -> str:
        """Words for people, with the bar counted from 1."""
        return f"bar {self.slot + 1} of sessions with {self.slot_count} bars"


def unserved_closings(calendar: str, source: str, opened_at: pd.Series[Any]) -> frozenset[Closing]:
    """The closing bars that this source never serves: the known ones, and those found in a ticker's bars.

    ``opened_at``: when the ticker's stored bars open, UTC, in any order. The result depends on nothing else.

    Raises:
        DataContractError: there is no such calendar.
    """
    return known_closings(calendar, source) | learnt_closings(calendar, opened_at)


def known_closings(calendar: str, source: str) -> frozenset[Closing]:
    """The closing bars of ``yahoo_lacks`` in ``calendars.toml``; none for another source than Yahoo."""
    if source != YAHOO or calendar in {ALWAYS_OPEN, CURRENCIES}:
        return frozenset()
    return frozenset(Closing(*pair) for pair in definition_of(calendar, calendars_file()).yahoo_lacks)


def learnt_closings(calendar: str, opened_at: pd.Series[Any]) -> frozenset[Closing]:
    """The closing bars that are absent from all of the newest whole sessions of one length.

    The first and the last session with a bar do not count, since they may be incomplete.

    Raises:
        DataContractError: there is no such calendar.
    """
    grid = grid_of(calendar)
    numbers = _numbers(grid, opened_at)
    if not len(numbers):
        return frozenset()
    first_day, last_day = grid.session_day[numbers[0]], grid.session_day[numbers[-1]]
    first, end = np.searchsorted(grid.session_day, [first_day + 1, last_day])
    is_there = np.isin(np.arange(first, end), numbers)
    counts = grid.slot_count[first:end]
    found: set[Closing] = set()
    for count in np.unique(counts):
        sessions = is_there[counts == count].reshape(-1, count)
        found |= _absent_closings(sessions[sessions.any(axis=1)][-NEWEST_SESSIONS:])
    return frozenset(found)


def expected_bars(
    calendar: str,
    since: datetime,
    until: datetime,
    unserved: Container[tuple[int, int]],
    opened_at: pd.Series[Any],
) -> pd.DataFrame:
    """The rows of ``sessions.bar_grid`` that the feed can be expected to serve.

    Left out are the ``unserved`` closing bars, and days on which the calendar only assumes a session when no bar of
    them is among ``opened_at`` (the ticker's stored bars, UTC) although later ones are.

    Raises:
        DataContractError: no such calendar, or a naive datetime.
    """
    bars = bar_grid(calendar, since, until)
    pairs = zip(bars["slot_count"].tolist(), bars["slot"].tolist(), strict=True)
    is_served = np.array([pair not in unserved for pair in pairs], dtype=np.bool_)
    days = bars["session_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return bars.loc[is_served & ~np.isin(days, empty_days(calendar, opened_at))].reset_index(drop=True)


def empty_days(calendar: str, opened_at: pd.Series[Any]) -> tuple[int, ...]:
    """Assumed sessions without a bar that lie before the newest bar; days since 1970, in order.

    Raises:
        DataContractError: there is no such calendar.
    """
    grid = grid_of(calendar)
    seen_days = grid.session_day[_numbers(grid, opened_at)]
    if not len(seen_days) or seen_days[-1] <= grid.published:
        return ()
    first, end = np.searchsorted(grid.session_day, [grid.published + 1, seen_days[-1]])
    return tuple(np.setdiff1d(grid.session_day[first:end], seen_days).tolist())


def _absent_closings(sessions: npt.NDArray[np.bool_]) -> set[Closing]:
    """The closing bars that none of these sessions has; [sessions, slots] says which bars are there."""
    if len(sessions) < FEWEST_SESSIONS:
        return set()
    count = sessions.shape[1]
    last = int(np.flatnonzero(sessions.any(axis=0))[-1])
    if sessions[:, last].mean() < USUAL_RATIO:
        return set()
    return {Closing(count, slot) for slot in range(last + 1, count)}


def _numbers(grid: Grid, opened_at: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """The numbers of the grid's bars that are among these bars, in order."""
    wanted = np.unique(pd.DatetimeIndex(opened_at).as_unit("us").asi8)
    found = np.minimum(np.searchsorted(grid.opened, wanted), len(grid.opened) - 1)
    return np.asarray(found[grid.opened[found] == wanted], dtype=np.int64)
