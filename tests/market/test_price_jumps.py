"""A bad tick is told from a crash by what comes after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.market.price_jumps import STEP, WICK, implausible_bars

RECORDED_DIR = Path(__file__).resolve().parents[3] / "shared" / "bars" / "hourly"
WEEK_BARS = 35


def bars_of(closes: list[float]) -> pd.DataFrame:
    close = np.array(closes)
    opened = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) * 1.001,
            "low": np.minimum(opened, close) * 0.999,
            "close": close,
        }
    )


def quiet(count: int, level: float = 100.0) -> list[float]:
    return [level * (1 + 0.001 * (-1) ** place) for place in range(count)]


def found(bars: pd.DataFrame) -> dict[int, str]:
    reasons, _ = implausible_bars(bars)
    return reasons[reasons != ""].to_dict()


def test_quiet_bars_a_single_one_and_none_pass() -> None:
    assert found(bars_of(quiet(20))) == {}
    assert found(bars_of([100.0])) == {}
    assert found(bars_of([])) == {}
    assert found(bars_of([100.0] * 9)) == {}


@pytest.mark.parametrize("factor", [100.0, 0.01, 10.0, 2.0])
@pytest.mark.parametrize("place", [0, 1, 7, 18])
def test_a_bar_whose_neighbours_know_nothing_of_its_level_is_a_bad_tick(factor: float, place: int) -> None:
    bars = bars_of(quiet(20))
    bars.loc[place] *= factor
    assert found(bars) == {place: STEP}


def test_a_crash_that_lasts_is_believed_and_so_is_its_recovery() -> None:
    closes = [*quiet(10), *quiet(10, 20.0), *quiet(10, 100.0)]
    assert found(bars_of(closes)) == {}


def test_the_newest_bar_waits_until_the_next_one_confirms_its_crash() -> None:
    crashed = [*quiet(10), 30.0]
    assert found(bars_of(crashed)) == {10: STEP}
    assert found(bars_of([*crashed, 31.0])) == {}
    assert found(bars_of([*crashed, 99.0])) == {10: STEP, 11: STEP}  # opened at 30 as well


def test_a_loss_of_a_third_in_an_hour_is_believed_at_once() -> None:
    assert found(bars_of([*quiet(10), 67.0])) == {}


def test_a_wick_far_from_a_quiet_body_is_a_bad_tick() -> None:
    bars = bars_of(quiet(20))
    bars.loc[5, "high"] = 300.0
    bars.loc[9, "low"] = 1.0
    assert found(bars) == {5: WICK, 9: WICK}


def test_wild_prices_are_allowed_more() -> None:
    steps = np.where(np.arange(40) % 2 == 0, 0.01, -0.01)
    closes = 100 * np.exp(np.cumsum(steps))
    closes[20:] *= 2.5  # nothing returns to where it was, and nothing waits
    assert found(bars_of(list(closes[:21]))) == {}
    assert found(bars_of([*quiet(20), 250.0])) == {20: STEP}


def confirmed(bars: pd.DataFrame) -> dict[int, int]:
    """Place of each bar that is believed because of a later one -> place of that one."""
    reasons, places = implausible_bars(bars)
    return {place: int(by) for place, by in enumerate(places) if by != place and reasons[place] == ""}


def test_a_bar_that_later_ones_confirm_says_which_and_what_volatility_allows_waits_for_none() -> None:
    assert confirmed(bars_of([*quiet(40), 30.0, 31.0, 30.5])) == {40: 41}
    assert confirmed(bars_of([*quiet(40), *quiet(5, 67.0)])) == {}
    assert confirmed(bars_of(quiet(40))) == {}


def test_a_bad_tick_right_after_a_crash_delays_its_confirmation_by_what_it_takes() -> None:
    bars = bars_of([*quiet(40), 30.0, 30.1, 30.0, 30.1, 30.0])
    bars.loc[41, ["open", "high", "low", "close"]] *= 100
    assert found(bars) == {41: STEP}
    assert confirmed(bars) == {40: 43, 42: 43}


def test_bars_at_the_start_that_judge_each_other_wait_for_the_last_of_them() -> None:
    bars = bars_of(quiet(40))
    bars.loc[0] *= 2.0
    assert found(bars) == {0: STEP}
    assert confirmed(bars) == dict.fromkeys(range(1, 35), 35)


@given(
    seed=st.integers(0, 10_000),
    moves=st.lists(st.tuples(st.integers(36, 80), st.sampled_from([0.02, 0.3, 0.6, 1.6, 2.5, 50.0])), max_size=6),
    lasting=st.booleans(),
    cut=st.integers(37, 80),
)
@settings(max_examples=150, deadline=None)
def test_what_is_believed_by_an_instant_does_not_change_with_what_comes_after_it(
    seed: int, moves: list[tuple[int, float]], lasting: bool, cut: int
) -> None:
    steps = np.random.default_rng(seed).normal(0.0, 0.004, 80)
    bars = bars_of(list(100 * np.exp(np.cumsum(steps))))
    for place, factor in moves:
        bars.loc[place : None if lasting else place] *= factor
    whole, places = implausible_bars(bars)
    known = [place for place in range(cut) if whole[place] == "" and places[place] < cut]
    then, _ = implausible_bars(bars.iloc[:cut])
    assert known == np.flatnonzero(then == "").tolist()


@pytest.mark.skipif(not RECORDED_DIR.is_dir(), reason="the recorded bars are not part of the project")
def test_no_recorded_bar_is_refused_neither_alone_nor_in_a_weeks_answer() -> None:
    refused = {}
    for path in sorted(RECORDED_DIR.glob("*.parquet")):
        bars = pd.read_parquet(path)
        answers = [bars, *(bars.iloc[first : first + WEEK_BARS] for first in range(0, len(bars), WEEK_BARS // 2))]
        refused[path.stem] = sum(int((implausible_bars(answer)[0] != "").sum()) for answer in answers)
    assert sum(refused.values()) == 0, refused
