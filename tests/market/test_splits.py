"""Which scale an answer is on."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.contracts import Split
from include.market.splits import Shift, effective_from, factor_of, is_same, net, residual_of, shifts, unify
from tests.support.rows import at, bars

EX_AT = at(5)
TEN = Split("AAPL", EX_AT, 10.0)


def shift(log_ratio: float, overlap_count: int = 30, agreeing_ratio: float = 1.0, spread: float = 0.0) -> Shift:
    """A comparison of stored and given bars; a tenth of the ratios are ``spread`` higher or lower, or more."""
    bounds = (log_ratio - spread, log_ratio + spread)
    return Shift("AAPL", log_ratio, *bounds, overlap_count, agreeing_ratio, EX_AT, has_newer=True)


QUIET = [100.0, 101.0, 100.5, 99.0, 100.0]


def test_bars_that_a_source_left_on_the_old_scale_are_brought_to_the_new_one() -> None:
    late = bars([*QUIET, 10.1, 10.0, 9.9])
    unified = unify(late, [TEN])
    np.testing.assert_allclose(unified["close"], [10.0, 10.1, 10.05, 9.9, 10.0, 10.1, 10.0, 9.9])
    assert unified["volume"].tolist() == [1000.0] * 5 + [100.0] * 3


def test_bars_that_are_adjusted_already_stay_and_so_do_other_tickers() -> None:
    adjusted = bars([value / 10 for value in QUIET] + [10.1, 10.0])
    pd.testing.assert_frame_equal(unify(adjusted, [TEN]), adjusted)
    other = bars([*QUIET, 10.1], ticker="MSFT")
    pd.testing.assert_frame_equal(unify(other, [TEN]), other)


def test_a_bad_price_beside_a_split_does_not_hide_it() -> None:
    late = bars([*QUIET, 10.1, 10.0, 9.9])
    late.loc[4, ["open", "high", "low", "close"]] = 0.0
    late.loc[3, ["open", "high", "low", "close"]] *= 100.0
    assert unify(late, [TEN])["close"].iloc[0] == pytest.approx(10.0)


def test_a_split_outside_of_the_answer_changes_nothing() -> None:
    later = bars(QUIET)
    assert unify(later, [Split("AAPL", at(50), 10.0)]) is later
    assert unify(later, [Split("AAPL", at(-5), 10.0)]) is later


@pytest.mark.parametrize("factor", [2.0, 10.0, 0.1, 1.5, 20.0, 1 / 3])
def test_a_constant_ratio_over_old_bars_is_a_split_by_a_simple_factor(factor: float) -> None:
    found = factor_of(shift(math.log(factor) + 1e-4, 30, 1.0), [])
    assert found == pytest.approx(factor, rel=1e-12)


def test_a_small_shift_is_a_split_only_where_the_source_names_it() -> None:
    size = math.log(1.05)
    assert factor_of(shift(size, 30, 1.0), []) is None
    assert factor_of(shift(size, 30, 1.0), [Split("AAPL", EX_AT, 1.05)]) == 1.05


def test_a_named_split_that_does_not_show_in_the_old_bars_is_none() -> None:
    assert factor_of(shift(0.003, 30, 1.0), [TEN]) is None


def test_far_off_bars_that_do_not_agree_make_no_sense_and_near_ones_are_revisions() -> None:
    assert math.isnan(factor_of(shift(math.log(7), 30, 0.4), []) or 0.0)
    assert math.isnan(factor_of(shift(math.log(2), 2, 1.0), []) or 0.0)
    assert factor_of(shift(0.01, 30, 0.4), []) is None


def test_an_odd_ratio_is_kept_as_it_is() -> None:
    assert factor_of(shift(0.7, 30, 1.0), []) == pytest.approx(math.exp(0.7), rel=0.003)


def test_splits_at_one_instant_are_one_and_those_that_cancel_are_none() -> None:
    two = Split("AAPL", EX_AT, 2.0)
    assert net([TEN, two]) == [Split("AAPL", EX_AT, 20.0)]
    assert net([TEN, Split("AAPL", EX_AT, 0.1), Split("AAPL", at(1), 2.0)]) == [Split("AAPL", at(1), 2.0)]
    assert net([TEN, Split("MSFT", EX_AT, 0.1)]) == [TEN, Split("MSFT", EX_AT, 0.1)]
    assert net([]) == []


@pytest.mark.parametrize("revised", [0.0025, -0.0025, 0.01])
def test_an_announced_split_is_its_factor_exactly_where_the_bars_were_revised_too(revised: float) -> None:
    four = Split("AAPL", EX_AT, 4.0)
    found = shift(math.log(4.0) + revised, 30, 0.5, spread=0.01)
    assert factor_of(found, [four]) == 4.0
    assert residual_of(found, 4.0) is None
    assert residual_of(shift(math.log(4.0) + revised), 4.0) == pytest.approx(revised)
    assert residual_of(shift(0.001), None) is None


def test_of_two_announced_splits_the_nearer_one_or_both_are_the_factor_unless_none_is_clear() -> None:
    four, two = Split("AAPL", EX_AT, 4.0), Split("AAPL", at(1), 2.0)
    assert factor_of(shift(math.log(4.0) + 0.01), [four, two]) == 4.0
    assert factor_of(shift(math.log(8.0) + 0.01), [four, two]) == 8.0
    assert factor_of(shift(math.log(2.0) - 0.01), [four, two]) == 2.0
    between = shift(math.log(2.0 * math.sqrt(2.0)), 30, 0.3)
    assert math.isnan(factor_of(between, [four, two]) or 0.0)


def test_a_split_takes_effect_when_its_source_says_or_else_with_the_first_new_bar() -> None:
    otherwise = datetime(2026, 1, 5, tzinfo=UTC)
    assert effective_from("AAPL", 10.0, [TEN, Split("AAPL", at(1), 2.0)], otherwise) == (EX_AT, True)
    assert effective_from("AAPL", 3.0, [TEN], otherwise) == (otherwise, False)
    assert effective_from("MSFT", 10.0, [TEN], otherwise) == (otherwise, False)
    assert is_same(TEN, Split("AAPL", EX_AT + timedelta(days=1), 10.0))


@pytest.mark.parametrize("price", [math.inf, 0.0, -3.0, math.nan])
def test_prices_that_the_quality_checks_reject_later_are_not_compared(price: float) -> None:
    stored = bars([100.0] * 10)
    given = stored.assign(close=stored["close"] / 2)
    given.loc[3, "close"] = price
    (found,) = shifts(stored, given, {})
    assert found.log_ratio == pytest.approx(math.log(2))
    assert found.overlap_count == 9
