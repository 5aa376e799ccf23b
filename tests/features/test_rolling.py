import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from include.features.rolling import (
    exponential_weights,
    lagged,
    ratio,
    weighted_sum,
    window_max,
    window_min,
    window_sum,
)

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
series = st.integers(1, 60).flatmap(lambda n: arrays(np.float64, n, elements=finite))


@given(values=series, window=st.integers(1, 20), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_weighted_sum_equals_a_naive_loop_and_is_nan_before_the_first_full_window(values, window, seed):
    weights = np.random.default_rng(seed).random(window)
    result = weighted_sum(values, weights)
    for row in range(len(values)):
        if row < window - 1:
            assert np.isnan(result[row])
        else:
            naive = sum(weights[lag] * values[row - lag] for lag in range(window))
            assert result[row] == pytest.approx(naive, rel=1e-12, abs=1e-9)


@given(values=series, window=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_window_extremes_and_sums_equal_those_of_each_slice(values, window):
    highest, lowest, total = window_max(values, window), window_min(values, window), window_sum(values, window)
    for row in range(window - 1, len(values)):
        part = values[row - window + 1 : row + 1]
        assert highest[row] == part.max()
        assert lowest[row] == part.min()
        assert total[row] == pytest.approx(part.sum(), rel=1e-12, abs=1e-6)
    assert np.isnan(highest[: window - 1]).all()
    assert np.isnan(lowest[: window - 1]).all()


@given(values=series, window=st.integers(1, 20), start=st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_a_window_sum_has_the_same_bits_wherever_the_array_starts(values, window, start):
    weights = exponential_weights(0.3, window)
    whole, part = weighted_sum(values, weights), weighted_sum(values[start:].copy(), weights)
    assert part[window - 1 :].tobytes() == whole[start + window - 1 :].tobytes()


def test_lagged_moves_values_down_and_fills_with_nan():
    np.testing.assert_array_equal(lagged(np.array([1.0, 2.0, 3.0]), 2), [np.nan, np.nan, 1.0])
    np.testing.assert_array_equal(lagged(np.array([1.0]), 2), [np.nan])


def test_exponential_weights_sum_to_one_and_fall_by_the_decay():
    weights = exponential_weights(0.1, 50)
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weights[1:] / weights[:-1], 0.9)


def test_ratio_gives_the_stated_value_only_where_the_denominator_is_zero():
    result = ratio(np.array([1.0, 0.0, np.nan]), np.array([2.0, 0.0, 1.0]), otherwise=7.0)
    np.testing.assert_array_equal(result, [0.5, 7.0, np.nan])
