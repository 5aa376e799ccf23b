import numpy as np
import pytest

from include.evaluation.baselines import random_walk_quantiles
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from tests.evaluation.fakes import day, made_up


@pytest.mark.parametrize("hole_ratio", [0.0, 0.002, 0.2])
def test_the_random_walk_at_each_row_equals_that_of_an_hour(hole_ratio):
    history = made_up(1300, hole_ratio=hole_ratio)
    (fold,) = make_folds(day(120), day(180), 60)
    forecasts = random_walk({"TEST": history.until(fold.until)}, fold)["TEST"]
    rows = fold.test_rows(history)
    assert len(forecasts) == rows.stop - rows.start > 100
    for place in range(0, len(forecasts), 17):
        end = rows.start + place + 1
        expected = random_walk_quantiles(history.close[:end], history.bar_number[:end])
        np.testing.assert_allclose(forecasts[place], expected, rtol=1e-9, atol=1e-15)
