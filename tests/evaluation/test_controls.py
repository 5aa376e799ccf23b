"""Controls of the evaluation: no skill without information, and a weak planted signal is found."""

import numpy as np
import pytest

from include.contracts import HORIZON_COUNT
from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.volatility import seasonal_ewma
from research.report.comparison import direction_table, panel_tests
from tests.evaluation.fakes import day, frame, history_of, returns

TICKERS = "ABCDEF"
COUNT = 2200
SINCE, UNTIL = day(190), day(302)
FOLD_DAYS = 28  # fewer refits than with the usual seven days, to be faster


def from_returns(ticker, log_returns):
    return history_of(frame(50.0 * np.exp(np.cumsum(log_returns)), ticker=ticker, spread=1e-5))


def shifted_by(move):
    """HAR's forecast, shifted by ``move(history, rows)`` at every horizon."""

    def forecaster(histories, fold):
        forecasts = har(histories, fold)
        for ticker, history in histories.items():
            forecasts[ticker] = forecasts[ticker] + move(history, fold.test_rows(history))[:, None, None]
        return forecasts

    return forecaster


def test_shuffled_returns_have_no_volatility_to_forecast():
    histories = {}
    for seed, ticker in enumerate(TICKERS):
        shuffled = np.random.default_rng(seed + 100).permutation(returns(COUNT, seed))
        histories[ticker] = from_returns(ticker, shuffled)
    board = evaluate(
        {BASELINE: random_walk, "har": har, "seasonal ewma": seasonal_ewma},
        histories,
        SINCE,
        UNTIL,
        fold_days=FOLD_DAYS,
    )
    for name in ("har", "seasonal ewma"):
        assert np.abs(board.mean_skill(name)).max() < 0.012
        assert not panel_tests(board, name, BASELINE)["is_better"].any()


def test_forecasts_shifted_in_time_have_no_skill():
    histories = {ticker: from_returns(ticker, returns(COUNT, seed)) for seed, ticker in enumerate(TICKERS)}

    def shifted(known, fold):
        return {ticker: np.roll(rows, 24, axis=0) for ticker, rows in har(known, fold).items()}  # 24 is 3 modulo 7

    board = evaluate(
        {BASELINE: random_walk, "har": har, "shifted": shifted}, histories, SINCE, UNTIL, fold_days=FOLD_DAYS
    )
    assert board.mean_skill("har")[0] > 0.05
    assert board.mean_skill("shifted")[0] < 0.0


@pytest.fixture(scope="module")
def planted():
    """Six tickers. A signal that is known one bar before explains a hundredth of the variance of each return."""
    histories, signals = {}, {}
    for seed, ticker in enumerate(TICKERS):
        signal = np.random.default_rng(seed + 50).normal(size=COUNT)
        moves = returns(COUNT, seed, degrees=30, persistence=0.0)
        moves[1:] += 0.12 * 0.003 * signal[:-1]
        histories[ticker], signals[ticker] = from_returns(ticker, moves), signal
    return histories, signals


def test_a_forecaster_with_a_planted_weak_signal_is_significant_and_one_with_an_unrelated_signal_is_not(planted):
    histories, signals = planted
    noise = {ticker: np.random.default_rng(seed).permutation(signals[ticker]) for seed, ticker in enumerate(TICKERS)}
    knowing = shifted_by(lambda history, rows: 0.12 * 0.003 * signals[history.ticker][rows])
    guessing = shifted_by(lambda history, rows: 0.12 * 0.003 * noise[history.ticker][rows])
    forecasters = {BASELINE: random_walk, "har": har, "knowing": knowing, "guessing": guessing}
    board = evaluate(forecasters, histories, SINCE, UNTIL, fold_days=FOLD_DAYS)
    skill = board.mean_skill("knowing", against="har")
    assert skill.shape == (HORIZON_COUNT,)
    assert 0.002 < skill[0] < 0.02
    assert panel_tests(board, "knowing", "har").loc["all", "is_better"]
    assert not panel_tests(board, "guessing", "har").loc["all", "is_better"]
    table = direction_table(board, ["knowing", "guessing"])
    assert table.loc["knowing", "hits_low"] > 0.5
    assert table.loc["knowing", "rank_ic_low"] > 0.0
    assert table.loc["knowing", "cost_bp_low"] > 0.0
    assert table.loc["guessing", "hits_low"] < 0.5
    assert table.loc["guessing", "cost_bp_low"] < 0.0
