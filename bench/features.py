"""Feature rows, the scale among them: a whole history, and the tail that an hour computes."""

from __future__ import annotations

from collections.abc import Sequence

from bench import machine, market
from bench.results import Row, Section
from include.evaluation.history import History
from include.features.frame import LOOKBACK_BARS, build_features

TAIL_BARS = LOOKBACK_BARS + 200
"""Bars that an hour reads for a ticker's new rows."""


def measure(ticker_count: int) -> Section:
    """Tickers a second on one core, for both."""
    histories = market.histories(ticker_count)
    build_features(histories[0].bars)
    return Section(
        [_row("full history", histories, None), _row("hourly tail", histories, TAIL_BARS)],
        ["Bars with their calendar in, feature rows out; one process, nothing read or written."],
    )


def _row(what: str, histories: Sequence[History], bars: int | None) -> Row:
    frames = [history.bars if bars is None else history.bars.iloc[-bars:] for history in histories]
    cost = machine.cost_of(lambda: [build_features(frame) for frame in frames])
    return {
        "what": what,
        "tickers": len(frames),
        "bars_per_ticker": sum(map(len, frames)) / len(frames),
        "tickers_per_s": len(frames) / cost.wall_s,
        "cpu_ms_per_ticker": 1e3 * cost.cpu_s / len(frames),
    }
