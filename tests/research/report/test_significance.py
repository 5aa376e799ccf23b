import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from research.report.significance import diebold_mariano, hac_lags, hac_variance, panel_test


def correlated(count, seed, persistence=0.6):
    noise = np.random.default_rng(seed).normal(size=count)
    for row in range(1, count):
        noise[row] += persistence * noise[row - 1]
    return noise


@given(seed=st.integers(0, 1000), count=st.integers(10, 300), horizon=st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_the_statistic_is_that_of_a_regression_on_a_constant_with_hac_errors(seed, count, horizon):
    losses, other = correlated(count, seed) + 3.0, correlated(count, seed + 1) + 3.1
    test = diebold_mariano(losses, other, horizon)
    lags = {"maxlags": hac_lags(count, horizon)}
    oracle = sm.OLS(losses - other, np.ones(count)).fit(cov_type="HAC", cov_kwds=lags, use_t=False)
    assert test.mean == pytest.approx(oracle.params[0], rel=1e-9)
    assert test.error == pytest.approx(oracle.bse[0], rel=1e-9)
    assert test.p_value == pytest.approx(oracle.pvalues[0], rel=1e-7, abs=1e-12)


def test_the_variance_equals_a_naive_loop_over_pairs():
    values = correlated(60, 4)
    centred = values - values.mean()
    naive = sum(
        max(0.0, 1.0 - abs(i - j) / 6.0) * centred[i] * centred[j]
        for i in range(60)
        for j in range(60)
        if abs(i - j) <= 5
    )
    assert hac_variance(values, 5) == pytest.approx(naive / 60**2, rel=1e-10)


def test_equal_losses_rarely_differ_and_lower_losses_are_found():
    found = [diebold_mariano(correlated(400, seed), correlated(400, seed + 5000), 1) for seed in range(200)]
    assert 0.01 <= np.mean([test.p_value < 0.05 for test in found]) <= 0.11
    losses = np.abs(correlated(400, 1)) + 1.0
    assert diebold_mariano(0.9 * losses, losses, 1).is_better
    assert diebold_mariano(1.1 * losses, losses, 1).is_worse


def test_overlapping_forecasts_have_a_larger_standard_error():
    noise = np.convolve(np.random.default_rng(0).normal(size=800), np.ones(7), "valid")
    assert diebold_mariano(noise, np.zeros(len(noise)), 7).error > 1.8 * noise.std() / np.sqrt(len(noise))


def test_unknown_rows_are_left_out_and_too_few_rows_give_nan():
    losses, other = correlated(50, 1), correlated(50, 2)
    losses[7] = other[9] = np.nan
    known = np.isfinite(losses) & np.isfinite(other)
    assert diebold_mariano(losses, other, 1) == diebold_mariano(losses[known], other[known], 1)
    few = diebold_mariano(losses[:5], other[:5], 1)
    assert np.isnan(few.p_value)
    assert not few.is_better
    assert np.isnan(diebold_mariano(np.empty(0), np.empty(0), 1).mean)


def test_the_same_forecast_is_neither_better_nor_worse():
    losses = correlated(50, 1)
    test = diebold_mariano(losses, losses, 1)
    assert (test.mean, test.p_value, test.is_better, test.is_worse) == (0.0, 1.0, False, False)


def test_the_panel_equals_a_naive_mean_by_day_and_correlated_tickers_count_once():
    days = np.repeat(np.arange(60), 7)
    instants = (
        np.datetime64("2024-01-01", "us") + days * np.timedelta64(1, "D") + np.arange(420) % 7 * np.timedelta64(1, "h")
    )
    other = 1.0 + np.abs(correlated(420, 3))
    losses = other + correlated(420, 4) - 0.1
    alone = panel_test([losses], [other], [instants], 1)
    copies = panel_test([losses] * 9, [other] * 9, [instants] * 9, 1)
    assert copies.statistic == pytest.approx(alone.statistic, rel=1e-9)
    assert alone.count == 60
    naive = np.mean([(losses - other)[days == day].mean() for day in range(60)]) / other.mean()
    assert alone.mean == pytest.approx(naive, rel=1e-10)
    second = panel_test([losses, losses[:210]], [other, other[:210]], [instants, instants[210:]], 1)
    assert second.count == 60


def test_a_panel_without_known_losses_gives_nan():
    assert np.isnan(panel_test([np.full(3, np.nan)], [np.ones(3)], [np.zeros(3, "datetime64[us]")], 1).p_value)
