from dataclasses import replace

import numpy as np

from include.evaluation.walkforward import make_folds
from research.forecasters.inputs import forecaster_inputs
from tests.evaluation.fakes import day, frame, history_of, returns

MOVES = returns(1500)
(FOLD,) = make_folds(day(190), day(200), 10)


def history_with(moves):
    """A history whose ranges are those of its closes, so that mirrored returns give the mirrored history."""
    return history_of(frame(50.0 * np.exp(np.cumsum(moves)), spread=0.0))


def test_mirroring_all_returns_changes_the_sign_of_signed_inputs_only():
    up, down = (forecaster_inputs(history_with(sign * MOVES), FOLD) for sign in (1.0, -1.0))
    is_signed = up.is_signed
    assert is_signed.sum() == 3
    np.testing.assert_allclose(up.of_bar[1:, is_signed], -down.of_bar[1:, is_signed], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(up.of_bar[1:, ~is_signed], down.of_bar[1:, ~is_signed], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(up.of_path[1:], down.of_path[1:], rtol=1e-6, atol=1e-9)


def test_inputs_are_finite_and_do_not_depend_on_the_size_of_a_tickers_moves():
    small, large = (forecaster_inputs(history_with(width * MOVES), FOLD) for width in (1.0, 4.0))
    for table in (small, large):
        assert np.isfinite(table.of_bar).all()
        assert np.isfinite(table.of_path).all()
        assert table.width == table.of_bar.shape[1] + table.of_path.shape[2]
    np.testing.assert_allclose(small.of_bar[50:], large.of_bar[50:], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(4.0 * small.scale[50:], large.scale[50:], rtol=1e-4)


def test_inputs_use_no_later_bar():
    history = history_with(MOVES)
    cut = FOLD.test_rows(history).start + 5
    later = history.closed_at[cut]
    known, whole = (forecaster_inputs(one, FOLD) for one in (history.until(later), history))
    np.testing.assert_array_equal(known.of_bar, whole.of_bar[:cut])
    np.testing.assert_array_equal(known.scale, whole.scale[:cut])
    assert replace(FOLD, until=later).test_rows(history).stop == cut
