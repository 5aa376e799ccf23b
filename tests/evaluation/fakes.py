"""Random histories, so that the tests of the evaluation need no market."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT
from include.evaluation.history import History, make_history

EPOCH = pd.Timestamp("2024-01-01", tz="UTC")
SEASON = np.array([3.0, 1.5, 1.0, 0.8, 0.7, 0.9, 1.1])


def frame(close, slot_count=7, ticker="TEST", spread=0.001, seed=0):
    """Annotated bars with these closes, one each hour, in sessions of ``slot_count`` bars."""
    count = len(close)
    number = np.arange(count)
    session, slot = np.divmod(number, slot_count)
    opened_at = (EPOCH + pd.to_timedelta(session * 24 + slot, unit="h")).as_unit("us")
    random = np.random.default_rng(seed)
    bars = pd.DataFrame(
        {
            "ticker": ticker,
            "opened_at": opened_at,
            "closed_at": (opened_at + pd.Timedelta(hours=1)).as_unit("us"),
            "open": close,
            "high": close * np.exp(np.abs(random.normal(0.0, spread, count))),
            "low": close * np.exp(-np.abs(random.normal(0.0, spread, count))),
            "close": close,
            "volume": 1000.0,
            "bar_number": number,
            "slot": slot,
            "slot_count": slot_count,
            "minutes_to_close": (slot_count - 1 - slot) * 60,
            "is_session_first": slot == 0,
            "weekday": session % 5,
        }
    )
    return bars.assign(**{f"next_slot_{h}": (slot + h) % slot_count for h in range(1, HORIZON_COUNT + 1)})


def history_of(bars: pd.DataFrame, market: str = "equity") -> History:
    """The history of annotated bars. A session's first bar is after a gap, unless sessions have 24 bars."""
    next_slots = np.stack([bars[f"next_slot_{h}"].to_numpy(np.int64) for h in range(1, HORIZON_COUNT + 1)], axis=1)
    is_after_gap = (next_slots == 0) & (bars["slot_count"].to_numpy()[:, None] < 24)
    return make_history(bars, market, bars["slot"].to_numpy(np.int64), next_slots, is_after_gap)


def returns(count, seed=0, degrees=5, persistence=0.97, width=0.003, slot_count=7):
    """Fat-tailed returns with a season and slowly changing volatility, like hourly returns."""
    random = np.random.default_rng(seed)
    level = np.zeros(count)
    for row in range(1, count):
        level[row] = persistence * level[row - 1] + random.normal(0.0, 0.15)
    season = SEASON[np.arange(count) % slot_count % len(SEASON)]
    return width * season * np.exp(level) * random.standard_t(degrees, count) / np.sqrt(degrees / (degrees - 2))


def made_up(count=2500, seed=0, ticker="TEST", market="equity", hole_ratio=0.0, **keywords) -> History:
    """A history of random returns, with a share ``hole_ratio`` of missing bars."""
    close = 50.0 * np.exp(np.cumsum(returns(count, seed, **keywords)))
    bars = frame(close, keywords.get("slot_count", 7), ticker, seed=seed)
    kept = np.random.default_rng(seed + 1).random(count) >= hole_ratio
    return history_of(bars.loc[kept].reset_index(drop=True), market)


def day(count):
    """The instant ``count`` days after the start of the first bar's day, UTC."""
    return (EPOCH + pd.Timedelta(days=count)).to_pydatetime()
