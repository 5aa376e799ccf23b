"""LightGBM for comparison: its inputs and rows are those of the windows, its quantiles are sorted around 0."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from include.errors import DataContractError
from include.model.pretrain import PretrainConfig
from include.model.train import TrainingArrays
from include.model.transformer import reference_quantiles
from include.model.zoo import trees
from tests.model.made_up import SMALL, made_up_series

QUICK = PretrainConfig(steps=20, batch_windows=10, minimum_windows=50)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "ROUNDS", 10)


def test_the_inputs_are_the_newest_value_and_means_over_the_window() -> None:
    x = made_up_series(1).x
    ends = np.array([11, 30])
    found = trees.window_inputs(x, ends, 12)
    for row, end in enumerate(ends):
        short, window = x[end - 7 : end + 1], x[end - 11 : end + 1]
        expected = np.concatenate([x[end], short.mean(axis=0), window.mean(axis=0)])
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-6)
    longer = trees.with_horizons(found, 3)
    assert longer.shape == (6, 16)
    assert longer[:, -1].tolist() == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    np.testing.assert_array_equal(longer[3, :-1], found[1])


def test_as_many_windows_are_drawn_as_by_a_network_and_unknown_outcomes_are_left_out() -> None:
    series = {name: made_up_series(seed) for seed, name in enumerate("AB")}
    rows, targets, weights = trees.training_rows(series, SMALL, QUICK, 1)
    most = QUICK.steps * QUICK.batch_windows * SMALL.horizon_count
    assert 0.95 * most < len(rows) == len(targets) == len(weights) <= most
    np.testing.assert_allclose(weights, 1.0 / rows[:, -1])
    one = series["A"]
    blind = TrainingArrays(
        one.x, np.where(one.has_target, one.y, 77.0).astype(np.float32), one.has_target, one.window_ends
    )
    assert np.abs(trees.training_rows({"A": blind}, SMALL, QUICK, 1)[1]).max() < 77.0


def test_mirrored_windows_have_the_signs_of_returns_and_signed_inputs_reversed() -> None:
    one = made_up_series(3)
    marked = TrainingArrays(np.full_like(one.x, 0.5), np.ones_like(one.y), one.has_target, one.window_ends)
    rows, targets, _ = trees.training_rows({"A": marked}, SMALL, replace(QUICK, mirrored_inputs=2), 1)
    for start in (0, 5, 10):
        np.testing.assert_allclose(rows[:, start], 0.5 * targets, atol=1e-6)
        np.testing.assert_allclose(rows[:, start + 1], 0.5 * targets, atol=1e-6)
        np.testing.assert_allclose(rows[:, start + 2], 0.5, atol=1e-6)
    assert 0.3 < (targets > 0).mean() < 0.7


def test_quantiles_are_sorted_around_0_and_come_from_full_windows_only() -> None:
    one = made_up_series(4)
    trained = trees.train({"A": one}, SMALL, QUICK, 1)
    found = trained.quantiles(one.x, np.array([5, 40, 200]))
    assert np.isnan(found[0]).all()
    assert (np.diff(found[1:], axis=-1) >= 0).all()
    assert (found[1:, :, SMALL.median_index] == 0.0).all()
    assert np.isnan(trained.quantiles(one.x, np.array([3]))).all()


def test_the_output_ratio_is_the_share_of_what_was_learned() -> None:
    one = made_up_series(4, strength=0.5)
    ends = np.array([40, 200])
    none, half, whole = (
        trees.train({"A": one}, SMALL, replace(QUICK, output_ratio=ratio), 1).quantiles(one.x, ends)
        for ratio in (0.0, 0.5, 1.0)
    )
    reference = np.array(reference_quantiles(SMALL.quantile_levels))
    np.testing.assert_allclose(none, np.broadcast_to(reference, none.shape), atol=1e-9)
    assert np.abs(half - none).max() < np.abs(whole - none).max()


def test_the_same_seed_gives_the_same_file_and_another_seed_another() -> None:
    series = {"A": made_up_series(4)}
    first, again, other = (trees.train(series, SMALL, QUICK, seed) for seed in (1, 1, 2))
    assert first.files() == again.files()
    assert first.version == again.version != other.version
    assert first.weight_count >= 9 * 10


def test_a_heavier_tail_is_learned() -> None:
    one = made_up_series(6, rows=2000)
    is_wild = one.x[:, 0] > 0.0
    wide = TrainingArrays(
        one.x, np.where(is_wild[:, None], 3.0, 0.5).astype(np.float32) * one.y, one.has_target, one.window_ends
    )
    trained = trees.train({"A": wide}, SMALL, replace(QUICK, steps=100, output_ratio=1.0), 1)
    widths = trained.quantiles(wide.x, wide.window_ends)[:, 0, -1]
    assert widths[is_wild[wide.window_ends]].mean() > 1.2 * widths[~is_wild[wide.window_ends]].mean()


def test_too_few_windows_are_refused() -> None:
    with pytest.raises(DataContractError, match="None of 1 tickers"):
        trees.train({"A": made_up_series(1, rows=40)}, SMALL, QUICK, 0)
