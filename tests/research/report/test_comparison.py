import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation import metrics
from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from research.report import comparison
from research.report.significance import diebold_mariano
from tests.evaluation.fakes import day, made_up

HISTORIES = {
    name: made_up(1700, seed, name, "crypto" if name == "E" else "equity") for seed, name in enumerate("ABCDE")
}


def shifted(histories, fold):
    """HAR, shifted by noise."""
    noise = np.random.default_rng(fold.index)
    return {
        ticker: quantiles + 1e-3 * noise.normal(size=(len(quantiles), 1, 1))
        for ticker, quantiles in har(histories, fold).items()
    }


@pytest.fixture(scope="module")
def board():
    return evaluate({BASELINE: random_walk, "har": har, "shifted": shifted}, HISTORIES, day(190), day(240))


def test_ticker_tests_are_those_of_the_losses(board):
    tests = comparison.ticker_tests(board, "har", BASELINE, 2)
    one = diebold_mariano(board.losses["har"]["B"][:, 1], board.losses[BASELINE]["B"][:, 1], 2)
    assert tests.loc["B", "p_value"] == one.p_value
    assert tests.loc["B", "skill"] == board.skill("har", 2)["B"]


def test_a_volatility_forecaster_is_significantly_better_in_the_panel(board):
    tests = comparison.panel_tests(board, "har", BASELINE)
    assert list(tests["tickers"]) == [5, 4, 1]
    assert tests.loc["all", "is_better"]
    verdict = comparison.verdicts(board, BASELINE)
    assert set(verdict.index) == {"har", "shifted"}
    assert verdict.loc["har", "better"] >= 4
    assert verdict.loc["har", "worse"] == 0
    assert verdict.loc["har", "skill_1"] == pytest.approx(board.mean_skill("har")[0])


def test_coverage_by_group_averages_tickers(board):
    table = comparison.group_coverage(board, "har")
    assert list(table.index) == ["all", "calm", "middle", "wild", "overnight"]
    for interval in metrics.INTERVAL_COLUMNS:
        assert table.loc["all", interval] == pytest.approx(board.coverage("har", interval).mean())


def test_pit_bins_and_level_losses_have_their_shapes_and_sizes(board):
    bins = comparison.pit_by_bin(board, "har")
    assert bins.shape == (len(QUANTILE_LEVELS) + 1,)
    widths = np.diff([0.0, *QUANTILE_LEVELS, 1.0])
    assert float(bins @ widths) == pytest.approx(1.0)
    losses = comparison.level_losses(board, "har")
    assert losses.shape == (HORIZON_COUNT, len(QUANTILE_LEVELS))
    naive = np.mean(
        [
            np.nanmean(metrics.pinball_loss(rows.outcome[:, 3], board.quantiles["har"][ticker][:, 3])[:, 2])
            for ticker, rows in board.rows.items()
        ]
    )
    assert losses[3, 2] == pytest.approx(naive * 1e4)


def test_the_error_ratio_of_a_median_at_the_last_close_is_1_and_of_a_noisy_one_more(board):
    np.testing.assert_allclose(comparison.median_errors(board, "har"), 1.0)
    assert (comparison.median_errors(board, "shifted") > 1.0).all()


def test_noise_has_no_skill_in_direction(board):
    table = comparison.direction_table(board)
    assert list(table.index) == board.names
    row = table.loc["shifted"]
    assert row["hits"] == pytest.approx(0.5, abs=0.04)
    assert row["hits_low"] < row["hits"] < row["hits_high"]
    assert row["cost_bp_low"] <= 0.0 <= row["cost_bp_high"]
    assert row["rank_ic_low"] <= row["rank_ic"] <= row["rank_ic_high"]
