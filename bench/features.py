"""Computing feature rows (with the scale): of a whole history, and of the newest bars as in an hour."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench import machine, market
from bench.results import Row, Section
from include.evaluation.history import History
from include.features.frame import build_features, lookback_bars

SPARE_BARS = 200
"""Bars that an hour reads in addition to a ticker's look-back."""


def measure(ticker_count: int) -> Section:
    """Tickers per second on one core, for both."""
    histories = market.histories(ticker_count)
    build_features(histories[0].bars)
    return Section(
        [_row("full history", histories), _row("hourly tail", histories, is_tail=True)],
        ["From bars with calendar columns to feature rows; one process, without a database."],
    )


def _row(what: str, histories: Sequence[History], *, is_tail: bool = False) -> Row:
    frames = [_tail(history) if is_tail else history.bars for history in histories]
    cost = machine.cost_of(lambda: [build_features(frame) for frame in frames])
    return {
        "what": what,
        "tickers": len(frames),
        "bars_per_ticker": sum(map(len, frames)) / len(frames),
        "tickers_per_s": len(frames) / cost.wall_s,
        "cpu_ms_per_ticker": 1e3 * cost.cpu_s / len(frames),
    }


def _tail(history: History) -> pd.DataFrame:
    """The bars that an hour reads to compute a ticker's new rows."""
    return history.bars.iloc[-(lookback_bars(int(history.slot_count.max())) + SPARE_BARS) :]
