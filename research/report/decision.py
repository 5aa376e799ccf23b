"""The value of the intervals for a decision: how much margin to hold against the loss of the next hour.

Pure functions. The decision: hold one unit of every ticker, and set aside a margin each hour that covers the loss in 19
of 20 hours. Idle margin has a cost, and a loss beyond the margin has a cost that is 19 times as high. The best margin
under these costs is the forecast's 5 % quantile, and its mean cost is the pinball loss of that quantile. Where next:
``report.py``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.contracts import QUANTILE_COLUMNS, QUANTILE_LEVELS
from include.evaluation import metrics
from include.evaluation.leaderboard import Leaderboard

_LEVEL = QUANTILE_COLUMNS.index("q05")


def margin_table(board: Leaderboard) -> pd.DataFrame:
    """The margin, its breaches and its cost at horizon 1, one row for each forecaster; means over tickers.

    ``margin_bp``: mean margin. ``breach_ratio``: share of hours with a greater loss (nominal: 0.05). ``shortfall_bp``:
    mean loss beyond the margin in these hours. ``saved_ratio``: 1 - cost / the baseline's cost.
    """
    records = {}
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
        records[name] = np.mean(parts, axis=0)
    columns = ["margin_bp", "breach_ratio", "shortfall_bp", "cost"]
    table = pd.DataFrame.from_dict(records, orient="index", columns=columns)
    table[["margin_bp", "shortfall_bp"]] *= metrics.BASIS_POINTS
    table["saved_ratio"] = 1.0 - table["cost"] / table["cost"][board.baseline]
    return table.drop(columns="cost")
