import numpy as np
import pytest

from include.errors import DataContractError, SettingsError
from include.model.checkpoint import BACKBONE
from include.model.predict import predict_windows
from include.model.pretrain import PretrainConfig, pretrain
from include.model.train import TrainingArrays
from tests.model.made_up import SMALL, bytes_of, made_up_series

QUICK = PretrainConfig(steps=60, batch_windows=16, learning_rate=3e-3, minimum_windows=50)


def error_of(state, series):
    """Mean absolute error of the median where a target is known."""
    medians = predict_windows(state, series.x, series.window_ends)[:, :, SMALL.median_index]
    known = series.has_target[series.window_ends]
    return np.abs(medians - series.y[series.window_ends])[known].mean()


def test_the_same_series_and_seed_give_the_same_bytes():
    series = {name: made_up_series(seed) for seed, name in enumerate("AB")}
    quick = PretrainConfig(steps=5, batch_windows=8, minimum_windows=50)
    first, second = (pretrain(series, SMALL, quick, seed=3) for _ in range(2))
    assert first.tickers == (BACKBONE,)
    assert bytes_of(first, 0) == bytes_of(second, 0)
    assert bytes_of(first, 0) != bytes_of(pretrain(series, SMALL, quick, seed=4), 0)


def test_a_signal_planted_in_some_tickers_is_found_and_helps_another():
    series = {str(seed): made_up_series(seed, strength=0.7) for seed in range(4)}
    other = made_up_series(99, strength=0.7)
    strong = PretrainConfig(
        steps=200, batch_windows=16, learning_rate=1e-2, minimum_windows=50, hidden_ratio=0.0, output_ratio=1.0
    )
    trained = pretrain(series, SMALL, strong, seed=0)
    untrained = pretrain(series, SMALL, PretrainConfig(steps=1, minimum_windows=50), seed=0)
    assert error_of(trained, other) < 0.97 * error_of(untrained, other)


def test_values_without_a_target_are_not_trained_on():
    series = made_up_series(1)
    changed = TrainingArrays(
        series.x, np.where(series.has_target, series.y, 77.0).astype(np.float32), series.has_target, series.window_ends
    )
    first, second = (pretrain({"A": one}, SMALL, QUICK, seed=0) for one in (series, changed))
    assert bytes_of(first, 0) == bytes_of(second, 0)


def test_with_mirrored_histories_a_backbone_learns_less_drift():
    series = made_up_series(5, rows=600)
    rising = TrainingArrays(series.x, series.y + 0.5, series.has_target, series.window_ends)
    drifting = pretrain({"A": rising}, SMALL, QUICK, seed=0)
    straight = pretrain({"A": rising}, SMALL, PretrainConfig(**{**QUICK.to_dict(), "mirrored_inputs": 5}), seed=0)
    bias = [
        predict_windows(state, rising.x, rising.window_ends)[:, :, SMALL.median_index].mean()
        for state in (drifting, straight)
    ]
    assert abs(bias[1]) < 0.5 * abs(bias[0])


def test_tickers_with_too_few_windows_are_left_out_and_none_at_all_is_refused():
    long, short = made_up_series(1), made_up_series(2, rows=40)
    quick = PretrainConfig(steps=2, batch_windows=4, minimum_windows=100)
    both, alone = (pretrain(series, SMALL, quick, 0) for series in ({"A": long, "B": short}, {"A": long}))
    assert bytes_of(both, 0) == bytes_of(alone, 0)
    with pytest.raises(DataContractError, match="None of 1 tickers"):
        pretrain({"B": short}, SMALL, quick, 0)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"hidden_ratio": 1.0}, {"average_decay": -0.1}])
def test_a_training_that_cannot_be_done_is_refused(wrong):
    with pytest.raises(SettingsError):
        PretrainConfig(**wrong)


def test_the_output_layer_is_multiplied_by_the_output_ratio():
    series = {"A": made_up_series(1)}
    whole, half = (
        pretrain(series, SMALL, PretrainConfig(**{**QUICK.to_dict(), "output_ratio": ratio}), 0) for ratio in (1.0, 0.5)
    )
    np.testing.assert_allclose(2.0 * half.parameters["output.weight"], whole.parameters["output.weight"])
    np.testing.assert_array_equal(half.parameters["input.weight"], whole.parameters["input.weight"])
