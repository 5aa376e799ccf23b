import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from include.model.config import ModelConfig
from include.model.shard import initial_state
from include.model.transformer import begin, finish, forward, parameter_shapes, quantiles_of, reference_quantiles
from tests.model.made_up import SMALL, in_double, stirred_state


def _inputs(tickers: int = 2, windows: int = 3, seed: int = 0) -> torch.Tensor:
    shape = (tickers, windows, SMALL.context_bars, SMALL.input_count)
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=torch.float32)


@pytest.mark.parametrize("changed_from", [1, 5, 11])
def test_later_bars_do_not_change_earlier_quantiles_by_a_single_bit(changed_from):
    state = stirred_state(("A", "B"))
    inputs = _inputs()
    changed = inputs.clone()
    changed[:, :, changed_from:] = 3.0 * _inputs(seed=1)[:, :, changed_from:]
    before = forward(state.parameters, inputs, SMALL)
    after = forward(state.parameters, changed, SMALL)
    assert torch.equal(before[:, :, :changed_from], after[:, :, :changed_from])
    assert not torch.equal(before[:, :, changed_from:], after[:, :, changed_from:])


def test_every_bar_of_the_context_reaches_the_last_position():
    state = stirred_state(("A",))
    inputs = _inputs(1, 1).requires_grad_()
    forward(state.parameters, inputs, SMALL)[0, 0, -1].sum().backward()
    assert (inputs.grad[0, 0].abs().sum(dim=1) > 0).all()


def test_the_order_of_the_bars_matters():
    state = stirred_state(("A",))
    inputs = _inputs(1, 1)
    swapped = inputs[:, :, [1, 0, *range(2, SMALL.context_bars)]]
    assert not torch.allclose(
        forward(state.parameters, inputs, SMALL)[0, 0, -1], forward(state.parameters, swapped, SMALL)[0, 0, -1]
    )


def test_a_ticker_in_a_stack_gives_the_same_as_alone():
    state = in_double(stirred_state(("A", "B", "C")))
    inputs = _inputs(3).double()
    together = forward(state.parameters, inputs, SMALL)
    for k in range(3):
        alone = forward(state.select([k]).parameters, inputs[k : k + 1], SMALL)
        torch.testing.assert_close(together[k : k + 1], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layers", range(SMALL.layers + 1))
def test_begin_and_finish_give_the_bits_of_forward_for_any_number_of_layers(layers):
    state = stirred_state(("A", "B"))
    inputs = _inputs()
    stream = begin(state.parameters, inputs, SMALL, layers)
    assert stream.shape == (2, 3, SMALL.context_bars, SMALL.width)
    whole = forward(state.parameters, inputs, SMALL)
    assert torch.equal(finish(state.parameters, stream, SMALL, layers), whole)


def test_a_fresh_network_gives_the_reference_for_every_input():
    state = initial_state(("A", "B"), SMALL, (1, 2))
    quantiles = forward(state.parameters, _inputs(), SMALL)
    expected = torch.tensor(reference_quantiles(SMALL.quantile_levels)).expand_as(quantiles)
    torch.testing.assert_close(quantiles, expected, rtol=0, atol=1e-5)


def test_the_reference_has_the_quantiles_of_a_scaled_student_t_with_4_degrees_of_freedom():
    table = {0.5: 0.0, 0.75: 0.740697, 0.9: 1.533206, 0.95: 2.131847, 0.975: 2.776445}
    for level, value in table.items():
        for signed_level, signed_value in ((level, value), (1 - level, -value)):
            (found,) = reference_quantiles((signed_level,))
            assert found == pytest.approx(math.sqrt(2 / math.pi) * signed_value, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    arrays(
        np.float32, (4, len(SMALL.quantile_levels)), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    )
)
def test_quantiles_never_cross_for_any_raw_output(raw):
    quantiles = quantiles_of(torch.tensor(raw), SMALL)
    assert quantiles.isfinite().all()
    assert (quantiles.diff(dim=-1) >= 0).all()


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 1e4), st.integers(0, 2**32 - 1))
def test_quantiles_never_cross_for_any_weights(size, seed):
    generator = np.random.default_rng(seed)
    parameters = {
        name: torch.tensor(size * generator.standard_normal((1, *shape)), dtype=torch.float32)
        for name, shape in parameter_shapes(SMALL).items()
    }
    quantiles = forward(parameters, _inputs(1, seed=seed % 1000), SMALL)
    assert quantiles.isfinite().all()
    assert (quantiles.diff(dim=-1) >= 0).all()


def test_other_levels_and_a_shorter_context_work_too():
    config = ModelConfig(input_count=2, width=8, layers=1, heads=1, horizon_count=1, quantile_levels=(0.2, 0.5))
    state = initial_state(("A",), config, (0,))
    quantiles = forward(state.parameters, torch.zeros(1, 1, 3, 2), config)
    assert quantiles.shape == (1, 1, 3, 1, 2)
    assert quantiles[0, 0, 0, 0].tolist() == pytest.approx(reference_quantiles((0.2, 0.5)))
