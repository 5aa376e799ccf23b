"""The loop computes the same network and the same loss as the product."""

import numpy as np
import pytest
import torch

from bench import eager
from include.contracts import QUANTILE_LEVELS
from include.model.config import ModelConfig, TrainConfig
from include.model.loss import pinball_loss
from include.model.predict import predict
from include.model.shard import initial_state
from include.model.transformer import forward
from tests.model.made_up import in_double, made_up_series, stirred_state

CONFIG = ModelConfig(input_count=5, context_bars=12, width=16, layers=3, heads=2, horizon_count=7)


def _windows(count: int = 4) -> torch.Tensor:
    shape = (count, CONFIG.context_bars, CONFIG.input_count)
    return torch.tensor(np.random.default_rng(1).standard_normal(shape))


@pytest.mark.parametrize("position", [0, 1])
def test_the_module_computes_the_same_quantiles(position):
    state = in_double(stirred_state(("A", "B"), config=CONFIG))
    network = eager.network_of(state, position).double()
    expected = forward(state.select([position]).parameters, _windows().unsqueeze(0), CONFIG)[0]
    torch.testing.assert_close(network(_windows()), expected, rtol=0, atol=1e-6)  # its angles have single precision


def test_the_module_has_as_many_weights_as_the_network():
    state = stirred_state(("A",), config=CONFIG)
    network = eager.network_of(state)
    assert sum(part.numel() for part in network.parameters()) == sum(part.numel() for part in state.parameters.values())


def test_the_loss_is_the_same():
    state = in_double(stirred_state(("A",), config=CONFIG))
    series = made_up_series(1, rows=12, config=CONFIG)
    quantiles = forward(state.parameters, torch.tensor(series.x).double()[None, None], CONFIG)
    y, known = torch.tensor(series.y)[None, None], torch.tensor(series.has_target)[None, None]
    assert not known.all()
    train = TrainConfig(1)
    expected = pinball_loss(quantiles, y.double(), known, QUANTILE_LEVELS, train.level_weights)
    assert float(eager.loss_of(quantiles[0], y[0], known[0], train)) == pytest.approx(float(expected), rel=1e-6)


def test_the_forecast_is_the_same():
    state = stirred_state(("A",), config=CONFIG)
    window = _windows(1)[0].float().numpy()
    np.testing.assert_allclose(
        eager.forecast(eager.network_of(state), window), predict(state, window[None])[0], rtol=0, atol=1e-5
    )


def test_the_loop_lowers_the_loss_and_changes_every_weight():
    series = made_up_series(3, rows=600, config=CONFIG, strength=0.5)
    network = eager.network_of(initial_state(("A",), CONFIG, (1,)))
    before = {name: part.detach().clone() for name, part in network.named_parameters()}
    x, y, known = (torch.from_numpy(part[-100:]).unsqueeze(0) for part in (series.x, series.y, series.has_target))
    train = TrainConfig(60, learning_rate=1e-2)
    losses = []
    for _ in range(2):
        with torch.no_grad():
            losses.append(float(eager.loss_of(network(x[:, -12:]), y[:, -12:], known[:, -12:], train)))
        eager.fine_tune(network, series, train, 1)
    assert losses[1] < losses[0]
    assert not any(torch.equal(part, before[name]) for name, part in network.named_parameters())
