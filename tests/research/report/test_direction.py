import numpy as np
import pytest
from scipy import stats

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS
from research.report.direction import (
    block_days,
    break_even_cost,
    direction_hits,
    forecast_mean,
    rank_correlation,
    ratio_estimate,
)

RANDOM = np.random.default_rng(0)


def hours(count):
    return np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(3, "h")


def test_the_mean_of_a_shifted_symmetric_forecast_is_its_centre():
    quantiles = 0.3 + stats.norm.ppf(QUANTILE_LEVELS)
    assert forecast_mean(quantiles) == pytest.approx(0.3)
    skewed = np.sort(RANDOM.normal(size=9))
    assert forecast_mean(skewed) == pytest.approx(np.average(skewed, weights=CRPS_WEIGHTS))


def test_hits_are_a_share_of_the_rows_where_both_sides_have_a_sign():
    forecast = np.array([1.0, -2.0, 3.0, 0.0, 1.0, np.nan])
    outcome = np.array([0.5, 0.5, 0.1, 1.0, 0.0, 1.0])
    assert direction_hits(forecast, outcome, hours(6)).value == pytest.approx(2.0 / 3.0)
    assert np.isnan(direction_hits(np.zeros(6), outcome, hours(6)).value)


def test_the_interval_of_coin_tosses_is_about_that_of_a_binomial():
    hits = RANDOM.normal(size=8000) * RANDOM.normal(size=8000)
    estimate = direction_hits(hits, np.ones(8000), hours(8000))
    width = 2 * 1.96 * 0.5 / np.sqrt(8000)
    assert estimate.low < 0.5 < estimate.high
    assert estimate.high - estimate.low == pytest.approx(width, rel=0.25)


def test_tickers_that_move_together_do_not_narrow_the_interval():
    forecast, outcome = np.ones(800), RANDOM.normal(size=800)
    alone = direction_hits(forecast, outcome, hours(800), seed=3)
    copied = direction_hits(np.tile(forecast, 9), np.tile(outcome, 9), np.tile(hours(800), 9), seed=3)
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))


def test_rank_correlation_is_the_mean_of_scipys_spearman():
    forecast, outcome = RANDOM.normal(size=(60, 8)), RANDOM.normal(size=(60, 8)).round(1)
    forecast[RANDOM.random((60, 8)) < 0.2] = np.nan
    naive = []
    for left, right in zip(forecast, outcome, strict=True):
        known = np.isfinite(left)
        if known.sum() >= 4:
            naive.append(stats.spearmanr(left[known], right[known]).statistic)
    assert rank_correlation(forecast, outcome, hours(60)).value == pytest.approx(np.mean(naive), rel=1e-9)


def test_too_few_tickers_and_equal_forecasts_have_no_rank_correlation():
    assert np.isnan(rank_correlation(RANDOM.normal(size=(9, 3)), RANDOM.normal(size=(9, 3)), hours(9)).value)
    assert np.isnan(rank_correlation(np.ones((9, 5)), RANDOM.normal(size=(9, 5)), hours(9)).value)


def test_break_even_cost_equals_a_naive_account():
    positions = np.sign(RANDOM.normal(size=(40, 3)))
    outcome = RANDOM.normal(0.0, 0.01, (40, 3))
    positions[5, 1] = outcome[7, 2] = np.nan
    gain = traded = 0.0
    for ticker in range(3):
        held = 0.0
        for row in range(40):
            known = np.isfinite(positions[row, ticker]) and np.isfinite(outcome[row, ticker])
            wanted = positions[row, ticker] if known else 0.0
            traded += abs(wanted - held)
            held = wanted
            gain += held * outcome[row, ticker] if known else 0.0
    assert break_even_cost(positions, outcome, hours(40)).value == pytest.approx(gain / traded, rel=1e-9)


def test_positions_with_the_right_sign_have_a_positive_break_even_cost_and_random_ones_do_not():
    outcome = RANDOM.normal(0.0, 0.01, (900, 4))
    right = break_even_cost(np.sign(outcome), outcome, hours(900))
    assert right.low > 0.005
    random = break_even_cost(np.sign(RANDOM.normal(size=(900, 4))), outcome, hours(900))
    assert random.low < 0.0 < random.high


def test_resampled_days_are_blocks_of_five_and_as_many_as_the_days():
    picked = block_days(23, 50, 0)
    assert picked.shape == (50, 23)
    assert (np.diff(picked[:, :5], axis=1) % 23 == 1).all()
    assert set(picked.ravel()) == set(range(23))


def test_without_data_the_estimate_is_nan():
    assert np.isnan(ratio_estimate(np.zeros(3), np.zeros(3), hours(3), 0).value)
