import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from include.evaluation.nonnegative import nonnegative_least_squares


@given(seed=st.integers(0, 10_000), count=st.integers(1, 60), size=st.integers(1, 9), overlap=st.floats(0.0, 0.95))
@settings(max_examples=120, deadline=None)
def test_the_loss_equals_that_of_scipy(seed, count, size, overlap):
    random = np.random.default_rng(seed)
    regressors = np.abs(random.normal(size=(count, size)))
    regressors = overlap * regressors[:, :1] + (1.0 - overlap) * regressors  # correlated like moving averages
    target = regressors @ random.normal(size=size) + random.normal(size=count)
    weights = nonnegative_least_squares(regressors, target)
    assert (weights >= 0.0).all()
    _, loss = nnls(regressors, target)
    assert np.linalg.norm(regressors @ weights - target) == pytest.approx(loss, rel=1e-6, abs=1e-8)


def test_known_non_negative_weights_are_found():
    regressors = np.random.default_rng(0).normal(size=(200, 4))
    truth = np.array([0.0, 2.0, 0.5, 0.0])
    np.testing.assert_allclose(nonnegative_least_squares(regressors, regressors @ truth), truth, atol=1e-9)


def test_regressors_or_targets_of_zeros_give_weights_of_zero():
    np.testing.assert_array_equal(nonnegative_least_squares(np.zeros((9, 3)), np.ones(9)), np.zeros(3))
    np.testing.assert_array_equal(nonnegative_least_squares(np.ones((9, 3)), np.zeros(9)), np.zeros(3))
    np.testing.assert_array_equal(nonnegative_least_squares(np.ones((9, 1)), -np.ones(9)), np.zeros(1))
