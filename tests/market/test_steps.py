"""A bad tick is told from a crash by what comes after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.market.steps import STEP, WICK, implausible_bars

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
    reasons = implausible_bars(bars)
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


@pytest.mark.skipif(not RECORDED_DIR.is_dir(), reason="the recorded bars are not part of the project")
def test_no_recorded_bar_is_refused_neither_alone_nor_in_a_weeks_answer() -> None:
    refused = {}
    for path in sorted(RECORDED_DIR.glob("*.parquet")):
        bars = pd.read_parquet(path)
        answers = [bars, *(bars.iloc[first : first + WEEK_BARS] for first in range(0, len(bars), WEEK_BARS // 2))]
        refused[path.stem] = sum(int((implausible_bars(answer) != "").sum()) for answer in answers)
    assert sum(refused.values()) == 0, refused
