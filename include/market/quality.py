"""The quality checks of bars: accepted bars, and rejected ones with the name of the first check that they failed.

A check reads the bars, the profiles of their tickers and ``as_of``. A bar that fails is stored as rejected; it is never
repaired. Bars that pass all checks are then compared with the bars before and after them (``price_jumps.py``). To add a
check, add a function to ``_CHECKS``; its key becomes the reason in ``bar_rejected``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import BAR_COLUMNS, PRICE_COLUMNS, TickerProfile, require_utc
from include.errors import DataContractError
from include.market.price_jumps import implausible_bars, tickers_with_jumps
from include.market.sessions import closed_at_of

_TOLERANCE: Final = 1e-6  # of the price: Yahoo's prices are rounded to 32-bit floats
_LARGEST_VOLUME: Final = 1e15  # an hour; the largest tracked volume, of bitcoin in won, is 1e13 a day

_Mask = npt.NDArray[np.bool_]


def reject_bars(
    bars: pd.DataFrame, profiles: Mapping[str, TickerProfile], as_of: datetime, past: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The accepted bars, and the rejected rows with a column ``reason``: the first check that they failed.

    The accepted bars are a BarFrame with a column ``confirmed_at`` (UTC): when the bar closed that confirmed them,
    which is nearly always the bar itself. They were not known before that. Of several good bars with the same ticker
    and time the first is accepted, the others are ``duplicated``.

    ``past``: accepted bars (BAR_COLUMNS) that open before each ticker's first given bar, on the same price scale. The
    first given bars are compared with them.

    Raises:
        DataContractError: a column is missing, or a ticker has no profile.
    """
    _require_contract(bars, profiles)
    bars = bars.reset_index(drop=True)
    at = pd.Timestamp(require_utc(as_of, "as_of"))
    failed = [check(bars, profiles, at) for check in _CHECKS.values()]
    reason = pd.Series(np.select(failed, list(_CHECKS), default=""), index=bars.index, dtype="str")
    good = bars.loc[reason == ""]
    again = good.duplicated(["ticker", "opened_at"])
    reason.loc[again.index[again]] = "duplicated"
    good = good.loc[~again].sort_values(["ticker", "opened_at"])
    confirmed_at = bars["closed_at"].copy()
    joined = _after_past(good, past)
    for ticker in tickers_with_jumps(joined):
        rows = joined[joined["ticker"] == ticker]
        reasons, places = implausible_bars(rows)
        is_given = rows.index >= 0
        reason.loc[rows.index[is_given]] = reasons[is_given]
        confirmed_at.loc[rows.index[is_given]] = rows["closed_at"].array[places][is_given]
    passed = bars[list(BAR_COLUMNS)].assign(confirmed_at=confirmed_at).loc[reason == ""]
    accepted = passed.sort_values(["ticker", "opened_at"], ignore_index=True)
    rejected = bars.assign(reason=reason).loc[reason != ""].reset_index(drop=True)
    return accepted, rejected


def _after_past(good: pd.DataFrame, past: pd.DataFrame | None) -> pd.DataFrame:
    """The good bars behind the known ones before them, by ticker and time; known ones have negative index values."""
    columns = list(BAR_COLUMNS)
    if past is None or past.empty:
        return good[columns]
    known = past.loc[past["ticker"].isin(good["ticker"].unique()), columns]
    known.index = pd.RangeIndex(-len(known), 0)
    return pd.concat([known, good[columns]]).sort_values(["ticker", "opened_at"])


def _not_finite(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """A price is missing or infinite."""
    return _any_price(~np.isfinite(_prices(bars)))


def _not_positive(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """A price is zero or negative."""
    return _any_price(_prices(bars) <= 0)


def _low_above_body(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """The low is above the open or the close."""
    body = bars[["open", "close"]].min(axis=1)
    above: _Mask = (bars["low"] > body * (1 + _TOLERANCE)).to_numpy()
    return above


def _high_below_body(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """The high is below the open or the close."""
    body = bars[["open", "close"]].max(axis=1)
    below: _Mask = (bars["high"] < body * (1 - _TOLERANCE)).to_numpy()
    return below


def _off_grid(bars: pd.DataFrame, profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """The bar's open and close are not those of a bar of its calendar."""
    calendars = bars["ticker"].map({ticker: profile.calendar for ticker, profile in profiles.items()})
    off = np.zeros(len(bars), dtype=np.bool_)
    for calendar in calendars.unique():
        rows = (calendars == calendar).to_numpy()
        expected = closed_at_of(bars.loc[rows, "opened_at"], calendar)
        off[rows] = (expected != bars.loc[rows, "closed_at"]).to_numpy()
    return off


def _in_future(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], at: pd.Timestamp) -> _Mask:
    """The bar opens after ``as_of``."""
    ahead: _Mask = (bars["opened_at"] > at).to_numpy()
    return ahead


def _not_closed(bars: pd.DataFrame, profiles: Mapping[str, TickerProfile], at: pd.Timestamp) -> _Mask:
    """The bar is in progress, or its close is more recent than the feed's delay allows."""
    minutes = bars["ticker"].map({ticker: profile.feed_delay_minutes for ticker, profile in profiles.items()})
    known_at = bars["closed_at"] + pd.to_timedelta(minutes.to_numpy(dtype="int64"), unit="min")
    late: _Mask = (known_at > at).to_numpy()
    return late


def _volume_not_positive(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """The volume is neither unknown (NaN) nor a positive number, which breaks the contract of sources."""
    volume = bars["volume"]
    impossible: _Mask = (volume.notna() & ((volume <= 0) | np.isinf(volume))).to_numpy()
    return impossible


def _volume_too_large(bars: pd.DataFrame, _profiles: Mapping[str, TickerProfile], _at: pd.Timestamp) -> _Mask:
    """The volume is more than any market trades in an hour."""
    excessive: _Mask = (bars["volume"] > _LARGEST_VOLUME).to_numpy()
    return excessive


_Check = Callable[[pd.DataFrame, Mapping[str, TickerProfile], pd.Timestamp], _Mask]
_CHECKS: Final[dict[str, _Check]] = {
    "not_finite": _not_finite,
    "not_positive": _not_positive,
    "low_above_body": _low_above_body,
    "high_below_body": _high_below_body,
    "volume_not_positive": _volume_not_positive,
    "volume_too_large": _volume_too_large,
    "in_future": _in_future,
    "off_grid": _off_grid,
    "not_closed": _not_closed,
}


def _prices(bars: pd.DataFrame) -> npt.NDArray[np.float64]:
    return bars[list(PRICE_COLUMNS)].to_numpy(dtype=np.float64)


def _any_price(mask: _Mask) -> _Mask:
    bad: _Mask = np.logical_or.reduce(mask, axis=1)
    return bad


def _require_contract(bars: pd.DataFrame, profiles: Mapping[str, TickerProfile]) -> None:
    missing = [name for name in BAR_COLUMNS if name not in bars.columns]
    if missing:
        message = f"Bars lack the columns {', '.join(missing)}; a source returns {', '.join(BAR_COLUMNS)}."
        raise DataContractError(message)
    unknown = sorted(set(bars["ticker"].unique()) - set(profiles))
    if unknown:
        message = f"Bars of {', '.join(unknown)} have no profile; request only tickers that have one."
        raise DataContractError(message)
