"""A ticker's calendar, from Yahoo's description of the ticker and from its first bars.

A calendar from the settings comes first, then the one of Yahoo's exchange code, then the one of the ticker's spelling.
Where an exchange has several calendars, the one that fits the bars is taken. Where next: ``yahoo.py`` makes the
requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from include.errors import DataContractError, InvalidRequestError
from include.market.calendar_fit import best_fit
from include.market.exchanges import exchange_of, given_calendar
from include.market.sessions import feed_delay_minutes, timezone_of

_FEWEST_ON_GRID: Final = 0.5  # of the bars; with less, nearly all bars of the ticker would be rejected
_YEAR_DAYS: Final = range(0, 366, 7)


def likely_timezone(ticker: str, given: Mapping[str, str]) -> str:
    """The time zone that Yahoo probably has for a ticker, for use before the first request.

    Raises:
        InvalidRequestError: the hours of its exchange are not known.
        DataContractError: the settings give it a calendar that does not exist.
    """
    chosen = given_calendar(ticker, given)
    return exchange_of(ticker).timezone if chosen is None else timezone_of(chosen)


def calendar_and_delay(
    ticker: str,
    code: str | None,
    timezone: str | None,
    opened_at: pd.Series[Any],
    given: Mapping[str, str],
    as_of: datetime,
) -> tuple[str, int]:
    """The calendar of a ticker whose exchange has this code and zone and whose bars open then (UTC); the feed's delay.

    Raises:
        InvalidRequestError: the hours of its exchange are not known.
        DataContractError: fewer than half of its bars open when one of the calendar's does.
    """
    chosen = given_calendar(ticker, given)
    if chosen is None:
        exchange = exchange_of(ticker, code)
        calendars, delay, expected = exchange.calendars, exchange.delay_minutes, exchange.timezone
    else:
        calendars, delay, expected = (chosen,), feed_delay_minutes(chosen), timezone_of(chosen)
    if not _have_one_clock(timezone, expected, as_of):
        message = f"{ticker}: it trades at {code} in {timezone}, whose hours are not known here; it cannot be tracked."
        raise InvalidRequestError(message)
    fit = best_fit(calendars, opened_at)
    if fit.on_grid_ratio < _FEWEST_ON_GRID:
        message = (
            f"{ticker}: {1 - fit.on_grid_ratio:.0%} of Yahoo's bars do not open when bars of {fit.calendar} do. "
            "Try again later; if that does not help, give it a calendar with HOURCAST_SUFFIX_CALENDARS."
        )
        raise DataContractError(message)
    return fit.calendar, delay


def _have_one_clock(zone: str | None, other: str, as_of: datetime) -> bool:
    """Whether both zones show the same time over the year before ``as_of``: one place may have several names."""
    if zone == other:
        return True
    try:
        clocks = ZoneInfo(zone or ""), ZoneInfo(other)
    except (ValueError, ZoneInfoNotFoundError):
        return False
    moments = [as_of - timedelta(days=days) for days in _YEAR_DAYS]
    return all(
        moment.astimezone(clocks[0]).utcoffset() == moment.astimezone(clocks[1]).utcoffset() for moment in moments
    )
