"""Distances of an input from its training set, from quantiles and counts alone."""

import json

import numpy as np
import pytest

from include.errors import DataContractError
from include.evaluation import shift
from include.evaluation.shift import LEAST_ROWS, SHIFTED_INDEX, Reference

GENERATOR = np.random.default_rng(5)
NORMAL = Reference.of(GENERATOR.normal(size=20_000))


def counts_of(values: np.ndarray) -> np.ndarray:
    return shift.bin_counts(values, NORMAL.edges)


def test_values_of_the_same_distribution_have_small_distances() -> None:
    counts = counts_of(GENERATOR.normal(size=LEAST_ROWS))
    assert counts.sum() == LEAST_ROWS
    assert shift.stability_index(counts, NORMAL) < 0.1
    assert shift.wasserstein(counts, NORMAL) < 0.1


def test_twice_the_deviation_is_a_shift_and_so_is_another_mean() -> None:
    assert shift.stability_index(counts_of(2.0 * GENERATOR.normal(size=2_000)), NORMAL) > SHIFTED_INDEX
    moved = counts_of(GENERATOR.normal(size=50_000) + 0.5)
    assert shift.stability_index(moved, NORMAL) == pytest.approx(0.25, abs=0.03)
    assert shift.wasserstein(moved, NORMAL) == pytest.approx(0.5, abs=0.06)


def test_the_index_is_the_sum_that_its_definition_says() -> None:
    reference = Reference(np.array([0.0]), np.array([0.5, 0.5]), -1.0, 1.0, 1.0)
    assert shift.stability_index(np.array([750, 250]), reference) == pytest.approx(0.25 * np.log(3.0), abs=2e-3)
    assert shift.wasserstein(np.array([750, 250]), reference) == pytest.approx(0.25)


def test_an_input_of_few_values_has_few_bins_and_no_distance_from_itself() -> None:
    values = np.repeat([0.0, 1.0], [900, 100])
    reference = Reference.of(values)
    counts = shift.bin_counts(values, reference.edges)
    assert counts.sum() == 1000
    assert shift.stability_index(counts, reference) < 0.01
    constant = Reference.of(np.ones(10))
    assert shift.wasserstein(np.array([5, 0]), constant) == 0.0


def test_a_reference_comes_back_from_json_and_a_wrong_one_is_refused() -> None:
    again = Reference.from_dict(json.loads(json.dumps(NORMAL.to_dict())))
    assert np.array_equal(again.edges, NORMAL.edges)
    assert np.array_equal(again.shares, NORMAL.shares)
    with pytest.raises(DataContractError, match="no reference of an input"):
        Reference.from_dict({"edges": [1.0]})
    with pytest.raises(DataContractError, match="has 1 shares"):
        Reference.from_dict({**NORMAL.to_dict(), "shares": [1.0]})
    with pytest.raises(DataContractError, match="finite values"):
        Reference.of(np.array([1.0, np.nan]))


def test_without_values_there_is_no_distance() -> None:
    nothing = np.zeros(len(NORMAL.shares), dtype=np.int64)
    assert np.isnan(shift.stability_index(nothing, NORMAL))
    assert np.isnan(shift.wasserstein(nothing, NORMAL))
