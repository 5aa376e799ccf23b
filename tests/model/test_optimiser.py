import pytest
import torch

from include.model.config import SCOPES
from include.model.optimiser import (
    AdamW,
    clipped,
    decay_mask,
    flatten,
    frozen_layers,
    learning_rate,
    trained_names,
    unflatten,
)
from include.model.transformer import parameter_shapes
from tests.model.made_up import SMALL, stirred_state


def names_in(scope):
    return set(trained_names(scope, SMALL))


def test_flattening_round_trips():
    state = stirred_state(("A", "B"))
    back = unflatten(flatten(state), SMALL)
    assert set(back) == set(state.parameters)
    assert all(torch.equal(back[name], value) for name, value in state.parameters.items())


def test_a_step_equals_that_of_torchs_adamw():
    start, decay = torch.randn(1, 40, dtype=torch.float64), torch.full((40,), 0.1, dtype=torch.float64)
    ours = AdamW(start, decay)
    theirs = start.clone().requires_grad_()
    reference = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    for seed in range(5):
        gradient = torch.randn(1, 40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        ours.step(gradient, 0.01)
        theirs.grad = gradient.clone()
        reference.step()
    torch.testing.assert_close(ours.weights, theirs, rtol=1e-12, atol=1e-12)


def test_without_a_gradient_a_step_removes_the_pulls_share_of_the_distance_to_the_anchor():
    start, anchor = torch.ones(2, 3), torch.zeros(1, 3)
    optimiser = AdamW(start, torch.ones(3), anchor, pull=0.25)
    optimiser.step(torch.zeros(2, 3), 0.1)
    torch.testing.assert_close(optimiser.weights.detach(), torch.full((2, 3), 0.75))


@pytest.mark.parametrize("scope", SCOPES)
def test_parameters_of_frozen_layers_are_not_trained(scope):
    layers = frozen_layers(scope, SMALL)
    before = () if layers is None else ("input.", *(f"layers.{layer}." for layer in range(layers)))
    assert not any(name.startswith(before) for name in names_in(scope))
    is_all_trained = any(name.startswith("layers.0.") for name in names_in(scope))
    assert (layers is None) == is_all_trained


def test_a_selection_of_names_can_be_flattened_and_unflattened():
    state = stirred_state(("A", "B"))
    names = trained_names("head", SMALL)
    flat = flatten(state, names)
    assert flat.shape == (2, sum(state.parameters[name][0].numel() for name in names))
    back = unflatten(flat, SMALL, names)
    assert list(back) == list(names)
    assert all(torch.equal(back[name], state.parameters[name]) for name in names)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_contains_the_output_layer(scope):
    assert {"output.weight", "output.bias", "output.norm"} <= names_in(scope)


def test_the_scopes_are_all_parameters_and_the_output_layer():
    assert names_in("all") == set(parameter_shapes(SMALL))
    assert names_in("head") == {"output.weight", "output.bias", "output.norm"}


def test_norms_and_biases_do_not_decay():
    decays = unflatten(decay_mask(SMALL, torch.float32).unsqueeze(0), SMALL)
    assert all(bool(part.all()) == name.endswith(".weight") for name, part in decays.items())


def test_a_long_gradient_is_cut_to_the_norm_and_a_short_one_left():
    gradient = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    torch.testing.assert_close(clipped(gradient, 1.0), torch.tensor([[0.6, 0.8], [0.3, 0.4]]))


def test_the_rate_rises_peaks_and_falls_to_its_last_share():
    rates = [learning_rate(step, 100, 1.0, 10, 0.1) for step in range(100)]
    assert rates[0] < 0.1
    assert 0.95 < max(rates) <= 1.0
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
