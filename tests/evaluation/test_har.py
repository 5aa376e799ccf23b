import numpy as np
import pytest

from include.contracts import HORIZON_COUNT
from include.evaluation.har import HALF_LIVES_SESSIONS, LEAST_ROWS, har, har_quantiles, har_regressors, har_scale
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.volatility import moving_average, path_shape, seasonal_ewma, seasonal_shape
from include.evaluation.walkforward import Fold, make_folds
from tests.evaluation.fakes import day, frame, history_of, made_up

HISTORIES = {name: made_up(1900, seed, name) for seed, name in enumerate("ABC")}
(FOLD,) = make_folds(day(220), day(230), 10)


def test_regressors_are_averages_of_the_deseasonalised_return_and_range():
    history = HISTORIES["A"]
    size = np.abs(history.log_return)
    shape = seasonal_shape(size, history, FOLD.cutoff)
    regressors = har_regressors(history, FOLD.cutoff, shape)
    assert regressors.shape == (len(history), 2 * len(HALF_LIVES_SESSIONS))
    np.testing.assert_allclose(regressors[:, 1], moving_average(size / shape[history.key], 7.0))
    ratio = regressors[500:, len(HALF_LIVES_SESSIONS) :].mean() / regressors[500:, : len(HALF_LIVES_SESSIONS)].mean()
    assert ratio == pytest.approx(1.0, abs=0.1)


def test_the_scale_is_the_expected_absolute_return():
    for history in HISTORIES.values():
        scale, mask = har_scale(history, FOLD), FOLD.training_mask(history)
        assert (scale > 0.0).all()
        for column in range(HORIZON_COUNT):
            ratio = np.abs(history.outcome[mask[:, column], column]) / scale[mask[:, column], column]
            assert ratio[400:].mean() == pytest.approx(1.0, abs=0.1)


def test_with_little_history_the_scale_is_a_days_average_times_the_season_ahead():
    (early,) = make_folds(day(25), day(27), 2)
    history = HISTORIES["A"].until(early.until)
    assert len(history) < LEAST_ROWS + 20 * 7
    shape = seasonal_shape(np.abs(history.log_return), history, early.cutoff)
    level = moving_average(np.abs(history.log_return) / shape[history.key], 7.0)
    np.testing.assert_allclose(
        har_scale(history, early)[1:], (level[:, None] * path_shape(shape, history))[1:], atol=2e-6
    )


def test_har_beats_the_random_walk_and_is_calibrated():
    forecasters = {BASELINE: random_walk, "seasonal ewma": seasonal_ewma, "har": har}
    board = evaluate(forecasters, HISTORIES, day(200), day(260))
    assert board.mean_skill("har")[0] > 0.05
    assert board.mean_skill("har", against="seasonal ewma").mean() > -0.005
    for interval in (50, 80, 90, 95):
        assert board.coverage("har", interval).mean() == pytest.approx(interval / 100, abs=0.04)


def test_har_quantiles_equal_the_forecaster_at_the_newest_bar():
    history = HISTORIES["B"].until(FOLD.since)
    newest = history.closed_at[-1]
    fold = Fold(0, newest, newest, newest + np.timedelta64(1, "us"))
    quantiles = har_quantiles(history)
    np.testing.assert_array_equal(quantiles, har({"B": history}, fold)["B"][0])
    np.testing.assert_allclose(quantiles, har_quantiles(history.until(newest + np.timedelta64(1, "us"))))
    few = HISTORIES["B"].until(HISTORIES["B"].closed_at[2])
    assert np.isnan(har_quantiles(few)).any()


def test_no_later_bar_is_used():
    assert find_leak(har, HISTORIES, FOLD) == []


def test_a_constant_price_gives_a_scale_and_no_warning():
    flat = history_of(frame(np.full(1000, 9.0), spread=0.0))
    (fold,) = make_folds(day(120), day(125), 5)
    assert (har_scale(flat, fold) > 0.0).all()
    assert np.isfinite(har({"FLAT": flat}, fold)["FLAT"]).all()
