"""LSTM and TCN: causal, of the Transformer's size, trained on its windows, and the same bytes from the same seed."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load

from include.errors import DataContractError
from include.model import transformer
from include.model.config import ModelConfig
from include.model.pretrain import PretrainConfig, train_network
from include.model.shard import initial_state
from include.model.zoo import lstm, tcn
from include.model.zoo.layers import initial_parameters
from include.model.zoo.networks import ARCHITECTURES, WEIGHTS, TrainedNetwork, train
from tests.model.made_up import SMALL, made_up_series

METHODS = sorted(ARCHITECTURES)
QUICK = PretrainConfig(steps=3, batch_windows=8, minimum_windows=50)
PRODUCT = ModelConfig(input_count=38, width=64)


def stirred(method: str, config: ModelConfig = SMALL) -> dict[str, torch.Tensor]:
    """Weights whose output layer is not zero."""
    parameters = initial_parameters(ARCHITECTURES[method].shapes(config), 1)
    generator = torch.Generator().manual_seed(5)
    return {name: part + 0.3 * torch.randn(part.shape, generator=generator) for name, part in parameters.items()}


@pytest.mark.parametrize("method", METHODS)
def test_a_bar_does_not_change_the_quantiles_of_earlier_bars(method: str) -> None:
    x = torch.randn(1, 2, 12, SMALL.input_count, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, :, 7] += 1.0
    before, after = (ARCHITECTURES[method].forward(stirred(method), each, SMALL) for each in (x, changed))
    assert before.shape == (1, 2, 12, SMALL.horizon_count, 9)
    torch.testing.assert_close(before[:, :, :7], after[:, :, :7], rtol=0.0, atol=0.0)
    assert not torch.equal(before[:, :, 7], after[:, :, 7])
    assert not torch.equal(before[:, :, 11], after[:, :, 11])


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_never_cross_and_two_networks_in_one_call_are_independent(method: str) -> None:
    x = 3.0 * torch.randn(1, 3, 12, SMALL.input_count, generator=torch.Generator().manual_seed(2))
    one = stirred(method)
    both = {name: torch.cat([part, 2.0 * part]) for name, part in one.items()}
    alone = ARCHITECTURES[method].forward(one, x, SMALL)
    stacked = ARCHITECTURES[method].forward(both, x.expand(2, -1, -1, -1), SMALL)
    assert bool((alone.diff(dim=-1) > 0).all())
    torch.testing.assert_close(stacked[:1], alone)


@pytest.mark.parametrize("method", METHODS)
def test_an_untrained_network_forecasts_the_reference_distribution(method: str) -> None:
    untrained = TrainedNetwork(method, initial_parameters(ARCHITECTURES[method].shapes(SMALL), 0), SMALL)
    found = untrained.quantiles(made_up_series(1).x, np.array([5, 11, 40]))
    assert np.isnan(found[0]).all()
    expected = transformer.reference_quantiles(SMALL.quantile_levels)
    np.testing.assert_allclose(found[1:], np.broadcast_to(expected, found[1:].shape), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_it_has_about_as_many_weights_as_the_transformer(method: str) -> None:
    counts = [
        sum(math.prod(shape) for shape in shapes.values())
        for shapes in (ARCHITECTURES[method].shapes(PRODUCT), transformer.parameter_shapes(PRODUCT))
    ]
    assert 0.9 * counts[1] < counts[0] < 1.1 * counts[1]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_series_and_seed_give_the_same_file_and_another_seed_another(method: str) -> None:
    series = {name: made_up_series(seed) for seed, name in enumerate("AB")}
    first, again, other = (train(method, series, SMALL, QUICK, seed) for seed in (3, 3, 4))
    assert first.files() == again.files() != other.files()
    assert first.version == hashlib.sha256(first.files()[WEIGHTS]).hexdigest()
    header = json.loads(first.files()[WEIGHTS][8 : 8 + int.from_bytes(first.files()[WEIGHTS][:8], "little")])
    assert json.loads(header["__metadata__"]["hourcast"])["method"] == method
    tensors = load(first.files()[WEIGHTS])
    assert {name: tuple(part.shape) for name, part in tensors.items()} == ARCHITECTURES[method].shapes(SMALL)
    assert first.weight_count == sum(part.numel() for part in tensors.values())


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_signal_is_learned(method: str) -> None:
    series = {str(seed): made_up_series(seed, strength=0.7) for seed in range(3)}
    other = made_up_series(99, strength=0.7)
    strong = replace(QUICK, steps=150, learning_rate=1e-2, hidden_ratio=0.0, output_ratio=1.0)
    ends = other.window_ends
    errors = [
        np.abs(trained.quantiles(other.x, ends)[..., SMALL.median_index] - other.y[ends])[other.has_target[ends]].mean()
        for trained in (train(method, series, SMALL, strong, 0), train(method, series, SMALL, QUICK, 0))
    ]
    assert errors[0] < 0.97 * errors[1]


def test_every_architecture_sees_the_same_windows() -> None:
    seen: dict[str, list[torch.Tensor]] = {}
    series = {name: made_up_series(seed) for seed, name in enumerate("AB")}
    starts = {
        "transformer": initial_state(("backbone",), SMALL, (1,)).parameters,
        **{method: initial_parameters(ARCHITECTURES[method].shapes(SMALL), 1) for method in METHODS},
    }
    forwards = {"transformer": transformer.forward, "lstm": lstm.forward, "tcn": tcn.forward}
    for name, forward in forwards.items():

        def noted(parameters, inputs, config, name=name, forward=forward):  # type: ignore[no-untyped-def]
            seen.setdefault(name, []).append(inputs.clone())
            return forward(parameters, inputs, config)

        train_network(series, starts[name], noted, SMALL, QUICK, 7)
    for method in METHODS:
        assert all(torch.equal(a, b) for a, b in zip(seen["transformer"], seen[method], strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_too_few_windows_are_refused(method: str) -> None:
    with pytest.raises(DataContractError, match="None of 1 tickers"):
        train(method, {"A": made_up_series(1, rows=40)}, SMALL, QUICK, 0)


def test_the_tcn_has_the_layers_that_fit_into_the_context() -> None:
    assert [tcn.layer_count(replace(SMALL, context_bars=bars)) for bars in (2, 7, 12, 16, 63, 64)] == [1, 2, 2, 3, 5, 5]
