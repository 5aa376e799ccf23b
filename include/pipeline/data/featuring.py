"""Bars in Postgres become feature rows in Postgres, and both become a ticker's arrays.

Rows are computed from the bars known at ``as_of`` and from no others. An hour computes the rows whose inputs changed
since the last time: features look back over a bounded number of bars, so these are the rows from the earliest
changed bar on, and they equal bit for bit those of a computation over the whole history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import pandas as pd

from include.contracts import Dividend, TickerProfile
from include.errors import DataContractError
from include.features.dividends import first_rows_without
from include.features.frame import build_features, lookback_bars
from include.features.windows import Series, make_series
from include.market import sessions
from include.store import bars as bar_store
from include.store import dividends as dividend_store
from include.store import features as feature_store
from include.store.dividends import KnownDividend
from include.store.engine import Connection, Engine, transaction

_SPARE_BARS = 200
"""Bars read for an hourly update beyond the look-back: room for the bars re-read every hour."""


def update_features(
    engine: Engine,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
) -> tuple[int, dict[str, str]]:
    """Stores the feature rows that bars new or revised since the last update make necessary.

    Returns:
        Their count, and for a ticker whose bars do not fit its calendar the reason.
    """
    calendars = {profile.ticker: profile.calendar for profile in profiles}
    with transaction(engine) as connection:
        changed = bar_store.earliest_changes(connection, list(calendars), as_of)
        bars = _newest_bars(connection, calendars, as_of)
        dividends = dividend_store.load_dividends(connection, list(calendars), as_of)
    frames: list[pd.DataFrame] = []
    problems: dict[str, str] = {}
    for ticker, own in bars.groupby("ticker", sort=True):
        name = str(ticker)
        if name not in changed:
            continue
        reaching = _reach(engine, own, changed[name], as_of, _look_back(calendars[name]))
        try:
            rows = build_features(sessions.annotate(reaching, calendars[name]), _told(dividends.get(name, ())))
        except DataContractError as error:
            problems[name] = str(error)
            continue
        frames.append(rows[rows["closed_at"] >= changed[name]].assign(known_at=as_of))
    return _save(engine, frames), problems


def save_history_features(engine: Engine, profile: TickerProfile, as_of: datetime) -> int:
    """Stores the feature rows of one ticker's whole history, each known when its bar was; their count."""
    with transaction(engine) as connection:
        bars = bar_store.load_bars(connection, [profile.ticker], as_of)
        dividends = dividend_store.load_dividends(connection, [profile.ticker], as_of).get(profile.ticker, [])
    if bars.empty:
        return 0
    rows = build_features(sessions.annotate(bars, profile.calendar), _told(dividends))
    # a row is known once every bar it looks back over is, and its dividend; in a backfill that is its own bar
    known_at = bars["known_at"].cummax()
    for item, row in zip(dividends, first_rows_without(bars["opened_at"], _told(dividends)), strict=True):
        known_at.iloc[row] = max(known_at.iloc[row], item.known_at)  # row 0, for none, is within the warm-up
    return _save(engine, [rows.assign(known_at=rows["closed_at"].map(known_at.set_axis(bars["closed_at"])))])


def load_series(
    engine: Engine,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
    row_limit: int | None = None,
) -> dict[str, Series]:
    """Each ticker's arrays as known at ``as_of``, its newest ``row_limit`` rows; tickers without a row are absent."""
    tickers = [profile.ticker for profile in profiles]
    with transaction(engine) as connection:
        features = feature_store.load_features(connection, tickers, as_of, row_limit=row_limit)
        bars = bar_store.load_bars(connection, tickers, as_of, bar_limit=row_limit)
    bars_of = {str(ticker): own for ticker, own in bars.groupby("ticker")}
    calendars: Mapping[str, str] = {profile.ticker: profile.calendar for profile in profiles}
    series = {}
    for ticker, own in features.groupby("ticker", sort=True):
        name = str(ticker)
        if name not in bars_of:
            continue
        with suppress(DataContractError):  # a ticker whose bars do not fit its calendar is absent
            series[name] = make_series(own, sessions.annotate(bars_of[name], calendars[name]))
    return series


def _told(dividends: Sequence[KnownDividend]) -> list[Dividend]:
    return [item.dividend for item in dividends]


def _look_back(calendar: str) -> int:
    """Bars that a feature row of a ticker on this calendar can depend on."""
    return lookback_bars(sessions.longest_session(calendar))


def _newest_bars(connection: Connection, calendars: Mapping[str, str], as_of: datetime) -> pd.DataFrame:
    """Each ticker's look-back and some more, read together by those with the same look-back."""
    look_backs = {ticker: _look_back(calendar) for ticker, calendar in calendars.items()}
    groups = [
        bar_store.load_bars(
            connection,
            [ticker for ticker, own in look_backs.items() if own == look_back],
            as_of,
            bar_limit=look_back + _SPARE_BARS,
        )
        for look_back in sorted(set(look_backs.values()))
    ]
    filled = [group for group in groups if not group.empty]
    return pd.concat(filled, ignore_index=True) if filled else bar_store.load_bars(connection, [], as_of)


def _reach(engine: Engine, bars: pd.DataFrame, changed: datetime, as_of: datetime, look_back: int) -> pd.DataFrame:
    """The bars, further back when the usual ones do not hold the look-back of the earliest changed row."""
    older = int((bars["closed_at"] < changed).sum())
    if older >= look_back or len(bars) < look_back + _SPARE_BARS:
        return bars
    with transaction(engine) as connection:
        return bar_store.load_bars(connection, [str(bars["ticker"].iloc[0])], as_of)


def _save(engine: Engine, frames: Sequence[pd.DataFrame]) -> int:
    filled = [frame for frame in frames if not frame.empty]
    if not filled:
        return 0
    with transaction(engine) as connection:
        return feature_store.save_features(connection, pd.concat(filled, ignore_index=True))
