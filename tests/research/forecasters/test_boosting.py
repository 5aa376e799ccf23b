import numpy as np
import pytest

from include.contracts import QUANTILE_LEVELS
from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from research.forecasters import boosting
from research.forecasters.boosting import BoostedQuantiles
from tests.evaluation.fakes import day, made_up

HISTORIES = {name: made_up(1700, seed, name) for seed, name in enumerate("ABC")}
(FOLD,) = make_folds(day(200), day(215), 15)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(boosting, "ROUNDS", 25)
    monkeypatch.setattr(boosting, "TRAINING_ROWS", 12_000)


def test_it_is_close_to_har_or_better_and_never_crosses():
    board = evaluate(
        {BASELINE: random_walk, "har": har, "boosted": BoostedQuantiles()}, HISTORIES, day(200), day(242), fold_days=14
    )
    assert board.mean_skill("boosted")[0] > 0.05
    assert board.mean_skill("boosted", against="har").mean() > -0.01
    for forecasts in board.quantiles["boosted"].values():
        assert (np.diff(forecasts, axis=-1) >= 0.0).all()
        assert (forecasts[..., QUANTILE_LEVELS.index(0.5)] == 0.0).all()


def test_no_later_bar_is_used():
    assert find_leak(BoostedQuantiles(), HISTORIES, FOLD) == []


def test_the_same_seed_gives_the_same_forecast():
    one, two = (BoostedQuantiles(seed=5)(HISTORIES, FOLD)["B"] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_trees_are_kept_between_refits_and_never_used_for_an_earlier_fold(monkeypatch):
    monkeypatch.setattr(boosting, "ROUNDS", 2)
    forecaster = BoostedQuantiles(refit_folds=4)
    folds = make_folds(day(200), day(225), 5)
    grown = []
    for fold in [*folds, folds[0]]:
        forecaster(HISTORIES, fold)
        grown.append(forecaster._boosters)
    assert grown[0] is grown[1] is grown[3]
    assert grown[4] is not grown[3]
    assert grown[5] is not grown[4]
    late, early = make_folds(day(210), day(215), 5)[0], make_folds(day(199), day(213), 7)[1]
    forecaster(HISTORIES, late)
    grown_late = forecaster._boosters
    forecaster(HISTORIES, early)
    assert forecaster._boosters is not grown_late


def test_with_too_small_a_training_set_there_is_no_forecast():
    (first,) = make_folds(day(12), day(14), 5)
    short = {ticker: history.until(first.until) for ticker, history in HISTORIES.items()}
    assert BoostedQuantiles()(short, first) == {}
