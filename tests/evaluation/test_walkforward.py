from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import HORIZON_COUNT
from include.errors import DataContractError
from include.evaluation.walkforward import instant, make_folds
from tests.evaluation.fakes import day, made_up

HISTORY = made_up(1200, hole_ratio=0.05)


@given(days=st.integers(1, 90), fold_days=st.integers(1, 31), embargo=st.integers(0, 96), hours=st.integers(0, 23))
@settings(max_examples=60, deadline=None)
def test_folds_fill_the_period_in_order_without_overlap_and_keep_the_gap(days, fold_days, embargo, hours):
    since, until = day(60), day(60 + days) + timedelta(hours=hours)
    folds = make_folds(since, until, fold_days, embargo)
    assert (folds[0].since, folds[-1].until) == (instant(since), instant(until))
    assert [fold.index for fold in folds] == list(range(len(folds)))
    for fold in folds:
        assert fold.since < fold.until
        assert fold.since - fold.cutoff == np.timedelta64(embargo, "h")
    for earlier, later in pairwise(folds):
        assert earlier.until == later.since
        assert earlier.until - earlier.since == np.timedelta64(fold_days, "D")


@given(start=st.integers(10, 120), fold_days=st.integers(1, 20), embargo=st.integers(0, 72))
@settings(max_examples=40, deadline=None)
def test_training_targets_closed_by_the_cutoff_and_each_row_is_tested_in_one_fold(start, fold_days, embargo):
    folds = make_folds(day(start), day(start + 40), fold_days, embargo)
    tested = []
    for fold in folds:
        rows = fold.test_rows(HISTORY)
        mask = fold.training_mask(HISTORY)
        tested += range(rows.start, rows.stop)
        assert not mask[rows].any()
        assert (HISTORY.target_at[mask] <= fold.cutoff).all()
        assert (HISTORY.target_at[mask] <= fold.since - np.timedelta64(embargo, "h")).all()
        assert np.isfinite(HISTORY.outcome[mask]).all()
    inside = (HISTORY.closed_at >= folds[0].since) & (HISTORY.closed_at < folds[-1].until)
    assert tested == np.flatnonzero(inside).tolist()


def test_longer_horizons_are_purged_further_back():
    (fold,) = make_folds(day(30), day(31), 7, 0)
    newest = [int(np.flatnonzero(column).max()) for column in fold.training_mask(HISTORY).T]
    assert newest == sorted(newest, reverse=True)
    assert newest[0] - newest[-1] >= HORIZON_COUNT - 2


@pytest.mark.parametrize(("days", "fold_days", "embargo"), [(0, 7, 0), (-1, 7, 0), (5, 0, 0), (5, 7, -1)])
def test_periods_that_cannot_be_cut_into_folds_are_refused(days, fold_days, embargo):
    with pytest.raises(DataContractError, match="cannot be cut into folds"):
        make_folds(day(10), day(10 + days), fold_days, embargo)


def test_a_naive_datetime_is_refused():
    with pytest.raises(DataContractError, match="time zone"):
        make_folds(datetime(2024, 1, 1), day(10))  # noqa: DTZ001  # the naive datetime is under test
