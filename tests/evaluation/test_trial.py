"""A backbone loses to another only by more than its standard error, over enough days."""

import numpy as np
import pytest

from include.contracts import HORIZON_COUNT
from include.evaluation.leaderboard import Leaderboard, ScoredRows
from include.evaluation.trial import LEAST_DAYS, Comparison, compare

HOURS = np.datetime64("2025-03-31T00:00:00", "us") + np.arange(14 * 24) * np.timedelta64(1, "h")


def board_of(difference: np.ndarray, is_known: np.ndarray | None = None) -> Leaderboard:
    """One ticker whose random walk loses 2 at each bar, the one before 1, and the champion so much more."""
    count = len(difference)
    shape = (count, HORIZON_COUNT)
    known = np.ones(count, dtype=bool) if is_known is None else is_known
    outcome = np.where(known[:, None], 0.0, np.full(shape, np.nan))
    rows = ScoredRows("crypto", HOURS[:count], outcome, np.zeros(shape, dtype=bool), np.zeros(count))
    losses = {
        "random walk": {"A": np.where(known[:, None], 2.0, np.full(shape, np.nan))},
        "before": {"A": np.where(known[:, None], 1.0, np.full(shape, np.nan))},
        "champion": {"A": np.where(known[:, None], 1.0 + difference[:, None], np.full(shape, np.nan))},
    }
    return Leaderboard(rows={"A": rows}, quantiles={}, losses=losses, baseline="random walk")


def test_the_difference_is_a_share_of_the_random_walks_loss_with_the_day_as_the_unit() -> None:
    noise = np.tile([0.1, 0.3], 7).repeat(24)
    found = compare(board_of(noise), "champion", "before")
    assert (found.difference, found.day_count) == (pytest.approx(0.1), 14)
    assert found.error == pytest.approx(np.tile([0.05, 0.15], 7).std(ddof=1) / np.sqrt(14))
    assert found.is_lost
    assert not compare(board_of(-noise), "champion", "before").is_lost


def test_a_difference_within_its_error_is_no_loss() -> None:
    assert not Comparison(0.01, 0.02, 14).is_lost
    assert Comparison(0.03, 0.02, 14).is_lost
    assert not Comparison(0.03, 0.02, LEAST_DAYS - 1).is_lost


def test_unknown_outcomes_are_left_out_and_too_few_days_decide_nothing() -> None:
    difference = np.full(14 * 24, 0.2)
    is_known = np.arange(14 * 24) < 24
    found = compare(board_of(difference, is_known), "champion", "before")
    assert (found.day_count, found.is_decided, found.is_lost) == (1, False, False)
