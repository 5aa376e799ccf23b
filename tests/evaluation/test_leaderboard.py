import numpy as np
import pytest
from scipy import stats

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.errors import DataContractError
from include.evaluation import metrics
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from tests.evaluation.fakes import day, made_up

HISTORIES = {"AAA": made_up(1500, 1, "AAA"), "BBB": made_up(1400, 2, "BBB", "crypto", hole_ratio=0.02)}
SINCE, UNTIL = day(150), day(190)
SHAPE = stats.t.ppf(QUANTILE_LEVELS, 5)


def fan(width):
    """A forecaster with a fixed width."""
    roots = np.sqrt(np.arange(1, HORIZON_COUNT + 1))

    def forecaster(histories, fold):
        forecasts = {}
        for ticker, history in histories.items():
            rows = fold.test_rows(history)
            forecasts[ticker] = np.tile(width * roots[:, None] * SHAPE, (rows.stop - rows.start, 1, 1))
        return forecasts

    return forecaster


@pytest.fixture(scope="module")
def board():
    return evaluate({BASELINE: random_walk, "fan": fan(0.003), "wide": fan(0.3)}, HISTORIES, SINCE, UNTIL)


def test_every_bar_of_the_period_is_scored_once_and_in_order(board):
    for ticker, rows in board.rows.items():
        closed_at = HISTORIES[ticker].closed_at
        inside = (closed_at >= np.datetime64(SINCE.replace(tzinfo=None))) & (
            closed_at < np.datetime64(UNTIL.replace(tzinfo=None))
        )
        np.testing.assert_array_equal(rows.anchored_at, closed_at[inside])
        np.testing.assert_array_equal(rows.outcome, HISTORIES[ticker].outcome[inside])
        assert board.quantiles["fan"][ticker].shape == (inside.sum(), HORIZON_COUNT, len(QUANTILE_LEVELS))


def test_losses_skills_and_coverage_are_those_of_the_metrics(board):
    rows, forecasts = board.rows["AAA"], board.quantiles["fan"]["AAA"]
    np.testing.assert_array_equal(board.losses["fan"]["AAA"], metrics.crps(rows.outcome, forecasts))
    loss, walk = board.losses["fan"]["AAA"][:, 2], board.losses[BASELINE]["AAA"][:, 2]
    assert board.skill("fan", 3)["AAA"] == pytest.approx(metrics.skill(loss, walk))
    assert board.mean_skill("fan")[2] == pytest.approx(board.skill("fan", 3).mean())
    assert board.coverage("fan", 80, 2)["AAA"] == metrics.coverage(rows.outcome[:, 1], forecasts[:, 1], 80)


def test_the_table_is_sorted_by_skill_and_the_baselines_skill_is_0(board):
    table = board.table().set_index("forecaster")
    assert list(table["skill_mean"]) == sorted(table["skill_mean"], reverse=True)
    assert table.loc[BASELINE, "skill_1"] == 0.0
    assert table.index[-1] == "wide"
    assert table.loc["wide", "coverage_95"] == 1.0
    assert (table["forecast_ratio"] == 1.0).all()
    assert board.table(against="wide").set_index("forecaster").loc["fan", "skill_1"] > 0.9


def test_markets_are_reported_separately(board):
    parts = board.by_market("fan")
    assert sorted(parts.index) == ["crypto", "equity"]
    assert parts.loc["crypto", "skill_1"] == pytest.approx(board.skill("fan", 1)["BBB"])


def test_each_volatility_tercile_holds_a_third(board):
    for rows in board.rows.values():
        shares = np.bincount(rows.tercile.astype(int), minlength=3) / len(rows.tercile)
        np.testing.assert_allclose(shares, 1.0 / 3.0, atol=0.02)


def test_a_ticker_without_forecasts_has_a_skill_of_nan():
    def half(histories, fold):
        return {ticker: quantiles for ticker, quantiles in fan(0.003)(histories, fold).items() if ticker == "AAA"}

    board = evaluate({BASELINE: random_walk, "half": half}, HISTORIES, SINCE, UNTIL)
    assert np.isnan(board.skill("half", 1)["BBB"])
    assert 0.4 < board.table().set_index("forecaster").loc["half", "forecast_ratio"] < 0.6


def test_forecasters_get_no_bar_or_outcome_from_the_folds_end_on():
    seen = []

    def spy(histories, fold):
        seen.append((fold, histories))
        return {}

    evaluate({BASELINE: spy}, HISTORIES, SINCE, UNTIL)
    assert len(seen) == 6
    for fold, histories in seen:
        for history in histories.values():
            assert history.closed_at.max() < fold.until
            assert (history.target_at[np.isfinite(history.outcome)] < fold.until).all()


def crossed(histories, fold):
    return {ticker: quantiles[..., ::-1] for ticker, quantiles in fan(0.003)(histories, fold).items()}


def short(histories, fold):
    return {ticker: quantiles[1:] for ticker, quantiles in fan(0.003)(histories, fold).items()}


@pytest.mark.parametrize("broken", [crossed, short, fan(np.inf)])
def test_crossed_infinite_and_missing_quantiles_are_refused(broken):
    with np.errstate(invalid="ignore"), pytest.raises(DataContractError, match="broken returned invalid"):
        evaluate({BASELINE: random_walk, "broken": broken}, HISTORIES, SINCE, UNTIL)


def test_a_baseline_that_is_not_among_the_forecasters_is_refused():
    with pytest.raises(DataContractError, match="among the forecasters"):
        evaluate({"fan": fan(0.003)}, HISTORIES, SINCE, UNTIL)


def test_find_leak_finds_a_forecaster_that_uses_later_bars_and_no_other():
    def cheat(histories, fold):
        forecasts = random_walk(histories, fold)
        rows = fold.test_rows(histories["BBB"])
        forecasts["BBB"] = forecasts["BBB"] + 1e-3 * np.nan_to_num(histories["BBB"].outcome[rows])[..., None]
        return forecasts

    (fold,) = make_folds(SINCE, UNTIL, 60)
    assert find_leak(random_walk, HISTORIES, fold) == []
    assert find_leak(cheat, HISTORIES, fold) == ["BBB"]
