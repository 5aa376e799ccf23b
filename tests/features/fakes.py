"""A small calendar and random bars on it, so that the tests of features need no market."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.contracts import ANNOUNCEMENT_COLUMNS, HORIZON_COUNT
from include.features.frame import INPUT_COLUMNS

EPOCH = pd.Timestamp("2024-01-01", tz="UTC")


def grid(count: int, slot_count: int, first: int = 0) -> pd.DataFrame:
    """``count`` consecutive bars of a calendar whose sessions have ``slot_count`` hours each; 24: round the clock."""
    number = np.arange(first, first + count)
    session, slot = np.divmod(number, slot_count)
    days_apart = -(-slot_count // 24)
    opened_at = EPOCH + pd.to_timedelta(session * days_apart * 24 + slot, unit="h")
    columns = {
        "opened_at": opened_at.as_unit("us"),
        "closed_at": (opened_at + pd.Timedelta(hours=1)).as_unit("us"),
        "bar_number": number,
        "slot": slot,
        "slot_count": slot_count,
        "minutes_to_close": (slot_count - 1 - slot) * 60,
        "is_session_first": slot == 0,
        "weekday": session % (7 if slot_count == 24 else 5),
    }
    for name, horizon in (("hours_to_next", 1), ("hours_to_last", HORIZON_COUNT)):
        ahead_session, ahead_slot = np.divmod(number + horizon, slot_count)
        columns[name] = ((ahead_session - session) * days_apart * 24 + ahead_slot - slot).astype(np.float64)
    columns |= {f"next_slot_{h}": (slot + h) % slot_count for h in range(1, HORIZON_COUNT + 1)}
    columns |= dict.fromkeys(ANNOUNCEMENT_COLUMNS, 0)
    return pd.DataFrame(columns)


def random_bars(
    count: int, slot_count: int = 7, seed: int = 0, hole_ratio: float = 0.0, unknown_ratio: float = 0.0
) -> pd.DataFrame:
    """Annotated bars of a fat-tailed random walk: some missing, some with unknown volume, some without a move."""
    random = np.random.default_rng(seed)
    bars = grid(count, slot_count)
    moves = random.standard_t(4, size=count) * 0.003 * (1.0 + 2.0 * bars["is_session_first"].to_numpy())
    close = 50.0 * np.exp(np.cumsum(np.where(random.random(count) < 0.05, 0.0, moves)))
    open_ = close * np.exp(random.normal(0.0, 0.001, count))
    bars["open"], bars["close"] = open_, close
    bars["high"] = np.maximum(open_, close) * np.exp(np.abs(random.normal(0.0, 0.001, count)))
    bars["low"] = np.minimum(open_, close) * np.exp(-np.abs(random.normal(0.0, 0.001, count)))
    volume = random.lognormal(10.0, 1.0, count).round()
    bars["volume"] = np.where(random.random(count) < unknown_ratio, np.nan, volume)
    bars["ticker"] = "TEST"
    kept = random.random(count) >= hole_ratio
    return bars.loc[kept, list(INPUT_COLUMNS)].reset_index(drop=True)


def constant_bars(count: int, price: float = 12.3, slot_count: int = 7) -> pd.DataFrame:
    """Annotated bars of a constant price, with unknown volume."""
    bars = grid(count, slot_count).assign(ticker="FLAT", volume=np.nan)
    bars[["open", "high", "low", "close"]] = price
    return bars[list(INPUT_COLUMNS)]
