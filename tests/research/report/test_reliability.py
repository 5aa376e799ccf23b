from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from include.contracts import QUANTILE_LEVELS
from include.evaluation import metrics
from research.report.reliability import BIN_EDGES, coverage_by_group, groups_of, pit, pit_densities

LEVELS = np.array(QUANTILE_LEVELS)
NORMAL = stats.norm.ppf(LEVELS)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_pit_equals_numpys_interpolation_between_the_quantiles(seed):
    random = np.random.default_rng(seed)
    quantiles = np.sort(random.normal(size=(20, len(LEVELS))), axis=1)
    outcomes = 1.5 * random.normal(size=20)
    values = pit(outcomes, quantiles)
    for outcome, row, value in zip(outcomes, quantiles, values, strict=True):
        naive = np.interp(outcome, row, LEVELS, left=0.0125, right=0.9875)
        assert value == pytest.approx(naive, rel=1e-9)


def test_an_outcome_that_equals_several_quantiles_has_the_middle_of_their_levels():
    quantiles = np.zeros((2, len(LEVELS)))
    quantiles[1, -2:] = 1.0
    np.testing.assert_allclose(pit(np.zeros(2), quantiles), [0.5, (0.025 + 0.9) / 2.0])


def test_unknown_outcomes_and_absent_forecasts_have_no_pit():
    quantiles = np.tile(NORMAL, (3, 1))
    quantiles[2] = np.nan
    assert np.isnan(pit(np.array([0.0, np.nan, 0.0]), quantiles)).tolist() == [False, True, True]


def test_bins_of_a_calibrated_forecast_are_1_and_those_of_a_narrow_one_are_high_at_both_ends():
    outcomes = np.random.default_rng(0).normal(size=40_000)
    np.testing.assert_allclose(pit_densities(pit(outcomes, np.tile(NORMAL, (40_000, 1)))), 1.0, atol=0.1)
    narrow = pit_densities(pit(outcomes, np.tile(0.5 * NORMAL, (40_000, 1))))
    assert narrow[0] > 4.0
    assert narrow[-1] > 4.0
    assert narrow[4] < 0.7


def test_densities_equal_a_naive_count():
    values = np.array([0.01, 0.05, 0.3, 0.7, 0.99, 0.99, np.nan])
    naive = np.zeros(len(BIN_EDGES) - 1)
    for value in values[:-1]:
        for place, (low, high) in enumerate(pairwise(BIN_EDGES)):
            naive[place] += 1.0 if low < value < high else 0.5 if value in {low, high} else 0.0
    np.testing.assert_allclose(pit_densities(values), naive / 6.0 / np.diff(BIN_EDGES))
    assert np.isnan(pit_densities(np.array([np.nan]))).all()


def test_coverage_by_group_is_that_of_the_groups_rows():
    random = np.random.default_rng(2)
    outcomes, quantiles = random.normal(size=300), np.tile(NORMAL, (300, 1))
    groups = groups_of(random.integers(0, 3, 300).astype(float), random.random(300) < 0.2)
    table = coverage_by_group(outcomes, quantiles, groups)
    assert list(table.index) == ["all", "calm", "middle", "wild", "overnight"]
    for name, rows in groups.items():
        for interval in metrics.INTERVAL_COLUMNS:
            assert table.loc[name, interval] == metrics.coverage(outcomes[rows], quantiles[rows], interval)
