import numpy as np
import pytest

from include.contracts import QUANTILE_COLUMNS
from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from research.report.decision import margin_table
from tests.evaluation.fakes import day, made_up

LEVEL = QUANTILE_COLUMNS.index("q05")


def test_the_margin_its_breaches_and_its_cost_equal_a_naive_account():
    histories = {name: made_up(1700, seed, name) for seed, name in enumerate("AB")}
    board = evaluate({BASELINE: random_walk, "har": har}, histories, day(180), day(230))
    table = margin_table(board)
    costs = {}
    for name in board.names:
        margins, breaches, shortfalls, cost = [], [], [], []
        for ticker, rows in board.rows.items():
            margin = -board.quantiles[name][ticker][:, 0, LEVEL]
            loss = -rows.outcome[:, 0]
            beyond = [lost - held for lost, held in zip(loss, margin, strict=True) if lost > held]
            margins.append(np.mean(margin))
            breaches.append(len(beyond) / len(loss))
            shortfalls.append(np.mean(beyond))
            cost.append(
                np.mean(
                    [
                        0.95 * (lost - held) if lost > held else 0.05 * (held - lost)
                        for lost, held in zip(loss, margin, strict=True)
                    ]
                )
            )
        costs[name] = np.mean(cost)
        row = table.loc[name]
        assert row["margin_bp"] == pytest.approx(1e4 * np.mean(margins))
        assert row["breach_ratio"] == pytest.approx(np.mean(breaches))
        assert row["shortfall_bp"] == pytest.approx(1e4 * np.mean(shortfalls))
    assert table.loc["har", "saved_ratio"] == pytest.approx(1.0 - costs["har"] / costs[BASELINE])
    assert table.loc[BASELINE, "saved_ratio"] == 0.0
    assert table.loc["har", "saved_ratio"] > 0.0
