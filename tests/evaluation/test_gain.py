"""The gain in skill over a leaderboard: the difference of two skills, with an error over blocks of days."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from include.evaluation.gain import Gain, mean_gain, skill_gain
from include.evaluation.leaderboard import Leaderboard, ScoredRows

START = np.datetime64("2025-01-06T15:00", "us")  # a Monday
HORIZONS = 7


def board(losses: Mapping[str, Mapping[str, np.ndarray]]) -> Leaderboard:
    """A leaderboard of hourly rows from a Monday on with these losses by forecaster and ticker."""
    first = next(iter(losses.values()))
    rows = {
        ticker: ScoredRows(
            market="US equity",
            anchored_at=START + np.arange(len(loss)) * np.timedelta64(1, "h"),
            outcome=np.zeros_like(loss),
            has_gap=np.zeros(loss.shape, dtype=bool),
            tercile=np.ones(len(loss)),
        )
        for ticker, loss in first.items()
    }
    return Leaderboard(rows=rows, quantiles=losses, losses=losses, baseline="walk")


def noise(seed: int, rows: int = 24 * 28) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 1.5, (rows, HORIZONS))


def test_against_the_baseline_it_is_the_skill_and_against_another_the_difference_of_both() -> None:
    walk = {"A": noise(1), "B": 7.0 * noise(2)}
    good = {ticker: loss * 0.9 for ticker, loss in walk.items()}
    fair = {ticker: loss * 0.95 for ticker, loss in walk.items()}
    found = board({"walk": walk, "good": good, "fair": fair})
    assert skill_gain(found, "good").mean == pytest.approx(0.1)
    assert skill_gain(found, "good").mean == pytest.approx(float(found.mean_skill("good").mean()))
    assert skill_gain(found, "good", "fair").mean == pytest.approx(0.05)
    assert skill_gain(found, "fair", "good").mean == pytest.approx(-0.05)
    assert skill_gain(found, "walk") == Gain(0.0, 0.0, 5)  # four weeks from a Monday afternoon on


def test_the_error_is_that_of_the_mean_over_blocks_and_tickers_of_a_block_count_together() -> None:
    walk = np.ones((24 * 28, HORIZONS))
    day = np.arange(24 * 28) // 24
    step = np.random.default_rng(3).normal(0.0, 0.1, 40)
    moved = walk + step[(np.arange(len(walk)) + 15) // 24][:, np.newaxis]
    one, two = (
        board({"walk": dict.fromkeys(names, walk), "new": dict.fromkeys(names, moved)}) for names in ("A", "AB")
    )
    found = skill_gain(one, "new", block_days=1)
    assert found.block_count == len(set(day)) + 1
    assert found.error == pytest.approx(0.1 / math.sqrt(28), rel=0.35)
    assert skill_gain(two, "new", block_days=1).error == pytest.approx(found.error)
    assert skill_gain(one, "new").block_count == 5


def test_rows_that_one_of_them_does_not_forecast_count_for_none() -> None:
    walk = np.ones((48, HORIZONS))
    partly, other = walk * 0.8, walk * 0.9
    partly[:40], other[44:] = np.nan, 100.0
    found = board({"walk": {"A": walk}, "partly": {"A": partly}, "other": {"A": other}})
    other[44:] = np.nan
    assert skill_gain(found, "partly", "other").mean == pytest.approx(0.1)


def test_a_ticker_without_rows_is_left_out_and_none_at_all_gives_nan() -> None:
    walk = {"A": noise(1), "B": np.full((10, HORIZONS), np.nan)}
    found = board({"walk": walk, "good": {ticker: 0.9 * loss for ticker, loss in walk.items()}})
    assert skill_gain(found, "good").mean == pytest.approx(0.1)
    empty = board({"walk": {"B": walk["B"]}, "good": {"B": walk["B"]}})
    assert math.isnan(skill_gain(empty, "good").mean)
    assert skill_gain(empty, "good").block_count == 0


def test_one_block_has_no_error_and_horizons_can_be_chosen() -> None:
    walk = np.ones((5, HORIZONS))
    new = walk * np.linspace(0.1, 0.7, HORIZONS)
    found = board({"walk": {"A": walk}, "new": {"A": new}})
    assert math.isnan(skill_gain(found, "new").error)
    assert skill_gain(found, "new", horizons=(1,)).mean == pytest.approx(0.9)
    assert skill_gain(found, "new", horizons=(7,)).mean == pytest.approx(0.3)


def test_the_mean_of_periods_weighs_each_the_same() -> None:
    assert mean_gain([Gain(0.1, 0.03, 13), Gain(0.3, 0.04, 12)]) == Gain(pytest.approx(0.2), pytest.approx(0.025), 25)
    with pytest.raises(ValueError, match="pass at least one"):
        mean_gain([])
