"""Whose clock times without a zone were read from.

A stated rule comes first: the column's name (``ts`` and names with UTC are UTC; ``Datetime (Europe/London)``). Without
one, the exchange's sessions are the evidence: 09:30 to 15:30 on every day of the year are the openings of New York's
bars by New York's clock and by no other. Around the clock there is no such evidence, and the file is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from include.errors import DataContractError, InvalidRequestError
from include.market import sessions
from include.market.file_columns import stated_zone
from include.market.file_table import BarFile, quoted, title
from include.market.file_times import ReadTimes
from include.market.grid import ALWAYS_OPEN, CURRENCIES

_FITTING: Final = 0.99  # share of times that open a bar, by the right clock
_MARGIN: Final = 0.02  # by how much the wrong one must fit less; an hour's shift loses a tenth of a day's bars or more
_SESSIONS_OPENED: Final = 0.5  # share of sessions whose first bar is there: closing times look like openings but for it


def to_instants(
    file: BarFile, columns: Sequence[int], times: ReadTimes, ticker: str
) -> tuple[pd.DatetimeIndex, str | None]:
    """The times of these columns in UTC, and how their zone was found; None where the times have it themselves.

    Raises:
        DataContractError: the zone is unknown, or a time does not exist, or is there twice, by its clock.
    """
    clock = pd.DatetimeIndex(times.micros.view("datetime64[us]"))
    if times.has_zone:
        return clock.tz_localize("UTC"), None
    labels = [label for column in columns for label in file.labels[column]]
    stated = {zone: label for label in reversed(labels) if (zone := stated_zone(label))}
    zone, evidence = next(((zone, f"stated by {quoted(label)}") for zone, label in stated.items()), (None, ""))
    if zone is None:
        zone, evidence = _zone_by_sessions(clock, ticker)
    if zone is None:
        message = (
            f"{title(file, columns[0])}, {file.place(0)}: {clock[0]} has no time zone{evidence}. Write the UTC offset "
            "behind every time, or the zone into the column's name: 'Datetime (UTC)', 'Datetime (America/New_York)'. "
            "A bar's time is when it opens"
        )
        raise DataContractError(message)
    instants = _localise(clock, zone)
    if instants.hasnans:
        row = int(np.flatnonzero(instants.isna())[0])
        message = (
            f"{title(file, columns[0])}, {file.place(row)}: {clock[row]} does not exist in {zone} or is there twice, "
            "since clocks change then; write times in UTC"
        )
        raise DataContractError(message)
    return instants, f"by the clock of {zone} ({evidence})"


def _zone_by_sessions(clock: pd.DatetimeIndex, ticker: str) -> tuple[str | None, str]:
    """The exchange's zone or UTC, if the times are openings of its bars by that clock alone, else None; and why."""
    try:
        calendar = sessions.calendar_of(ticker)
    except InvalidRequestError:
        return None, ""
    if calendar in {ALWAYS_OPEN, CURRENCIES}:
        return None, ""
    readings = {zone: _localise(clock, zone) for zone in (sessions.timezone_of(calendar), "UTC")}
    fits = {zone: _fit(instants, calendar) for zone, instants in readings.items()}
    best, other = sorted(fits, key=lambda zone: -fits[zone])
    shares = (
        f"{fits[best]:.0%} of the times open a bar of {calendar} by the clock of {best}, {fits[other]:.0%} of {other}"
    )
    is_clear = fits[other] <= fits[best] - _MARGIN or readings[best].equals(readings[other])
    if fits[best] < _FITTING or not is_clear or not _opens_sessions(readings[best], calendar):
        return None, f", and sessions do not show it ({shares})"
    return best, shares


def _localise(clock: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    """The instants at which the zone's clocks show these times; NaT for a time that is not there, or there twice."""
    return clock.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT").tz_convert("UTC")


def _fit(instants: pd.DatetimeIndex, calendar: str) -> float:
    """The share of instants at which one of the calendar's bars opens."""
    return float(sessions.closed_at_of(instants.to_series(), calendar).notna().mean())


def _opens_sessions(instants: pd.DatetimeIndex, calendar: str) -> bool:
    """Whether most sessions between the first and the last instant have their first bar among them."""
    first, last = instants.min().floor("D"), instants.max().ceil("D")
    grid = sessions.bar_grid(calendar, first.to_pydatetime(), last.to_pydatetime())
    openings = grid.loc[grid["is_session_first"], "opened_at"]
    has_bars = openings.dt.floor("D").isin(instants.floor("D"))
    return bool(openings[has_bars].isin(instants).mean() >= _SESSIONS_OPENED)
