import numpy as np
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from include.contracts import CRPS_WEIGHTS, QUANTILE_COLUMNS, QUANTILE_LEVELS
from include.errors import DataContractError
from include.evaluation.metrics import (
    BASIS_POINTS,
    INTERVAL_COLUMNS,
    coverage,
    crps,
    is_inside,
    pinball_loss,
    score_prices,
    skill,
)

LEVELS = np.array(QUANTILE_LEVELS)
seeds = st.integers(0, 10_000)


def sample(seed, *shape):
    random = np.random.default_rng(seed)
    return random.normal(size=shape), np.sort(random.normal(size=(*shape, len(LEVELS))), axis=-1)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_pinball_loss_equals_a_naive_loop_and_scoringrules(seed):
    outcomes, quantiles = sample(seed, 4, 3)
    losses = pinball_loss(outcomes, quantiles)
    for index in np.ndindex(losses.shape):
        outcome, quantile, level = outcomes[index[:-1]], quantiles[index], LEVELS[index[-1]]
        naive = level * (outcome - quantile) if outcome >= quantile else (1.0 - level) * (quantile - outcome)
        assert losses[index] == pytest.approx(naive, rel=1e-12)
    oracle = scoringrules.quantile_score(outcomes[..., None], quantiles, LEVELS)
    np.testing.assert_allclose(losses, oracle, rtol=1e-12)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_crps_equals_a_naive_loop(seed):
    outcomes, quantiles = sample(seed, 5)
    losses = pinball_loss(outcomes, quantiles)
    naive = [2.0 * sum(w * loss for w, loss in zip(CRPS_WEIGHTS, row, strict=True)) for row in losses]
    np.testing.assert_allclose(crps(outcomes, quantiles), naive, rtol=1e-12)


def test_crps_of_a_normal_forecast_is_close_to_the_exact_one():
    outcomes = np.random.default_rng(0).normal(size=4000)
    quantiles = np.tile(stats.norm.ppf(LEVELS), (4000, 1))
    exact = scoringrules.crps_normal(outcomes, 0.0, 1.0).mean()
    assert crps(outcomes, quantiles).mean() == pytest.approx(exact, rel=0.01)


def test_an_unknown_outcome_scores_nan_and_is_left_out_of_coverage():
    outcomes, quantiles = sample(1, 6)
    outcomes[2] = np.nan
    assert np.isnan(crps(outcomes, quantiles)).tolist() == [False, False, True, False, False, False]
    known = np.isfinite(outcomes)
    assert coverage(outcomes, quantiles, 90) == coverage(outcomes[known], quantiles[known], 90)
    assert np.isnan(coverage(np.array([np.nan]), quantiles[:1], 90))


@given(seed=seeds, interval=st.sampled_from(sorted(INTERVAL_COLUMNS)))
@settings(max_examples=40, deadline=None)
def test_coverage_equals_a_naive_count(seed, interval):
    outcomes, quantiles = sample(seed, 12)
    lower, upper = (QUANTILE_COLUMNS.index(name) for name in INTERVAL_COLUMNS[interval])
    inside = [row[lower] <= outcome <= row[upper] for outcome, row in zip(outcomes, quantiles, strict=True)]
    np.testing.assert_array_equal(is_inside(outcomes, quantiles, interval), inside)
    assert coverage(outcomes, quantiles, interval) == pytest.approx(sum(inside) / 12)


@pytest.mark.parametrize("interval", sorted(INTERVAL_COLUMNS))
def test_each_interval_spans_its_nominal_share_of_levels(interval):
    lower, upper = (LEVELS[QUANTILE_COLUMNS.index(name)] for name in INTERVAL_COLUMNS[interval])
    assert upper - lower == pytest.approx(interval / 100.0)


def test_an_interval_that_is_not_reported_is_refused():
    with pytest.raises(DataContractError, match="99 % interval"):
        is_inside(np.zeros(1), np.zeros((1, 9)), 99)


def test_skill_is_the_share_of_the_baselines_loss_that_is_saved_where_both_are_known():
    assert skill(np.array([1.0, 2.0, np.nan]), np.array([2.0, 4.0, 9.0])) == pytest.approx(0.5)
    assert skill(np.array([3.0]), np.array([2.0])) == pytest.approx(-0.5)
    assert np.isnan(skill(np.array([np.nan]), np.array([1.0])))
    assert np.isnan(skill(np.array([0.0]), np.array([0.0])))


def test_scores_of_prices_equal_those_of_log_returns_in_basis_points():
    random = np.random.default_rng(4)
    last_close = random.uniform(1.0, 500.0, 8)
    quantiles = np.sort(random.normal(0.0, 0.01, (8, 9)), axis=1)
    actual = last_close * np.exp(random.normal(0.0, 0.01, 8))
    actual[5] = np.nan
    prices = last_close[:, None] * np.exp(quantiles)
    scores = score_prices(prices, last_close, actual)
    outcomes = np.log(actual / last_close)
    np.testing.assert_allclose(scores["crps"], crps(outcomes, quantiles) * BASIS_POINTS, rtol=1e-9)
    np.testing.assert_allclose(scores["pinball"], pinball_loss(outcomes, quantiles).mean(axis=1) * 1e4, rtol=1e-9)
    np.testing.assert_allclose(scores["absolute_error"], np.abs(actual - prices[:, 4]))
    for interval in INTERVAL_COLUMNS:
        np.testing.assert_array_equal(scores[f"is_inside_{interval}"], is_inside(outcomes, quantiles, interval))


def test_an_outcome_exactly_on_the_edge_of_an_interval_is_inside():
    prices = np.array([[91.0, 92.0, 93.0, 95.0, 100.0, 105.0, 107.0, 108.0, 109.0]])
    scores = score_prices(prices, np.array([100.0]), np.array([109.0]))
    assert scores["is_inside_95"].tolist() == [True]
    assert scores["is_inside_90"].tolist() == [False]
