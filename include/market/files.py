"""Bars from a folder: one Parquet or CSV file a ticker, for a vendor's bars, for replays and for backtests.

A file has the columns ts (UTC, when the bar opens), open, high, low, close, volume, or another layout that can mean one
thing only (``file_bars.py``). It is named after its ticker, with ``^X`` written as ``IDX_X`` and ``=X`` as ``_X``:
``AAPL.parquet``, ``IDX_GSPC.csv``, ``EURUSD_X.parquet``. Its 5-minute closes of extended hours are in a sub-folder
(``file_closes.py``).
The folder may reach past ``as_of``: how a file is laid out is found from all of it, but no bar that opens later is
handed over or counts for a ticker's calendar.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from include.contracts import BarRequest, TickerFailure, TickerProfile, require_utc
from include.errors import DataContractError, HourcastError, MarketUnavailableError, RetryableError, UnknownTickerError
from include.market.exchanges import given_calendar
from include.market.extended_closes import join_closes, known_closes
from include.market.file_bars import read_bars
from include.market.file_closes import read_closes
from include.market.file_earnings import read_earnings
from include.market.grid import ALWAYS_OPEN, CURRENCIES
from include.market.sessions import bar_grid, calendar_of, closed_at_of, feed_delay_minutes, timezone_of
from include.market.source import FILES, EarningsReport, ExtendedReport, FetchReport, join_bars, known_bars, make_bars

_LOG: Final = logging.getLogger(__name__)
_ROUND_THE_CLOCK_HOURS: Final = 20  # of the day's 24; the longest session of an exchange has 9
_WEEKEND_RATIO: Final = 0.1  # two of seven days are 0.29
_FEW: Final = 0.1  # share of sessions
_MOST: Final = 0.5  # share of bars or sessions
_FOREIGN_ERRORS: Final = (OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, pa.ArrowException)


class FilesSource:
    """The bar source `files`."""

    name = FILES

    def __init__(self, folder: Path, calendars: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._calendars = calendars or {}  # of suffixes and tickers, by a setting
        self._explained: set[Path] = set()

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        """The profiles of the tickers that have a readable file with bars before ``as_of``, and the other failures."""
        profiles: dict[str, TickerProfile] = {}
        failures: list[TickerFailure] = []
        for ticker in tickers:
            try:
                profiles[ticker] = self._describe_one(ticker, require_utc(as_of, "as_of"))
            except HourcastError as error:
                failures.append(_failure(ticker, error))
        return profiles, failures

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        """The bars asked for that were known at ``as_of``; a missing or broken file is that ticker's failure."""
        parts: list[pd.DataFrame] = []
        failures: list[TickerFailure] = []
        for request in requests:
            ticker, calendar = request.profile.ticker, request.profile.calendar
            try:
                raw = self._read(ticker)
            except HourcastError as error:
                failures.append(_failure(ticker, error))
                continue
            is_wanted = (raw["opened_at"] >= request.since) & (raw["opened_at"] < as_of)
            parts.append(known_bars(make_bars(ticker, calendar, raw.loc[is_wanted]), request, as_of))
        return FetchReport(bars=join_bars(parts), failures=tuple(failures))

    def fetch_extended(self, requests: Sequence[BarRequest], as_of: datetime) -> ExtendedReport:
        """The 5-minute closes asked for that were known at ``as_of``; a broken file is that ticker's failure.

        A ticker that has no such file has no closes, which is no failure. See ``file_closes.py``.
        """
        parts: list[pd.DataFrame] = []
        failures: list[TickerFailure] = []
        for request in requests:
            ticker = request.profile.ticker
            try:
                rows = read_closes(self._folder, _stem(ticker), ticker)
            except HourcastError as error:
                failures.append(_failure(ticker, error))
                continue
            if rows is not None:
                is_wanted = (rows["opened_at"] >= request.since) & (rows["opened_at"] < as_of)
                parts.append(known_closes(rows.loc[is_wanted], request, as_of))
        return ExtendedReport(closes=join_closes(parts), failures=tuple(failures))

    @property
    def is_earnings_costly(self) -> bool:
        """False: the file is on this machine."""
        return False

    def fetch_earnings(
        self,
        profiles: Sequence[TickerProfile],
        as_of: datetime,
        with_past: Collection[str] = (),  # noqa: ARG002  # the past ones are always included
    ) -> EarningsReport:
        """The reports that ``earnings.csv`` has of the tickers. See ``file_earnings.py``."""
        require_utc(as_of, "as_of")
        return read_earnings(self._folder, {profile.ticker for profile in profiles})

    def _describe_one(self, ticker: str, as_of: datetime) -> TickerProfile:
        raw = self._read(ticker)
        opened_at = raw.loc[raw["opened_at"] < as_of, "opened_at"]
        if opened_at.empty:
            message = f"{ticker}: {self._path(ticker)} has no bar before {as_of:%Y-%m-%d %H:%M}; choose a later as_of."
            raise MarketUnavailableError(message)
        given = given_calendar(ticker, self._calendars)
        calendar = given or _round_the_clock(opened_at) or calendar_of(ticker)
        _require_openings(opened_at, calendar, f"{ticker}: {self._path(ticker)}")
        return TickerProfile(
            ticker=ticker,
            source=FILES,
            calendar=calendar,
            timezone=timezone_of(calendar),
            currency=None,
            name=None,
            feed_delay_minutes=feed_delay_minutes(calendar),
        )

    def _path(self, ticker: str) -> Path:
        """The ticker's file, Parquet before CSV.

        Raises:
            MarketUnavailableError: the folder is not there.
            UnknownTickerError: the folder has no file of that name.
        """
        if not self._folder.is_dir():
            message = f"{ticker}: the folder {self._folder} is not there; check HOURCAST_BARS_DIR."
            raise MarketUnavailableError(message)
        stem = _stem(ticker)
        for path in (self._folder / f"{stem}.parquet", self._folder / f"{stem}.csv"):
            if path.is_file():
                return path
        message = f"{ticker}: the folder {self._folder} has neither {stem}.parquet nor {stem}.csv."
        raise UnknownTickerError(message)

    def _read(self, ticker: str) -> pd.DataFrame:
        """All rows of the ticker's file, opened_at in UTC. How a foreign layout was read is logged, once a file.

        Raises:
            DataContractError: the file cannot be read as bars.
        """
        path = self._path(ticker)
        try:
            bars = read_bars(path, ticker)
        except DataContractError as error:
            message = f"{ticker}: {path} cannot be read as bars: {error}."
            raise DataContractError(message) from error
        except _FOREIGN_ERRORS as error:  # a library's, at bytes that nobody thought of: the other tickers go on
            message = (
                f"{ticker}: {path} cannot be read as bars ({type(error).__name__}: {error}); write the file again with "
                "the columns ts, open, high, low, close, volume."
            )
            raise DataContractError(message) from error
        if bars.how is not None and path not in self._explained:
            self._explained.add(path)
            _LOG.info("%s: read %s.", path, bars.how)
        return bars.rows


def _stem(ticker: str) -> str:
    """The name of the ticker's files, without their ending."""
    return ticker.replace("^", "IDX_").replace("=", "_")


def _round_the_clock(opened_at: pd.Series[Any]) -> str | None:
    """24/7 for bars at all hours and on weekends, FX for bars at all hours of weekdays, None for sessions."""
    if opened_at.dt.hour.nunique() < _ROUND_THE_CLOCK_HOURS:
        return None
    weekend_ratio = float((opened_at.dt.day_of_week >= 5).mean())
    return ALWAYS_OPEN if weekend_ratio > _WEEKEND_RATIO else CURRENCIES


def _require_openings(opened_at: pd.Series[Any], calendar: str, file: str) -> None:
    """Checks that the times are those at which the calendar's bars open.

    Most times of closings open some other bar; but the sessions' closes are among them, and their opens are not.

    Raises:
        DataContractError: they are not.
    """
    stray_ratio = float(closed_at_of(opened_at, calendar).isna().mean())
    if stray_ratio > _MOST:
        message = (
            f"{file}: {stray_ratio:.0%} of the bars do not open when bars of {calendar} do; a bar's time must be when "
            "it opens, hour by hour from the session's open."
        )
        raise DataContractError(message)
    grid = bar_grid(calendar, opened_at.min(), opened_at.max())
    opens = grid.loc[grid["is_session_first"], "opened_at"]
    closes = grid.loc[grid["minutes_to_close"] == 0, "closed_at"]
    if opens.isin(opened_at).mean() < _FEW and closes.isin(opened_at).mean() > _MOST:
        message = (
            f"{file}: the times are closings of the bars of {calendar} and not openings: most sessions' closes are "
            "among them and almost no opens. Write when each bar opens."
        )
        raise DataContractError(message)


def _failure(ticker: str, error: HourcastError) -> TickerFailure:
    return TickerFailure(ticker=ticker, reason=str(error), is_retryable=isinstance(error, RetryableError))
