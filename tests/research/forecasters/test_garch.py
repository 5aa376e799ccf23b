import numpy as np
import pytest
from arch import arch_model

from include.contracts import HORIZON_COUNT
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from research.forecasters.garch import (
    LEAST_BARS,
    USUAL,
    GarchParameters,
    expected_variances,
    fit_garch,
    garch,
    garch_scale,
)
from tests.evaluation.fakes import day, frame, history_of, made_up

HISTORIES = {name: made_up(1900, seed, name) for seed, name in enumerate("AB")}
TRUTH = GarchParameters(omega=0.05, alpha=0.1, beta=0.85)


def simulated(count, seed=0):
    random = np.random.default_rng(seed)
    returns, variance = np.zeros(count), 1.0
    for row in range(count):
        returns[row] = np.sqrt(variance) * random.standard_t(8) / np.sqrt(8 / 6)
        variance = TRUTH.omega + TRUTH.alpha * returns[row] ** 2 + TRUTH.beta * variance
    return returns


def test_the_parameters_of_a_simulated_garch_are_found():
    found = fit_garch(simulated(4000))
    assert found.alpha == pytest.approx(TRUTH.alpha, abs=0.04)
    assert found.beta == pytest.approx(TRUTH.beta, abs=0.06)


def test_expected_variances_are_those_of_the_library():
    returns = simulated(1500)
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    parameters = [TRUTH.omega, TRUTH.alpha, TRUTH.beta, 8.0]
    oracle = model.forecast(np.array(parameters), horizon=HORIZON_COUNT, start=1000, reindex=False).variance.to_numpy()
    np.testing.assert_allclose(expected_variances(returns, TRUTH)[1000:], oracle, rtol=1e-9)


def test_too_few_returns_give_the_usual_parameters():
    assert fit_garch(simulated(LEAST_BARS - 1)) == USUAL


def test_garch_beats_the_random_walk_and_uses_no_later_bar():
    board = evaluate({BASELINE: random_walk, "garch": garch}, HISTORIES, day(210), day(250), fold_days=20)
    assert board.mean_skill("garch")[0] > 0.04
    (fold,) = make_folds(day(220), day(230), 10)
    assert find_leak(garch, HISTORIES, fold) == []


def test_a_constant_price_has_a_scale_and_no_warning():
    flat = history_of(frame(np.full(1000, 9.0), spread=0.0))
    (fold,) = make_folds(day(120), day(125), 5)
    assert (garch_scale(flat, fold) > 0.0).all()
