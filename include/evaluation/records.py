"""What is kept of an evaluation or a pre-training to compare it with others: the data's fingerprint, and the scores.

Pure functions; the results are plain JSON. Where next: ``tracking`` shows the records in MLflow.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard


def fingerprint(histories: Mapping[str, History]) -> dict[str, Any]:
    """The tickers, the first and the last bar's close (UTC), the rows by ticker, and a hash over every price and time.

    The same bars give the same hash, in whatever order the tickers come.
    """
    digest = hashlib.sha256()
    for ticker in sorted(histories):
        history = histories[ticker]
        digest.update(f"{ticker}\0{len(history)}\0".encode())
        for values in (history.closed_at.astype(np.int64), history.high, history.low, history.close):
            digest.update(np.ascontiguousarray(values).tobytes())
    known = [history.closed_at for history in histories.values() if len(history)]
    return {
        "ticker_count": len(histories),
        "row_count": sum(len(history) for history in histories.values()),
        "first_bar_closed_at": f"{min(times[0] for times in known)}Z" if known else None,
        "last_bar_closed_at": f"{max(times[-1] for times in known)}Z" if known else None,
        "rows": {ticker: len(histories[ticker]) for ticker in sorted(histories)},
        "sha256": digest.hexdigest(),
    }


def scores_of(board: Leaderboard) -> dict[str, Any]:
    """The scores of each forecaster: ``skill`` by horizon, ``coverage_90``, and ``markets``; ratios, None if unknown.

    Skills are against the board's baseline. ``markets`` has ``skill_1``, ``skill_mean`` and ``coverage_90`` of each
    kind of market.
    """
    return {
        name: {
            "skill": [_known(value) for value in board.mean_skill(name)],
            "coverage_90": _known(board.coverage(name, 90).mean()),
            "markets": {
                str(market): {key: _known(row[key]) for key in ("skill_1", "skill_mean", "coverage_90")}
                for market, row in board.by_market(name).iterrows()
            },
        }
        for name in board.names
    }


def _known(value: float) -> float | None:
    number = float(value)
    return round(number, 8) if math.isfinite(number) else None
