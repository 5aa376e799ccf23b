"""A simulated market for machines without a network: every ticker that ends in ``.SIM``.

A price is a pure function of (ticker, time). Its noise is a hash of (ticker, purpose, day, slot), not a random number,
so that every process computes the same bar. ``XXX-USD.SIM`` trades at all hours, in UTC days of 24 slots; every other
ticker trades in New York sessions of 7 slots. Days count from 2015. The moves of holidays and of the missing hours of
half days are part of the next opening gap. In New York's extended hours a price moves from the last close to the next
open (``simulated_nights.py``).

The market shares these properties with real ones: volatility with a U shape over the session and a long memory, fat
tails, overnight gaps, a common factor, and volumes that grow with volatility and are sometimes unknown. Prices revert
slowly to a base level, over 500 days, so that they stay in a usable range for decades.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import BarRequest, TickerFailure, TickerProfile, require_utc
from include.market.extended_closes import join_closes, known_closes
from include.market.grid import ALWAYS_OPEN, NEW_YORK
from include.market.sessions import bar_grid, feed_delay_minutes, timezone_of
from include.market.simulated_earnings import simulated_reports
from include.market.simulated_nights import Nights, closes_of_nights
from include.market.simulated_noise import student, uniform
from include.market.source import (
    SIMULATED,
    EarningsReport,
    ExtendedReport,
    FetchReport,
    join_bars,
    known_bars,
    make_bars,
)

_Floats = npt.NDArray[np.float64]
_Days = npt.NDArray[np.int64]

_TICKER: Final = re.compile(r"[A-Z0-9]+(-USD)?\.SIM")
_FIRST_DAY: Final = 16_436  # 2015-01-01 in days since 1970: where levels start
_END_DAY: Final = 23_011  # 2033-01-01
_REVERSION_DAYS: Final = 500
_MEMORY_DAYS: Final = 512
_LONGEST_NIGHT: Final = timedelta(days=8)  # holidays and a weekend, with a session at each end
_GAP_SLOT: Final = 24  # the noise of the opening gap, beside the day's slots


@dataclass(frozen=True)
class _Market:
    """The properties of all tickers with the same trading hours."""

    calendar: str
    slot_shape: _Floats  # standard deviation of a slot's return; squares add up to the open hours' share of a day
    gap_share: float  # the opening gap's share of a day's variance
    trading_days_a_year: int
    yearly_volatility: tuple[float, float]  # least and greatest of a ticker
    base_price: tuple[float, float]
    unknown_volume_ratio: float


@dataclass(frozen=True)
class _Character:
    """The properties of one ticker."""

    daily_volatility: float
    factor_share: float  # the common factor's share of the variance
    base_price: float
    base_volume: float


def _shape(values: Sequence[float], total: float) -> _Floats:
    """These standard deviations scaled so that their squares add up to ``total``."""
    shape = np.asarray(values, dtype=np.float64)
    scaled: _Floats = shape * np.sqrt(total / np.sum(shape**2))
    return scaled


_SESSIONS: Final = _Market(
    calendar=NEW_YORK,
    slot_shape=_shape((1.9, 1.15, 0.9, 0.75, 0.75, 0.95, 0.85), 0.7),  # the last slot has half an hour
    gap_share=0.3,
    trading_days_a_year=261,
    yearly_volatility=(0.18, 0.55),
    base_price=(20.0, 400.0),
    unknown_volume_ratio=0.03,
)
_ROUND_THE_CLOCK: Final = _Market(
    calendar=ALWAYS_OPEN,
    slot_shape=_shape([1 + 0.35 * float(np.cos(2 * np.pi * (hour - 15) / 24)) for hour in range(24)], 1.0),
    gap_share=0.0,
    trading_days_a_year=365,
    yearly_volatility=(0.35, 0.8),
    base_price=(5.0, 5000.0),
    unknown_volume_ratio=0.3,
)


class SimulatedSource:
    """The bar source `simulated`: it knows every ticker that ends in .SIM and is always available."""

    name = SIMULATED

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        """A profile of every ticker that ends in .SIM; the others are unknown here."""
        require_utc(as_of, "as_of")
        known = [ticker for ticker in tickers if _TICKER.fullmatch(ticker)]
        failures = [
            TickerFailure(
                ticker=ticker,
                reason=f"{ticker}: the simulated market has letters and digits with .SIM or -USD.SIM, as in ACME.SIM.",
                is_retryable=False,
            )
            for ticker in tickers
            if ticker not in known
        ]
        return {ticker: _profile(ticker) for ticker in known}, failures

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        """The requested bars that were known at ``as_of``; simulated tickers never fail."""
        parts = [known_bars(_bars(request, as_of), request, as_of) for request in requests]
        return FetchReport(bars=join_bars(parts), failures=())

    def fetch_extended(self, requests: Sequence[BarRequest], as_of: datetime) -> ExtendedReport:
        """The requested 5-minute closes that were known at ``as_of``: of nights, and the last one of every session."""
        parts = [
            known_closes(_night_closes(request, as_of), request, as_of)
            for request in requests
            if request.profile.calendar == NEW_YORK
        ]
        return ExtendedReport(closes=join_closes(parts), failures=())

    @property
    def is_earnings_costly(self) -> bool:
        """False: the days are computed."""
        return False

    def fetch_earnings(
        self,
        profiles: Sequence[TickerProfile],
        as_of: datetime,
        with_past: Collection[str] = (),  # noqa: ARG002  # the past ones are always included
    ) -> EarningsReport:
        """The days on which the companies report. See ``simulated_earnings.py``."""
        return simulated_reports(profiles, as_of)


def _profile(ticker: str) -> TickerProfile:
    calendar = _market_of(ticker).calendar
    return TickerProfile(
        ticker=ticker,
        source=SIMULATED,
        calendar=calendar,
        timezone=timezone_of(calendar),
        currency="USD",
        name=f"{ticker.removesuffix('.SIM')} (simulated, not a real market)",
        feed_delay_minutes=feed_delay_minutes(calendar),
    )


def _market_of(ticker: str) -> _Market:
    return _ROUND_THE_CLOCK if ticker.endswith("-USD.SIM") else _SESSIONS


def _bars(request: BarRequest, as_of: datetime) -> pd.DataFrame:
    """The ticker's bars that open from the request's ``since`` until ``as_of``."""
    ticker, market = request.profile.ticker, _market_of(request.profile.ticker)
    grid = bar_grid(market.calendar, request.since, as_of)
    day_of_bar = grid["session_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    slots = grid["slot"].to_numpy()
    days, rows = np.unique(day_of_bar, return_inverse=True)
    opens, closes = _paths(ticker, market, days)
    deviations = _deviations(ticker, market, days)[:, :-1]
    raw = _prices(ticker, opens[rows, slots], closes[rows, slots], deviations[rows, slots], day_of_bar * 32 + slots)
    volume = _volumes(ticker, market, deviations[rows, slots], day_of_bar * 32 + slots)
    return make_bars(ticker, market.calendar, raw.assign(opened_at=grid["opened_at"], volume=volume))


def _night_closes(request: BarRequest, as_of: datetime) -> pd.DataFrame:
    """The ticker's closes from the session before the request's ``since`` to the one after ``as_of``."""
    ticker, market = request.profile.ticker, _market_of(request.profile.ticker)
    grid = bar_grid(market.calendar, request.since - _LONGEST_NIGHT, as_of + _LONGEST_NIGHT)
    last, first = grid[grid["minutes_to_close"] == 0], grid[grid["is_session_first"]]
    first = first[first["opened_at"] > last["closed_at"].min()]  # both ends may cut a session
    last = last[: len(first)]
    evenings, mornings = (
        bars["session_date"].to_numpy().astype("datetime64[D]").astype(np.int64) for bars in (last, first)
    )
    _, closes = _paths(ticker, market, evenings)
    opens, _ = _paths(ticker, market, mornings)
    nights = Nights(
        days=mornings,
        closed_at=pd.DatetimeIndex(last["closed_at"]),
        opens_at=pd.DatetimeIndex(first["opened_at"]),
        start=closes[np.arange(len(last)), last["slot"].to_numpy()],
        end=opens[:, 0],
        deviation=_deviations(ticker, market, mornings)[:, -1],
    )
    return closes_of_nights(ticker, nights, float(np.log(_character(ticker).base_price)))


def _prices(ticker: str, opens: _Floats, closes: _Floats, deviations: _Floats, cells: _Days) -> pd.DataFrame:
    """Open, high, low and close of bars from their log levels, rounded to a hundredth of a cent.

    Highs and lows are those of a Brownian bridge between both ends: (x + sqrt(x^2 - 2 s^2 ln u)) / 2 above the open.
    Source: the reflection principle, Karatzas and Shreve (1991), section 2.8.
    """
    base = np.log(_character(ticker).base_price)
    change = closes - opens
    spread = -2.0 * deviations**2
    up = (change + np.sqrt(change**2 + spread * np.log(uniform(ticker, "high", cells)))) / 2
    down = (change - np.sqrt(change**2 + spread * np.log(uniform(ticker, "low", cells)))) / 2
    logs = {"open": opens, "high": opens + up, "low": opens + down, "close": closes}
    frame = pd.DataFrame({name: np.round(np.exp(base + values), 4) for name, values in logs.items()})
    return frame.assign(high=frame.max(axis=1), low=frame.min(axis=1))


def _volumes(ticker: str, market: _Market, deviations: _Floats, cells: _Days) -> _Floats:
    """Whole numbers of pieces that grow with the bar's volatility, 0 where they are unknown."""
    character = _character(ticker)
    noise = 0.4 * student(ticker, "volume", cells)
    calm = character.daily_volatility / np.sqrt(len(market.slot_shape))
    pieces = np.ceil(character.base_volume * np.exp(noise) * (deviations / calm))
    volumes: _Floats = np.where(uniform(ticker, "unknown", cells) < market.unknown_volume_ratio, 0.0, pieces)
    return volumes


def _paths(ticker: str, market: _Market, days: _Days) -> tuple[_Floats, _Floats]:
    """Log levels at the open and at the close of every slot of these days, each [days, slots]."""
    all_days, levels = _levels(ticker)
    place = np.searchsorted(all_days, days)
    yesterday = np.where(place > 0, levels[place - 1], 0.0)
    steps = _steps(ticker, market, days)
    pull = -yesterday / _REVERSION_DAYS
    starts = yesterday + steps[:, -1] + (pull if market.gap_share else 0.0)
    steps[:, 0] += 0.0 if market.gap_share else pull
    closes = starts[:, None] + np.cumsum(steps[:, :-1], axis=1)
    return np.column_stack([starts, closes[:, :-1]]), closes


@lru_cache(maxsize=1024)
def _levels(ticker: str) -> tuple[_Days, _Floats]:
    """The days a ticker trades, or would but for a holiday, and its log level at the end of each.

    level(d) = (1 - 1/500) level(d - 1) + the day's log return, from 0 before the first day.
    """
    market = _market_of(ticker)
    days = np.arange(_FIRST_DAY, _END_DAY)
    if market.gap_share:
        days = days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday
    decay = (1 - 1 / _REVERSION_DAYS) ** np.arange(len(days))
    levels: _Floats = decay * np.cumsum(_steps(ticker, market, days).sum(axis=1) / decay)
    return days, levels


def _steps(ticker: str, market: _Market, days: _Days) -> _Floats:
    """Log returns [days, slots + 1] without the pull towards the base price; the last column is the opening gap."""
    cells = _cells(market, days)
    share = _character(ticker).factor_share
    common = student(market.calendar, "return", cells)
    specific = student(ticker, "return", cells)
    steps: _Floats = _deviations(ticker, market, days) * (np.sqrt(share) * common + np.sqrt(1 - share) * specific)
    return steps


def _deviations(ticker: str, market: _Market, days: _Days) -> _Floats:
    """Standard deviations of the log returns that ``_steps`` has."""
    log_volatility = 0.6 * _log_volatility(market.calendar, days) + 0.8 * _log_volatility(ticker, days)
    shape = np.append(market.slot_shape, np.sqrt(market.gap_share))
    deviations: _Floats = _character(ticker).daily_volatility * np.exp(log_volatility)[:, None] * shape
    return deviations


def _log_volatility(who: str, days: _Days) -> _Floats:
    """A stationary process with long memory, about N(0, 0.4^2), by day."""
    everything = _all_log_volatility(who)
    return everything[days - _FIRST_DAY]


@lru_cache(maxsize=1024)
def _all_log_volatility(who: str) -> _Floats:
    """Fractional noise with d = 0.45 over the last 512 days, from 2015 on.

    Source: Granger and Joyeux (1980), with the weights (1 + j)^(d - 1) that theirs tend to.
    """
    weights = (1.0 + np.arange(_MEMORY_DAYS)) ** (0.45 - 1)
    shocks = student(who, "volatility", np.arange(_FIRST_DAY - _MEMORY_DAYS + 1, _END_DAY))
    scaled: _Floats = 0.4 * np.convolve(shocks, weights / np.sqrt(np.sum(weights**2)), mode="valid")
    return np.clip(scaled, -1.0, 1.0)


@lru_cache(maxsize=4096)
def _character(ticker: str) -> _Character:
    market = _market_of(ticker)
    draws = uniform(ticker, "character", np.arange(4))
    (calmest, wildest), (cheapest, dearest) = market.yearly_volatility, market.base_price
    yearly = calmest + (wildest - calmest) * draws[0]
    return _Character(
        daily_volatility=float(yearly / np.sqrt(market.trading_days_a_year)),
        factor_share=float(0.2 + 0.4 * draws[1]),
        base_price=float(cheapest * (dearest / cheapest) ** draws[2]),
        base_volume=float(10_000 * 100 ** draws[3]),
    )


def _cells(market: _Market, days: _Days) -> _Days:
    """A number for every slot of these days and for their gaps, [days, slots + 1]."""
    slots = np.append(np.arange(len(market.slot_shape)), _GAP_SLOT)
    cells: _Days = days[:, None] * 32 + slots
    return cells
