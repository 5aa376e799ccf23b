"""A ticker's calendar, from what Yahoo says of its exchange and from the bars that Yahoo has of it.

A calendar that the operator gave comes first, then Yahoo's code of the exchange, then the ticker's spelling. Where an
exchange has several calendars, the bars show which one is meant. It asks nobody: ``yahoo.py`` brings the answer.
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

_FEWEST_ON_GRID: Final = 0.5  # of the bars; less, and nearly all of them would be rejected
_YEAR_DAYS: Final = range(0, 366, 7)


def likely_timezone(ticker: str, given: Mapping[str, str]) -> str:
    """The zone that Yahoo probably gives for a ticker, before it is asked.

    Raises:
        InvalidRequestError: the hours of its exchange are not known.
        DataContractError: the operator gave it a calendar that does not exist.
    """
    own = given_calendar(ticker, given)
    return exchange_of(ticker).timezone if own is None else timezone_of(own)


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
    own = given_calendar(ticker, given)
    if own is None:
        exchange = exchange_of(ticker, code)
        calendars, delay, expected = exchange.calendars, exchange.delay_minutes, exchange.timezone
    else:
        calendars, delay, expected = (own,), feed_delay_minutes(own), timezone_of(own)
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
