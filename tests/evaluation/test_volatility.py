import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.volatility import (
    LEAST_SCORES,
    SHAPE_SHRINKAGE,
    ewma,
    moving_average,
    path_shape,
    scaled_quantiles,
    seasonal_ewma,
    seasonal_shape,
)
from include.evaluation.walkforward import make_folds
from tests.evaluation.fakes import SEASON, day, frame, history_of, made_up

HISTORY = made_up(2000)
(FOLD,) = make_folds(day(200), day(230), 30)
MEDIAN = QUANTILE_LEVELS.index(0.5)


def test_a_seasonal_shape_is_the_mean_by_slot_over_the_mean_of_all_bars_up_to_the_cutoff():
    magnitude = np.abs(HISTORY.log_return)
    shape = seasonal_shape(magnitude, HISTORY, FOLD.cutoff)
    past = (HISTORY.closed_at <= FOLD.cutoff) & (np.arange(len(HISTORY)) > 0)
    mean = magnitude[past].mean()
    for slot in range(7):
        chosen = magnitude[past & (HISTORY.key == slot)]
        naive = (chosen.sum() + SHAPE_SHRINKAGE * mean) / (len(chosen) + SHAPE_SHRINKAGE) / mean
        assert shape[slot] == pytest.approx(naive, rel=1e-12)
    np.testing.assert_array_equal(shape, seasonal_shape(magnitude, HISTORY.until(FOLD.since), FOLD.cutoff))
    np.testing.assert_allclose(shape, SEASON / SEASON.mean(), rtol=0.3)


def test_the_shape_of_a_path_is_the_root_of_the_summed_squares_of_the_slots_ahead():
    shape = np.arange(1.0, 8.0)
    ahead = path_shape(shape, HISTORY)
    for row in (0, 3, 6):
        slots = [(row + step) % 7 for step in range(1, HORIZON_COUNT + 1)]
        np.testing.assert_allclose(ahead[row], [np.sqrt(sum(shape[s] ** 2 for s in slots[:h])) for h in range(1, 8)])


def test_a_moving_average_equals_a_naive_loop():
    values = np.random.default_rng(3).random(80)
    average = moving_average(values, 5.0)
    for row in range(1, 80):
        weights = 0.5 ** (np.arange(row) / 5.0)
        assert average[row] == pytest.approx((weights * values[row:0:-1]).sum() / weights.sum(), rel=1e-10)
    assert average[0] == 0.0


@pytest.mark.parametrize("has_kinds", [True, False])
def test_quantiles_are_the_scale_times_those_of_earlier_standardised_outcomes(has_kinds):
    scale = np.random.default_rng(5).uniform(0.5, 2.0, (len(HISTORY), HORIZON_COUNT))
    forecasts = scaled_quantiles(scale, HISTORY, FOLD, has_kinds=has_kinds)
    rows, mask = FOLD.test_rows(HISTORY), FOLD.training_mask(HISTORY)
    for place in range(0, len(forecasts), 11):
        for column in (0, 3, 6):
            row = rows.start + place
            is_of_kind = (HISTORY.has_gap[:, column] == HISTORY.has_gap[row, column]) | (not has_kinds)
            past = mask[:, column] & is_of_kind
            naive = np.quantile(HISTORY.outcome[past, column] / scale[past, column], QUANTILE_LEVELS)
            naive[MEDIAN] = 0.0
            np.testing.assert_allclose(forecasts[place, column], scale[row, column] * naive, rtol=1e-12)


def test_a_rare_kind_of_path_uses_the_quantiles_of_both_kinds_and_no_past_gives_no_forecast():
    (early,) = make_folds(day(30), day(31), 7)
    short = HISTORY.until(early.until)
    assert short.has_gap[:, 0].sum() < LEAST_SCORES
    assert np.isfinite(scaled_quantiles(np.ones((len(short), HORIZON_COUNT)), short, early)).all()
    (first,) = make_folds(day(0), day(1), 7)
    none = HISTORY.until(first.until)
    assert np.isnan(scaled_quantiles(np.ones((len(none), HORIZON_COUNT)), none, first)).all()


def test_with_seasonal_returns_seasonal_ewma_is_better_and_neither_uses_later_bars():
    histories = {name: made_up(1600, seed, name) for seed, name in enumerate("ABC")}
    forecasters = {BASELINE: random_walk, "ewma": ewma, "seasonal ewma": seasonal_ewma}
    board = evaluate(forecasters, histories, day(180), day(225))
    assert board.mean_skill("seasonal ewma")[0] > board.mean_skill("ewma")[0] + 0.02
    assert board.coverage("seasonal ewma", 90).mean() == pytest.approx(0.9, abs=0.04)
    (fold,) = make_folds(day(180), day(190), 10)
    assert find_leak(ewma, histories, fold) == []
    assert find_leak(seasonal_ewma, histories, fold) == []


def test_a_constant_price_gives_forecasts_of_0_and_no_warnings():
    flat = history_of(frame(np.full(800, 9.0), spread=0.0))
    (fold,) = make_folds(day(100), day(105), 5)
    for forecaster in (ewma, seasonal_ewma):
        assert np.abs(forecaster({"FLAT": flat}, fold)["FLAT"]).max() == 0.0
