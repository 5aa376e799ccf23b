"""Histories for evaluation and pre-training from a folder of bars; no database, no clock.

The files pass the same source, quality checks and session calendar as an hour's bars. Where next:
``evaluation/history.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import HORIZON_COUNT, BarRequest, TickerProfile
from include.errors import InvalidRequestError
from include.evaluation.history import History, make_history
from include.features.scale import next_slot_keys, slot_keys
from include.market import sessions
from include.market.announcements import use_announcements_file
from include.market.calendar_definitions import use_calendars_file
from include.market.exchanges import parse_calendars
from include.market.file_earnings import FILE_NAME
from include.market.files import FilesSource
from include.market.grid import ALWAYS_OPEN, CURRENCIES, NEW_YORK
from include.market.quality import reject_bars
from include.market.simulated import SimulatedSource
from include.market.source import SIMULATED_SUFFIX
from include.settings import MarketSettings

_DEFAULTS = MarketSettings()
_SINCE = datetime(2015, 1, 1, tzinfo=UTC)


def load_histories(
    folder: Path, until: datetime, tickers: Sequence[str] | None = None, market: MarketSettings = _DEFAULTS
) -> dict[str, History]:
    """The histories of the tickers in a folder (all of them, if none are named), of bars closed before ``until``.

    Bars that fail the quality checks are left out. The process follows the files of ``market`` from here on.

    Raises:
        InvalidRequestError: the folder has no bars of a named ticker, or no bars at all.
        SettingsError: a calendar or an announcement of ``market`` makes no sense.
    """
    wanted = list(tickers) if tickers is not None else tickers_of(folder)
    use_calendars_file(market.calendars_file)
    use_announcements_file(market.announcements_file)
    source = FilesSource(folder, parse_calendars(market.suffix_calendars))
    profiles, failures = source.describe(wanted, until)
    if failures or not profiles:
        reasons = "; ".join(failure.reason for failure in failures) or f"{folder} holds no Parquet or CSV file of bars"
        message = f"Nothing to evaluate on: {reasons}."
        raise InvalidRequestError(message)
    report = source.fetch_bars([BarRequest(profile, _SINCE) for profile in profiles.values()], until)
    bars, _ = reject_bars(report.bars, profiles, until)
    return {
        str(ticker): history_of(rows.reset_index(drop=True), profiles[str(ticker)])
        for ticker, rows in bars.groupby("ticker")
    }


def tickers_of(folder: Path) -> list[str]:
    """The tickers of which a folder has files of bars, sorted; ``market.files`` defines the file names."""
    paths = list(folder.iterdir()) if folder.is_dir() else []
    stems = {path.stem for path in paths if path.suffix in {".parquet", ".csv"} and path.name != FILE_NAME}
    return sorted(stem.replace("IDX_", "^").replace("_X", "=X") for stem in stems)


def simulated_histories(count: int, since: datetime, until: datetime) -> dict[str, History]:
    """Histories of ``count`` simulated tickers, of bars closed before ``until``; every fourth trades at all hours."""
    names = [f"PRETRAIN{number}{'-USD' if number % 4 == 3 else ''}{SIMULATED_SUFFIX}" for number in range(count)]
    source = SimulatedSource()
    profiles, _ = source.describe(names, until)
    histories = {}
    for name in names:  # one at a time: the bars of a thousand tickers in one frame take gigabytes
        bars, _ = reject_bars(source.fetch_bars([BarRequest(profiles[name], since)], until).bars, profiles, until)
        histories[name] = history_of(bars.reset_index(drop=True), profiles[name])
    return histories


def history_of(bars: pd.DataFrame, profile: TickerProfile) -> History:
    """One ticker's history from its accepted bars and its calendar."""
    annotated = sessions.annotate(bars, profile.calendar)
    slot, slot_count, weekday = (annotated[name].to_numpy(np.int64) for name in ("slot", "slot_count", "weekday"))
    names = [f"next_slot_{horizon}" for horizon in range(1, HORIZON_COUNT + 1)]
    next_slots = annotated[names].to_numpy(np.int64)
    return make_history(
        annotated,
        market_of(profile),
        slot_keys(slot, slot_count, weekday),
        next_slot_keys(slot, slot_count, weekday, next_slots),
        _is_after_gap(annotated["bar_number"].to_numpy(np.int64), profile.calendar),
    )


def market_of(profile: TickerProfile) -> str:
    """The kind of market a ticker trades in: crypto, currency, index, US equity or other equity, funds included."""
    if profile.calendar in {ALWAYS_OPEN, CURRENCIES}:
        return {ALWAYS_OPEN: "crypto", CURRENCIES: "currency"}[profile.calendar]
    if profile.ticker.startswith("^"):
        return "index"
    return "US equity" if profile.calendar == NEW_YORK else "other equity"


def _is_after_gap(numbers: npt.NDArray[np.int64], calendar: str) -> npt.NDArray[np.bool_]:
    """Whether each of the H bars after a bar opens a session later than the one before it closed. [n, H]."""
    first, is_later = _gaps(calendar)
    ahead = numbers[:, np.newaxis] + np.arange(1, HORIZON_COUNT + 1) - first
    return np.asarray(is_later[np.minimum(ahead, len(is_later) - 1)], dtype=np.bool_)


@lru_cache(maxsize=64)
def _gaps(calendar: str) -> tuple[int, npt.NDArray[np.bool_]]:
    """A calendar's first bar number, and for every bar from it on whether it opens a session after a gap."""
    grid = sessions.bar_grid(calendar, _SINCE, datetime(2032, 12, 31, tzinfo=UTC))
    first = int(grid["bar_number"].iloc[0])
    opened, closed = (pd.DatetimeIndex(grid[name]).asi8 for name in ("opened_at", "closed_at"))
    is_later = np.concatenate([[False], opened[1:] > closed[:-1]]) & grid["is_session_first"].to_numpy(np.bool_)
    return first, np.asarray(is_later, dtype=np.bool_)
