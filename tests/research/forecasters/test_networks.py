import pytest

from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from research.forecasters.networks import NetworkForecaster
from research.forecasters.recurrent import LSTM, TCN, RivalConfig
from tests.evaluation.fakes import day, made_up

HISTORIES = {name: made_up(1500, seed, name) for seed, name in enumerate("ABC")}
(FOLD,) = make_folds(day(190), day(200), 10)


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_a_small_network_stays_close_to_har_beats_the_random_walk_and_reads_no_later_bar(kind):
    config = RivalConfig(kind, steps=30, batch_windows=64, width=16)
    forecasters = {BASELINE: random_walk, "har": har, "network": NetworkForecaster(config)}
    board = evaluate(forecasters, HISTORIES, day(180), day(208), fold_days=14)
    assert board.mean_skill("network")[0] > 0.03
    assert abs(board.mean_skill("network", against="har").mean()) < 0.02
    assert find_leak(NetworkForecaster(RivalConfig(kind, steps=3)), HISTORIES, FOLD) == []


def test_without_history_there_is_no_answer():
    (first,) = make_folds(day(1), day(2), 5)
    assert NetworkForecaster(RivalConfig())({"A": HISTORIES["A"].until(first.until)}, first) == {}
