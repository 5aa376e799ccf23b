import numpy as np
import pytest
import torch

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS
from include.model.loss import pinball_loss


def _made_up(seed: int = 0):
    generator = np.random.default_rng(seed)
    quantiles = np.sort(generator.standard_normal((2, 3, 4, 5, 9)), axis=-1)
    targets = generator.standard_normal((2, 3, 4, 5))
    has_target = generator.random((2, 3, 4, 5)) < 0.7
    return quantiles, targets, has_target


def test_the_loss_equals_a_naive_loop():
    quantiles, targets, has_target = _made_up()
    found = pinball_loss(*map(torch.tensor, (quantiles, targets, has_target)), QUANTILE_LEVELS, CRPS_WEIGHTS)
    for ticker in range(2):
        total, count = 0.0, 0
        for place in np.ndindex(3, 4, 5):
            if not has_target[ticker][place]:
                continue
            count += 1
            for q, (level, weight) in enumerate(zip(QUANTILE_LEVELS, CRPS_WEIGHTS, strict=True)):
                value, truth = quantiles[ticker][place][q], targets[ticker][place]
                loss = level * (truth - value) if truth > value else (1 - level) * (value - truth)
                total += 2 * weight * loss / sum(CRPS_WEIGHTS)
        assert float(found[ticker]) == pytest.approx(total / count, abs=1e-12)


def test_what_has_no_target_changes_neither_loss_nor_gradient():
    quantiles, targets, has_target = map(torch.tensor, _made_up())
    targets[~has_target] = float("nan")
    quantiles.requires_grad_()
    losses = pinball_loss(quantiles, targets, has_target, QUANTILE_LEVELS, CRPS_WEIGHTS)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert (quantiles.grad[~has_target] == 0).all()
    assert (quantiles.grad[has_target] != 0).any()


def test_a_ticker_without_any_target_has_loss_zero():
    quantiles, targets, has_target = map(torch.tensor, _made_up())
    has_target[1] = False
    losses = pinball_loss(quantiles, targets, has_target, QUANTILE_LEVELS, CRPS_WEIGHTS)
    assert losses[0] > 0
    assert losses[1] == 0


def test_the_loss_is_least_at_the_true_quantiles():
    truth = torch.tensor(np.random.default_rng(1).standard_normal((1, 20_000, 1)))
    best = torch.quantile(truth.flatten(), torch.tensor(QUANTILE_LEVELS, dtype=truth.dtype))
    everywhere = torch.ones_like(truth, dtype=torch.bool)

    def loss(quantiles: torch.Tensor) -> float:
        return float(pinball_loss(quantiles.expand(1, 20_000, 1, 9), truth, everywhere, QUANTILE_LEVELS, CRPS_WEIGHTS))

    assert loss(best) < min(loss(best * 1.1), loss(best * 0.9), loss(best + 0.1), loss(best - 0.1))
