"""The TCN encoder: its shapes, and which bars its state depends on."""

import torch

from research.forecasters.tcn import Tcn


def encoder() -> Tcn:
    """An encoder of 3 inputs with random weights, without dropout."""
    torch.manual_seed(0)
    return Tcn(3, 8, 0.5).eval()


def test_the_state_has_the_width_of_the_network():
    assert encoder()(torch.randn(5, 32, 3)).shape == (5, 8)


def test_the_state_depends_on_the_newest_31_bars_and_on_no_older_bar():
    bars = torch.randn(64, 40, 3, requires_grad=True)
    encoder()(bars).sum().backward()
    assert bars.grad is not None
    used = bars.grad.abs().sum(dim=(0, 2)) > 0
    assert used.tolist() == [False] * 9 + [True] * 31


def test_the_newest_bar_changes_the_state():
    bars = torch.randn(1, 40, 3)
    changed = bars.clone()
    changed[0, -1] += 1.0
    assert not torch.equal(encoder()(bars), encoder()(changed))


def test_dropout_is_active_in_training_only():
    bars = torch.randn(64, 32, 3)
    network = encoder()
    assert torch.equal(network(bars), network(bars))
    network.train()
    assert not torch.equal(network(bars), network(bars))
