from dataclasses import replace

import numpy as np

from include.evaluation.walkforward import make_folds
from research.forecasters.inputs import rival_inputs
from tests.evaluation.fakes import day, frame, history_of, returns

MOVES = returns(1500)
(FOLD,) = make_folds(day(190), day(200), 10)


def history_with(moves):
    """A history whose ranges are only what its closes span, so that upside down it is its mirror image."""
    return history_of(frame(50.0 * np.exp(np.cumsum(moves)), spread=0.0))


def test_signed_inputs_change_their_sign_when_all_prices_go_the_other_way_and_the_others_stay():
    up, down = (rival_inputs(history_with(sign * MOVES), FOLD) for sign in (1.0, -1.0))
    is_signed = up.is_signed
    assert is_signed.sum() == 3
    np.testing.assert_allclose(up.of_bar[1:, is_signed], -down.of_bar[1:, is_signed], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(up.of_bar[1:, ~is_signed], down.of_bar[1:, ~is_signed], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(up.of_path[1:], down.of_path[1:], rtol=1e-6, atol=1e-9)


def test_inputs_are_finite_and_do_not_mind_the_size_of_a_tickers_moves():
    small, large = (rival_inputs(history_with(width * MOVES), FOLD) for width in (1.0, 4.0))
    for table in (small, large):
        assert np.isfinite(table.of_bar).all()
        assert np.isfinite(table.of_path).all()
        assert table.width == table.of_bar.shape[1] + table.of_path.shape[2]
    np.testing.assert_allclose(small.of_bar[50:], large.of_bar[50:], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(4.0 * small.scale[50:], large.scale[50:], rtol=1e-4)


def test_inputs_read_no_later_bar():
    history = history_with(MOVES)
    cut = FOLD.test_rows(history).start + 5
    later = history.closed_at[cut]
    known, all_of_it = (rival_inputs(one, FOLD) for one in (history.until(later), history))
    np.testing.assert_array_equal(known.of_bar, all_of_it.of_bar[:cut])
    np.testing.assert_array_equal(known.scale, all_of_it.scale[:cut])
    assert replace(FOLD, until=later).test_rows(history).stop == cut
