"""Feature rows from the bars in Postgres, and a ticker's arrays from both.

Rows are computed only from bars known at ``as_of``. An hour computes the rows whose inputs changed since the last
update. Features look back over a bounded number of bars, so these are the rows from the earliest changed bar on. They
equal, bit for bit, those of a computation over the whole history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import HORIZON_COUNT, Dividend, TickerProfile
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
"""Bars that an hourly update reads beyond the look-back: room for the bars that every hour fetches again."""

PORTION_TICKERS = 256
"""Tickers of a shard whose rows are in memory at once, so that a stage's memory does not grow with its shard."""
_ROWS_A_READ = 40_000
"""Feature rows of one query: Postgres sorts 12 MB of rows in its memory, and more in files."""
_HISTORY_ROWS = 10_000
"""Rows of a history whose length is not known, in the same count."""


def portions(profiles: Sequence[TickerProfile], size: int | None = None) -> Iterator[Sequence[TickerProfile]]:
    """The profiles in their order, ``size`` at a time; without it, ``PORTION_TICKERS``."""
    size = size or PORTION_TICKERS
    for start in range(0, len(profiles), size):
        yield profiles[start : start + size]


def update_features(
    engine: Engine,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
) -> tuple[int, dict[str, str]]:
    """Stores the feature rows whose bars are new or revised since the last update.

    Returns:
        The count of rows, and for each ticker whose bars do not fit its calendar the reason.
    """
    row_count = 0
    problems: dict[str, str] = {}
    for portion in portions(profiles):
        count, found = _update_portion(engine, portion, as_of)
        row_count += count
        problems |= found
    return row_count, problems


def _update_portion(engine: Engine, profiles: Sequence[TickerProfile], as_of: datetime) -> tuple[int, dict[str, str]]:
    calendars = {profile.ticker: profile.calendar for profile in profiles}
    with transaction(engine) as connection:
        changed = bar_store.earliest_changes(connection, list(calendars), as_of)
        bars = _newest_bars(connection, calendars, as_of)
        dividends = dividend_store.load_dividends(connection, list(calendars), as_of)
    frames: list[pd.DataFrame] = []
    problems: dict[str, str] = {}
    for ticker, stored in bars.groupby("ticker", sort=True):
        name = str(ticker)
        if name not in changed:
            continue
        enough = _with_look_back(engine, stored, changed[name], as_of, _look_back(calendars[name]))
        try:
            rows = build_features(sessions.annotate(enough, calendars[name]), _dividends(dividends.get(name, ())))
        except DataContractError as error:
            problems[name] = str(error)
            continue
        frames.append(rows[rows["closed_at"] >= changed[name]].assign(known_at=as_of))
    return _save(engine, frames), problems


def save_history_features(engine: Engine, profile: TickerProfile, as_of: datetime) -> int:
    """Stores the feature rows of one ticker's whole history, each with the ``known_at`` of its bar; their count."""
    with transaction(engine) as connection:
        bars = bar_store.load_bars(connection, [profile.ticker], as_of)
        dividends = dividend_store.load_dividends(connection, [profile.ticker], as_of).get(profile.ticker, [])
    if bars.empty:
        return 0
    rows = build_features(sessions.annotate(bars, profile.calendar), _dividends(dividends))
    # a row is known once its dividend and all bars in its look-back are known; in a backfill the last is its bar
    known_at = bars["known_at"].cummax()
    for item, row in zip(dividends, first_rows_without(bars["opened_at"], _dividends(dividends)), strict=True):
        known_at.iloc[row] = max(known_at.iloc[row], item.known_at)  # row 0 stands for none: it is within the warm-up
    return _save(engine, [rows.assign(known_at=rows["closed_at"].map(known_at.set_axis(bars["closed_at"])))])


def load_series(
    engine: Engine,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
    row_limit: int | None = None,
) -> dict[str, Series]:
    """Each ticker's arrays as known at ``as_of``, its newest ``row_limit`` rows; tickers without a row are absent."""
    size = max(1, _ROWS_A_READ // (row_limit or _HISTORY_ROWS))
    return {
        ticker: found
        for portion in portions(profiles, size)
        for ticker, found in _read_series(engine, portion, as_of, row_limit).items()
    }


def _read_series(
    engine: Engine, profiles: Sequence[TickerProfile], as_of: datetime, row_limit: int | None
) -> dict[str, Series]:
    tickers = [profile.ticker for profile in profiles]
    with transaction(engine) as connection:
        features = feature_store.load_features(connection, tickers, as_of, row_limit=row_limit)
        bars = bar_store.load_bars(connection, tickers, as_of, bar_limit=row_limit)
    bars_by_ticker = {str(ticker): rows for ticker, rows in bars.groupby("ticker")}
    calendars: Mapping[str, str] = {profile.ticker: profile.calendar for profile in profiles}
    series = {}
    for ticker, rows in features.groupby("ticker", sort=True):
        name = str(ticker)
        if name not in bars_by_ticker:
            continue
        with suppress(DataContractError):  # a ticker whose bars do not fit its calendar is absent
            series[name] = make_series(rows, sessions.annotate(bars_by_ticker[name], calendars[name]))
    return series


def known_targets(
    engine: Engine, profiles: Sequence[TickerProfile], as_of: datetime
) -> dict[str, npt.NDArray[np.bool_]]:
    """For every row of a ticker's ``load_series``, oldest first, whether one of its targets is known. bool [n].

    It reads times only. Tickers whose bars do not fit their calendar are absent.
    """
    tickers = [profile.ticker for profile in profiles]
    with transaction(engine) as connection:
        closings = feature_store.load_closings(connection, tickers, as_of).groupby("ticker")["closed_at"]
        times = bar_store.load_times(connection, tickers, as_of)
    closed_of = {str(ticker): closed_at for ticker, closed_at in closings}
    calendars = {profile.ticker: profile.calendar for profile in profiles}
    known = {}
    for ticker, bars in times.groupby("ticker"):
        name = str(ticker)
        numbers = sessions.bar_numbers(bars["opened_at"], calendars[name])
        if name not in closed_of or (numbers < 0).any():
            continue
        is_followed = np.append(np.diff(numbers) <= HORIZON_COUNT, [False])  # the next bar is within the horizons
        known[name] = is_followed[bars["closed_at"].isin(closed_of[name]).to_numpy()]
    return known


def _dividends(dividends: Sequence[KnownDividend]) -> list[Dividend]:
    return [item.dividend for item in dividends]


def _look_back(calendar: str) -> int:
    """Bars that a feature row of a ticker on this calendar can depend on."""
    return lookback_bars(sessions.longest_session(calendar))


def _newest_bars(connection: Connection, calendars: Mapping[str, str], as_of: datetime) -> pd.DataFrame:
    """Each ticker's newest bars: its look-back and ``_SPARE_BARS`` more. Tickers of one look-back are read together."""
    look_backs = {ticker: _look_back(calendar) for ticker, calendar in calendars.items()}
    groups = [
        bar_store.load_bars(
            connection,
            [ticker for ticker, bar_count in look_backs.items() if bar_count == look_back],
            as_of,
            bar_limit=look_back + _SPARE_BARS,
        )
        for look_back in sorted(set(look_backs.values()))
    ]
    filled = [group for group in groups if not group.empty]
    return pd.concat(filled, ignore_index=True) if filled else bar_store.load_bars(connection, [], as_of)


def _with_look_back(
    engine: Engine, bars: pd.DataFrame, changed: datetime, as_of: datetime, look_back: int
) -> pd.DataFrame:
    """The bars, or the whole history if they do not hold the look-back of the earliest changed row."""
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
