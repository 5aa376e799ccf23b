"""The tickers of the measurements have the arrays of an hour, and copies share no memory."""

import numpy as np

from bench.market import copies, ticker_arrays


def test_ticker_arrays_have_the_given_number_of_rows_and_copies_share_no_memory():
    (arrays,) = ticker_arrays(1, 300, 64)
    assert arrays.training.x.shape == (300, arrays.window.shape[1])
    assert arrays.training.window_ends[0] == 63
    np.testing.assert_array_equal(arrays.window, arrays.training.x[-64:])
    first, second = copies([arrays], 2)
    assert first.training.x.tobytes() == second.training.x.tobytes() == arrays.training.x.tobytes()
    assert not np.shares_memory(first.training.x, second.training.x)
    assert not np.shares_memory(first.training.x, arrays.training.x)
