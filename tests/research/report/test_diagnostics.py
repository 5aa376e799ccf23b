import numpy as np
import pytest
from scipy import stats

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from research.report.diagnostics import (
    LAGS,
    correlograms,
    decomposition,
    explained_shares,
    residual_table,
    residual_tests,
    residuals,
)
from tests.evaluation.fakes import day, made_up

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def board():
    histories = {"A": made_up(1700, 0, "A"), "B": made_up(1700, 1, "B")}

    def normal(known, fold):
        width = 0.003 * stats.norm.ppf(QUANTILE_LEVELS)
        return {
            ticker: np.tile(width, (fold.test_rows(h).stop - fold.test_rows(h).start, HORIZON_COUNT, 1))
            for ticker, h in known.items()
        }

    return evaluate({BASELINE: random_walk, "har": har, "normal": normal}, histories, day(180), day(230))


def test_a_residual_is_the_outcome_over_the_deviation_implied_by_the_quartiles(board):
    outcome = board.rows["A"].outcome[:, 0]
    np.testing.assert_allclose(residuals(board, "normal", "A"), outcome[np.isfinite(outcome)] / 0.003, rtol=1e-3)


def test_independent_normal_noise_passes_and_other_series_fail():
    noise = RANDOM.normal(size=1500)
    passed = residual_tests(noise)
    assert min(passed["normal"], passed["uncorrelated"], passed["squares_uncorrelated"], passed["no_arch"]) > 0.01
    assert passed["has_unit_root"] < 0.01
    assert residual_tests(np.cumsum(noise))["has_unit_root"] > 0.05
    assert residual_tests(RANDOM.standard_t(3, 1500))["normal"] < 0.01
    assert residual_tests(noise[1:] + 0.5 * noise[:-1])["uncorrelated"] < 0.01
    level = np.exp(np.repeat(RANDOM.normal(0.0, 1.0, 50), 30))
    assert residual_tests(noise * level)["no_arch"] < 0.01


def test_too_few_and_constant_residuals_give_nan():
    assert np.isnan(list(residual_tests(np.arange(50.0)).values())).all()
    assert np.isnan(list(residual_tests(np.ones(500)).values())).all()


def test_har_leaves_less_volatility_to_forecast_than_a_fixed_width(board):
    left = {name: correlograms(residuals(board, name, "A"))["acf of size"] for name in ("har", "normal")}
    assert len(left["har"]) == LAGS
    assert np.abs(left["har"]).sum() < np.abs(left["normal"]).sum()
    assert list(residual_table(board, "har").index) == ["A", "B"]


def test_a_decomposition_adds_up_and_finds_the_time_of_day():
    parts = decomposition(made_up(1200), 350)
    np.testing.assert_allclose(parts["value"], parts["trend"] + parts["season"] + parts["rest"])
    shares = explained_shares(parts)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["season"] > 0.05
