import numpy as np
import pytest

from include.evaluation.baselines import random_walk_quantiles
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from tests.evaluation.fakes import day, made_up


@pytest.mark.parametrize("hole_ratio", [0.0, 0.002, 0.2])
def test_the_walk_at_every_row_is_what_the_product_stores_at_that_hour(hole_ratio):
    history = made_up(1300, hole_ratio=hole_ratio)
    (fold,) = make_folds(day(120), day(180), 60)
    answers = random_walk({"TEST": history.until(fold.until)}, fold)["TEST"]
    rows = fold.test_rows(history)
    assert len(answers) == rows.stop - rows.start > 100
    for place in range(0, len(answers), 17):
        end = rows.start + place + 1
        expected = random_walk_quantiles(history.close[:end], history.bar_number[:end])
        np.testing.assert_allclose(answers[place], expected, rtol=1e-9, atol=1e-15)
