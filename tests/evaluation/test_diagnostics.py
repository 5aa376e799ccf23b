"""Every number of the residual diagnostics is that of statsmodels; a decomposition finds the parts it was made of."""

import numpy as np
import pytest
from statsmodels.stats.diagnostic import acorr_ljungbox, het_arch
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tsa.stattools import acf, adfuller, pacf

from include.evaluation.diagnostics import (
    LAGS,
    LEAST_VALUES,
    autocorrelations,
    decompose,
    partial_autocorrelations,
    residual_tests,
    skill_with_error,
)

RANDOM = np.random.default_rng(5)
NOISE = RANDOM.standard_normal(600)
SERIES = {
    "normal noise": NOISE,
    "fat tails": RANDOM.standard_t(3, 600),
    "random walk": np.cumsum(NOISE),
    "clustered": NOISE * np.exp(np.convolve(RANDOM.standard_normal(600), np.full(30, 0.2), mode="same")),
}


@pytest.mark.parametrize("name", SERIES)
def test_each_p_value_is_that_of_statsmodels(name: str) -> None:
    values = SERIES[name]

    found = residual_tests(values)

    assert found["normal"] == pytest.approx(jarque_bera(values)[1], rel=1e-6, abs=1e-12)
    dickey_fuller = adfuller(values, maxlag=LAGS, autolag=None, result_object=True)
    assert found["has_unit_root"] == pytest.approx(dickey_fuller.pvalue, rel=1e-4, abs=1e-12)
    for key, series in (("uncorrelated", values), ("squares_uncorrelated", values**2)):
        expected = acorr_ljungbox(series, lags=[LAGS])["lb_pvalue"].iloc[0]
        assert found[key] == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert found["no_arch"] == pytest.approx(
        het_arch(values, nlags=LAGS, result_object=True).lmpval, rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("name", SERIES)
def test_correlograms_are_those_of_statsmodels(name: str) -> None:
    values = SERIES[name]

    assert autocorrelations(values) == pytest.approx(acf(values, nlags=LAGS, fft=False)[1:], abs=1e-10)
    assert partial_autocorrelations(values) == pytest.approx(pacf(values, nlags=LAGS, method="ldb")[1:], abs=1e-10)


def test_few_values_and_constant_ones_are_not_tested() -> None:
    assert all(np.isnan(list(residual_tests(NOISE[: LEAST_VALUES - 1]).values())))
    assert all(np.isnan(list(residual_tests(np.ones(500)).values())))


def test_a_series_is_taken_apart_into_the_parts_it_was_made_of() -> None:
    slots = np.tile(np.arange(7), 60)
    season = np.sin(slots)
    values = 0.01 * np.arange(420) + season + 0.01 * RANDOM.standard_normal(420)

    parts = decompose(values, slots, 35)

    inside = np.isfinite(parts.trend)
    assert inside.sum() == 420 - 34
    assert parts.trend[inside] == pytest.approx(0.01 * np.arange(420)[inside] + season.mean(), abs=0.02)
    assert parts.season == pytest.approx(season - season[inside].mean(), abs=0.02)
    assert (parts.trend + parts.season + parts.rest)[inside] == pytest.approx(values[inside])
    assert sum(parts.shares().values()) == pytest.approx(1.0)


def test_a_series_shorter_than_its_trend_has_no_parts() -> None:
    assert np.isnan(decompose(np.ones(5), list("abcde"), 10).rest).all()


def test_a_skill_and_its_error_are_those_of_days() -> None:
    ours, other = np.array([9.0, 12.0, 6.0]), np.array([10.0, 12.0, 8.0])

    skill, error = skill_with_error(ours, other)

    assert skill == pytest.approx(0.1)
    spread = np.array([0.9 * 10 - 9, 0.9 * 12 - 12, 0.9 * 8 - 6])
    assert error == pytest.approx(np.sqrt((spread**2).sum() * 3 / 2) / 30)
    assert np.isnan(skill_with_error(ours[:1], other[:1])[1])
    assert np.isnan(skill_with_error(ours, 0 * other)[0])
