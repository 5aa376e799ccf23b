"""Tickers for measurements are as an hour reads them, and copies share no memory."""

import numpy as np

from bench.market import copies, lessons


def test_lessons_have_the_rows_that_were_asked_for_and_copies_their_own_memory():
    (lesson,) = lessons(1, 300, 64)
    assert lesson.arrays.x.shape == (300, lesson.window.shape[1])
    assert lesson.arrays.window_ends[0] == 63
    np.testing.assert_array_equal(lesson.window, lesson.arrays.x[-64:])
    first, second = copies([lesson], 2)
    assert first.arrays.x.tobytes() == second.arrays.x.tobytes() == lesson.arrays.x.tobytes()
    assert not np.shares_memory(first.arrays.x, second.arrays.x)
    assert not np.shares_memory(first.arrays.x, lesson.arrays.x)
