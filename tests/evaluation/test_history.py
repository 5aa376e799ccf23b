import numpy as np
import pytest

from include.contracts import HORIZON_COUNT
from include.errors import DataContractError
from include.evaluation.history import make_history
from tests.evaluation.fakes import frame, history_of, made_up


def test_outcomes_are_log_returns_to_the_bar_h_numbers_later():
    history = made_up(400, hole_ratio=0.2)
    place = {number: row for row, number in enumerate(history.bar_number)}
    for row in range(0, len(history), 7):
        for horizon in range(1, HORIZON_COUNT + 1):
            target = place.get(history.bar_number[row] + horizon)
            if target is None:
                assert np.isnan(history.outcome[row, horizon - 1])
                assert np.isnat(history.target_at[row, horizon - 1])
            else:
                naive = np.log(history.close[target] / history.close[row])
                assert history.outcome[row, horizon - 1] == pytest.approx(naive, abs=1e-15)
                assert history.target_at[row, horizon - 1] == history.closed_at[target]


def test_until_removes_later_bars_and_outcomes_that_were_not_known_yet():
    history = made_up(300)
    instant = history.closed_at[200]
    known = history.until(instant)
    assert len(known) == len(known.bars) == 200
    for horizon in range(1, HORIZON_COUNT + 1):
        np.testing.assert_array_equal(np.isnan(known.outcome[:, horizon - 1]), np.arange(200) >= 200 - horizon)
    rebuilt = history_of(history.bars.iloc[:200])
    np.testing.assert_array_equal(known.outcome, rebuilt.outcome)
    np.testing.assert_array_equal(known.target_at, rebuilt.target_at)


def test_true_range_and_return_look_back_one_bar():
    history = made_up(50)
    assert history.log_return[0] == 0.0
    for row in range(1, 50):
        high, low = max(history.high[row], history.close[row - 1]), min(history.low[row], history.close[row - 1])
        assert history.true_range[row] == pytest.approx(np.log(high / low), rel=1e-12)
    assert history.session_bars == 7.0


def test_a_path_crosses_a_gap_from_the_first_bar_after_it_on():
    history = made_up(30)
    assert history.has_gap[0].tolist() == [False] * 6 + [True]
    assert history.has_gap[6].tolist() == [True] * 7


def test_a_history_can_be_empty():
    empty = made_up(20).until(np.datetime64("2020-01-01", "us"))
    assert len(empty) == 0
    assert empty.outcome.shape == (0, HORIZON_COUNT)


def test_bars_out_of_order_and_arrays_that_do_not_fit_are_refused():
    bars = frame(np.full(20, 5.0))
    with pytest.raises(DataContractError, match="in order"):
        history_of(bars.iloc[::-1].reset_index(drop=True))
    with pytest.raises(DataContractError, match="fit"):
        make_history(bars, "equity", np.zeros(19, np.int64), np.zeros((20, 7), np.int64), np.zeros((20, 7), bool))
