import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from include.errors import DataContractError
from include.model.config import SCOPES, TrainConfig
from include.model.loss import pinball_loss
from include.model.optimiser import trained_names
from include.model.shard import initial_state
from include.model.train import TrainingArrays, _sample, _training_set, fine_tune, mirror
from include.model.transformer import reference_quantiles
from tests.model.made_up import SMALL, bytes_of, in_double, made_up_series, stirred_state

ROOT = Path(__file__).resolve().parents[2]
BRIEF = TrainConfig(steps=6, batch_windows=4, holdout_bars=24, learning_rate=2e-3)


def _with(series: TrainingArrays, **changes: np.ndarray) -> TrainingArrays:
    return dataclasses.replace(series, **changes)


def test_a_ticker_trained_in_a_shard_equals_the_ticker_trained_alone():
    tickers = ("A", "B", "C", "D")
    state = in_double(stirred_state(tickers))
    series = [made_up_series(seed, rows=200 + 40 * seed) for seed in range(4)]
    together, reports = fine_tune(state, series, dataclasses.replace(BRIEF, group_tickers=4), [10, 11, 12, 13])
    for k, ticker in enumerate(tickers):
        alone, (report,) = fine_tune(state.select([k]), [series[k]], BRIEF, [10 + k])
        for name, value in alone.parameters.items():
            torch.testing.assert_close(together.parameters[name][k : k + 1], value, rtol=0, atol=1e-12)
        assert report.ticker == ticker
        assert report.loss_after == pytest.approx(reports[k].loss_after, abs=1e-12)
        assert report.window_count == reports[k].window_count


def test_with_groups_of_one_a_tickers_bytes_do_not_depend_on_other_tickers():
    state = stirred_state(("A", "B", "C"))
    series = [made_up_series(seed) for seed in range(3)]
    together, reports = fine_tune(state, series, BRIEF, [5, 6, 7])
    for k in range(3):
        alone, (report,) = fine_tune(state.select([k]), [series[k]], BRIEF, [5 + k])
        assert bytes_of(alone, 0) == bytes_of(together, k)
        assert report == reports[k]


@pytest.mark.parametrize("group_tickers", [1, 3])
def test_a_series_of_nan_does_not_change_other_tickers_bytes(group_tickers):
    state = stirred_state(("A", "B", "C"))
    config = dataclasses.replace(BRIEF, group_tickers=group_tickers)
    series = [made_up_series(seed) for seed in range(3)]
    clean, _ = fine_tune(state, series, config, [1, 2, 3])
    series[1] = _with(series[1], x=np.full_like(series[1].x, np.nan))
    result, reports = fine_tune(state, series, config, [1, 2, 3])
    assert bytes_of(result, 0) == bytes_of(clean, 0)
    assert bytes_of(result, 2) == bytes_of(clean, 2)
    assert bytes_of(result, 1) == bytes_of(state, 1)
    assert [report.is_finite for report in reports] == [True, False, True]
    assert (reports[1].steps, reports[0].steps) == (0, 6)


def test_a_ticker_that_diverges_keeps_its_old_weights():
    state = stirred_state(("A",))
    too_fast = dataclasses.replace(BRIEF, learning_rate=1e30)
    trained, (report,) = fine_tune(state, [made_up_series(0)], too_fast, [1])
    assert not report.is_finite
    assert bytes_of(trained, 0) == bytes_of(state, 0)


def test_no_steps_give_the_same_weights_back():
    state = stirred_state(("A", "B"))
    trained, reports = fine_tune(
        state, [made_up_series(0), made_up_series(1)], dataclasses.replace(BRIEF, steps=0), [1, 2]
    )
    assert [bytes_of(trained, k) for k in range(2)] == [bytes_of(state, k) for k in range(2)]
    assert all(report.loss_before == report.loss_after and report.steps == 0 for report in reports)


@pytest.mark.parametrize("group_tickers", [1, 2])
def test_a_ticker_without_windows_keeps_its_weights(group_tickers):
    state = stirred_state(("A", "B"))
    short = _with(made_up_series(0, rows=5), window_ends=np.zeros(0, np.int64))
    config = dataclasses.replace(BRIEF, group_tickers=group_tickers)
    trained, reports = fine_tune(state, [short, made_up_series(1)], config, [1, 2])
    assert bytes_of(trained, 0) == bytes_of(state, 0)
    assert bytes_of(trained, 1) != bytes_of(state, 1)
    assert (reports[0].window_count, reports[0].loss_before, reports[0].is_finite) == (0, None, True)


def test_training_never_changes_the_state_it_was_given():
    state = stirred_state(("A",))
    before = bytes_of(state, 0)
    fine_tune(state, [made_up_series(0)], BRIEF, [1])
    assert bytes_of(state, 0) == before


def test_a_planted_signal_is_found():
    series = made_up_series(3, rows=1200, strength=0.5)
    config = TrainConfig(steps=120, holdout_bars=200, learning_rate=1e-2)
    _, (report,) = fine_tune(initial_state(("A",), SMALL, (1,)), [series], config, [1])
    assert report.loss_after < 0.75 * report.loss_before


def test_the_default_training_is_cautious_but_learns():
    series = made_up_series(3, rows=1200, strength=0.5)
    _, (report,) = fine_tune(initial_state(("A",), SMALL, (1,)), [series], TrainConfig(150, holdout_bars=200), [1])
    assert report.loss_after < 0.99 * report.loss_before


def test_training_on_pure_noise_does_not_change_the_loss():
    reports = []
    for seed in range(3):
        series = made_up_series(seed, rows=3000)
        config = TrainConfig(steps=150, holdout_bars=600)
        reports += fine_tune(initial_state(("A",), SMALL, (seed,)), [series], config, [seed])[1]
    gains = [1 - report.loss_after / report.loss_before for report in reports]
    assert max(gains) < 0.01
    assert min(gains) > -0.01


def test_the_held_out_bars_are_never_trained_on():
    state = stirred_state(("A",))
    series = made_up_series(0)
    start = series.window_ends[-BRIEF.holdout_bars]
    y = series.y.copy()
    x = series.x.copy()
    x[start:] = -3.0
    reaching = np.arange(len(y))[:, None] + np.arange(1, 4) > start  # targets after the first held-out close
    y[reaching] = -50.0 * np.sign(y[reaching])  # the gradient of a pinball loss depends on the side only
    config = dataclasses.replace(BRIEF, batch_windows=400)  # so many that almost every window is drawn
    plain, (report,) = fine_tune(state, [series], config, [1])
    changed, (changed_report,) = fine_tune(state, [_with(series, x=x, y=y)], config, [1])
    assert bytes_of(plain, 0) == bytes_of(changed, 0)
    assert changed_report.loss_after > report.loss_after


@pytest.mark.parametrize("count", [1, 6, 7, 31])
def test_the_held_out_loss_is_the_mean_over_every_held_out_row(count):
    """A new network has the same forecast for every row, so its loss on the held-out rows can be computed directly."""
    series = made_up_series(0)
    state = initial_state(("A",), SMALL, (1,))
    config = dataclasses.replace(BRIEF, steps=0, holdout_bars=count)
    _, (report,) = fine_tune(state, [series], config, [1])
    rows = slice(series.window_ends[-count], None)
    quantiles = torch.tensor(reference_quantiles(SMALL.quantile_levels)).expand(1, *series.y[rows].shape, 9)
    expected = pinball_loss(
        quantiles,
        torch.tensor(series.y[None, rows]),
        torch.tensor(series.has_target[None, rows]),
        SMALL.quantile_levels,
        config.level_weights,
    )
    assert report.loss_before == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("rows", [13, 14, 16, 20, 30, 47])
def test_short_histories_can_be_trained_on(rows):
    trained, (report,) = fine_tune(stirred_state(("A",)), [made_up_series(0, rows=rows)], BRIEF, [1])
    assert report.is_finite
    assert report.window_count > 0
    assert all(value.isfinite().all() for value in trained.parameters.values())


def test_wrong_counts_and_shapes_are_refused():
    state = stirred_state(("A",))
    with pytest.raises(DataContractError, match="1 tickers came with 0 series"):
        fine_tune(state, [], BRIEF, [1])
    series = made_up_series(0)
    with pytest.raises(DataContractError, match="A: arrays of shapes"):
        fine_tune(state, [_with(series, x=series.x[:, :2])], BRIEF, [1])
    for ends in ([5, 20], [20, 300]):
        with pytest.raises(DataContractError, match="A: windows end at rows"):
            fine_tune(state, [_with(series, window_ends=np.array(ends))], BRIEF, [1])


def test_an_empty_shard_can_be_trained():
    empty = initial_state((), SMALL, ())
    assert fine_tune(empty, [], BRIEF, []) == (empty, [])


def _digest() -> str:
    state, reports = fine_tune(
        initial_state(("A", "B"), SMALL, (1, 2)), [made_up_series(0), made_up_series(1)], BRIEF, [3, 4]
    )
    return hashlib.sha256(bytes_of(state, 0) + bytes_of(state, 1) + repr(reports).encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_fresh_processes():
    script = "from tests.model.test_train import _digest; print(_digest())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    assert digests == {_digest()}


def test_another_seed_gives_other_bytes():
    state = initial_state(("A",), SMALL, (1,))
    one, _ = fine_tune(state, [made_up_series(0)], BRIEF, [1])
    two, _ = fine_tune(state, [made_up_series(0)], BRIEF, [2])
    assert bytes_of(one, 0) != bytes_of(two, 0)


@pytest.mark.parametrize("scope", SCOPES)
def test_only_the_parameters_of_the_scope_change(scope):
    state = in_double(stirred_state(("A",)))
    config = TrainConfig(steps=3, batch_windows=4, scope=scope, learning_rate=1e-3)
    trained, _ = fine_tune(state, [made_up_series(1)], config, [7])
    for name, value in state.parameters.items():
        is_moved = not torch.equal(trained.parameters[name], value)
        assert is_moved == (name in trained_names(scope, SMALL)), name


@pytest.mark.parametrize("scope", SCOPES)
def test_computing_frozen_layers_once_gives_the_same_training_as_in_every_step(scope, monkeypatch):
    """The comparison: the same training with the whole network computed in every step."""
    state, anchor = in_double(stirred_state(("A", "B"))), in_double(stirred_state(("backbone",), size=0.1))
    config = TrainConfig(4, 8, scope=scope, learning_rate=1e-3, pull=0.1, mirrored_inputs=2, steps_per_draw=4)
    series = [made_up_series(seed) for seed in (1, 2)]
    once, reports = fine_tune(state, series, config, [7, 8], anchor)
    monkeypatch.setattr("include.model.train.frozen_layers", lambda scope, config: None)
    every_time, again = fine_tune(state, series, config, [7, 8], anchor)
    for name, value in every_time.parameters.items():
        torch.testing.assert_close(once.parameters[name], value, rtol=0, atol=1e-12)
    assert [report.loss_after for report in reports] == pytest.approx(
        [report.loss_after for report in again], abs=1e-12
    )


@pytest.mark.parametrize(("steps_per_draw", "draws"), [(1, 5), (2, 3), (5, 1), (9, 1)])
def test_windows_are_drawn_once_for_steps_per_draw_steps(steps_per_draw, draws, monkeypatch):
    drawn = []
    monkeypatch.setattr("include.model.train._sample", lambda *given: drawn.append(1) or _sample(*given))
    config = dataclasses.replace(BRIEF, steps=5, steps_per_draw=steps_per_draw)
    fine_tune(stirred_state(("A",)), [made_up_series(1)], config, [7])
    assert len(drawn) == draws


def test_windows_are_drawn_uniformly_from_all_of_the_history():
    data = _training_set(stirred_state(("A",)), 0, made_up_series(1, rows=120), BRIEF, 3)
    rows = data.x[data.train_ends][:, 0]
    config = dataclasses.replace(BRIEF, batch_windows=7)
    drawn = torch.stack([_sample(data, SMALL, config)[0][:, -1, 0] for _ in range(2000)])
    places = (drawn.unsqueeze(-1) == rows).nonzero()[:, 2].reshape(2000, 7)
    parts = places * 7 // len(rows)
    assert (places.diff(dim=1) >= 0).all()
    assert (parts.diff(dim=1) <= 2).all()  # none of seven equal parts of the history is left out
    counts = torch.bincount(places.flatten(), minlength=len(rows))
    assert counts.min() > 0.75 * counts.double().mean()
    assert counts.max() < 1.25 * counts.double().mean()


def test_frozen_weights_are_not_copied():
    state = stirred_state(("A", "B"))
    trained, _ = fine_tune(state, [made_up_series(1), made_up_series(2)], TrainConfig(2, 4, scope="head"), [7, 8])
    assert trained.parameters["input.weight"] is state.parameters["input.weight"]


def test_a_pull_towards_an_anchor_brings_weights_nearer_to_it():
    state, anchor = stirred_state(("A", "B")), stirred_state(("backbone",), size=0.1)
    config = TrainConfig(steps=50, batch_windows=4, learning_rate=1e-6, pull=0.1)
    series = [made_up_series(seed) for seed in (1, 2)]
    trained, _ = fine_tune(state, series, config, [1, 2], anchor)
    for name, value in anchor.parameters.items():
        before, after = ((each.parameters[name] - value).abs().max() for each in (state, trained))
        assert after < 0.02 * before + 1e-4


def test_mirroring_changes_the_sign_of_targets_and_signed_inputs_of_the_marked_windows():
    x, y = torch.randn(2, 4, 5), torch.randn(2, 4, 3)
    turned_x, turned_y = mirror(x, y, np.array([True, False]), 2)
    assert torch.equal(turned_x[0, :, :2], -x[0, :, :2])
    assert torch.equal(turned_x[0, :, 2:], x[0, :, 2:])
    assert torch.equal(turned_y[0], -y[0])
    assert torch.equal(turned_x[1], x[1])
    assert torch.equal(turned_y[1], y[1])
