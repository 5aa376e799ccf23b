import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.errors import DataContractError
from include.evaluation.baselines import BAR_LIMIT, grid_returns, random_walk_quantiles

MEDIAN = QUANTILE_LEVELS.index(0.5)


def walk(count, seed=0, width=0.01):
    return 30.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, width, count)))


@given(
    count=st.integers(2, 400),
    seed=st.integers(0, 1000),
    width=st.sampled_from([0.0, 1e-4, 0.02]),
    hole_ratio=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=60, deadline=None)
def test_quantiles_are_finite_in_order_and_centred_on_no_change(count, seed, width, hole_ratio):
    kept = np.random.default_rng(seed).random(count) >= hole_ratio
    kept[:2] = True
    quantiles = random_walk_quantiles(walk(count, seed, width)[kept], np.arange(count)[kept])
    assert quantiles.shape == (HORIZON_COUNT, len(QUANTILE_LEVELS))
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0.0).all()
    np.testing.assert_array_equal(quantiles[:, MEDIAN], 0.0)


def test_quantiles_are_the_empirical_ones_of_the_newest_thousand_bars():
    close = walk(BAR_LIMIT + 500)
    quantiles = random_walk_quantiles(close, np.arange(len(close)))
    for horizon in range(1, HORIZON_COUNT + 1):
        newest = np.log(close[-BAR_LIMIT:])
        naive = np.quantile(
            [newest[row + horizon] - newest[row] for row in range(BAR_LIMIT - horizon)], QUANTILE_LEVELS
        )
        naive[MEDIAN] = 0.0
        np.testing.assert_allclose(quantiles[horizon - 1], naive, rtol=1e-12, atol=1e-15)


def test_a_strong_trend_does_not_move_the_median_nor_cross_it():
    quantiles = random_walk_quantiles(1.01 ** np.arange(300.0), np.arange(300))
    np.testing.assert_array_equal(quantiles[:, : MEDIAN + 1], 0.0)
    np.testing.assert_allclose(quantiles[0, MEDIAN + 1 :], np.log(1.01))


def test_with_little_history_quantiles_are_normal_with_the_root_of_the_horizon():
    close = walk(30)
    quantiles = random_walk_quantiles(close, np.arange(30))
    deviation = np.sqrt(np.mean(np.diff(np.log(close)) ** 2))
    assert quantiles[0, -1] == pytest.approx(1.959964 * deviation, rel=1e-6)
    np.testing.assert_allclose(quantiles[3], 2.0 * quantiles[0], atol=1e-15)


def test_there_is_no_return_across_a_hole():
    log_close, numbers = np.array([0.0, 1.0, 5.0, 6.0]), np.array([0, 1, 3, 4])
    np.testing.assert_array_equal(grid_returns(log_close, numbers, 1), [1.0, 1.0])
    np.testing.assert_array_equal(grid_returns(log_close, numbers, 2), [4.0])
    np.testing.assert_array_equal(grid_returns(log_close, numbers, 7), [])


@pytest.mark.parametrize(("closes", "numbers"), [([1.0], [0]), ([], []), ([1.0, 2.0], [0])])
def test_fewer_than_two_bars_or_unequal_arrays_are_refused(closes, numbers):
    with pytest.raises(DataContractError, match="two bars"):
        random_walk_quantiles(np.array(closes), np.array(numbers, dtype=np.int64))
