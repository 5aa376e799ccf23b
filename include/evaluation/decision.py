"""What an interval is worth to somebody who must decide: how much to set aside against the next hour's loss.

Pure. The decision: hold one unit of every ticker and set aside, each hour, a margin that should suffice 19 times in 20.
A margin costs money while it lies idle, and a loss beyond it costs far more; the best margin under these costs is the
forecast's own 5 % quantile, and its mean cost is that quantile's pinball loss. Where next: ``report.py``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.contracts import QUANTILE_COLUMNS, QUANTILE_LEVELS
from include.evaluation import metrics
from include.evaluation.leaderboard import Leaderboard

_LEVEL = QUANTILE_COLUMNS.index("q05")


def margin_table(board: Leaderboard) -> pd.DataFrame:
    """A row a forecaster, at horizon 1: the margin set aside, how often and by how much it fell short, and the cost.

    ``margin_bp`` mean margin; ``breach_ratio`` share of hours with a greater loss (0.05 is what was asked for);
    ``shortfall_bp`` mean loss beyond the margin in those; ``saved_ratio`` share of the baseline's cost that is saved.
    Each ticker counts the same.
    """
    lines = {}
    for name in board.names:
        parts = []
        for ticker, rows in board.rows.items():
            quantile, outcome = board.quantiles[name][ticker][:, 0, _LEVEL], rows.outcome[:, 0]
            is_known = np.isfinite(quantile) & np.isfinite(outcome)
            beyond = quantile[is_known] - outcome[is_known]
            is_breach = beyond > 0.0
            cost = metrics.pinball_loss(outcome[is_known], quantile[is_known, np.newaxis], [QUANTILE_LEVELS[_LEVEL]])
            margin = -float(quantile[is_known].mean())
            short = float(beyond[is_breach].mean()) if is_breach.any() else 0.0
            parts.append((margin, float(is_breach.mean()), short, float(cost.mean())))
        lines[name] = np.mean(parts, axis=0)
    table = pd.DataFrame.from_dict(lines, orient="index", columns=["margin_bp", "breach_ratio", "shortfall_bp", "cost"])
    table[["margin_bp", "shortfall_bp"]] *= metrics.BASIS_POINTS
    table["saved_ratio"] = 1.0 - table["cost"] / table["cost"][board.baseline]
    return table.drop(columns="cost")
