"""Steps in a ticker's bars: a change of scale, a price move, or in doubt."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.contracts import PRICE_COLUMNS, Split
from include.market.scale_steps import PAST_BARS, ScaleStep, Verdict, find_steps

RECORDED_DIR = Path(__file__).resolve().parents[3] / "shared" / "bars" / "hourly"
FIRST = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SESSION_BARS = 7
STEP_AT = 6 * SESSION_BARS
"""Place of the first bar after a step at an opening, with six sessions before it."""


def session_bars(count: int = 80, seed: int = 0, volatility: float = 0.004) -> pd.DataFrame:
    """Bars of sessions of seven hours: wide bars and a gap at each opening, volumes with noise."""
    random = np.random.default_rng(seed)
    numbers = np.arange(count)
    is_opening = numbers % SESSION_BARS == 0
    opened_at = [FIRST + timedelta(days=int(n // SESSION_BARS), hours=int(n % SESSION_BARS)) for n in numbers]
    gaps = np.where(is_opening, 2 * volatility * random.standard_normal(count), 0.0)
    moves = volatility * random.standard_normal(count)
    close = math.log(100.0) + np.cumsum(gaps + moves)
    open_ = close - moves
    reach = volatility * np.where(is_opening, 1.2, 0.5) * np.exp(0.3 * random.standard_normal(count))
    volume = 1e5 * np.where(is_opening, 2.0, 1.0) * np.exp(0.4 * random.standard_normal(count))
    return pd.DataFrame(
        {
            "ticker": "AAPL",
            "opened_at": pd.DatetimeIndex(opened_at).as_unit("us"),
            "closed_at": pd.DatetimeIndex(opened_at).as_unit("us") + pd.Timedelta("1h"),
            "open": np.exp(open_),
            "high": np.exp(np.maximum(open_, close) + reach),
            "low": np.exp(np.minimum(open_, close) - reach),
            "close": np.exp(close),
            "volume": volume,
        }
    )


def split_at(bars: pd.DataFrame, place: int, factor: float, *, is_volume_scaled: bool = True) -> pd.DataFrame:
    """The bars with a change of scale before this one: prices are divided by the factor from it on."""
    changed = bars.copy()
    later = changed.index >= place
    changed.loc[later, list(PRICE_COLUMNS)] /= factor
    changed.loc[later, "volume"] *= factor if is_volume_scaled else 1.0
    return changed


def stretched(bars: pd.DataFrame, places: range, ratio: float) -> pd.DataFrame:
    """The bars as after news: so many times the range and the volume."""
    changed = bars.copy()
    rows = changed.index.isin(places)
    middle = np.sqrt(changed.loc[rows, "open"] * changed.loc[rows, "close"])
    for column in ("high", "low"):
        changed.loc[rows, column] = middle * (changed.loc[rows, column] / middle) ** ratio
    changed.loc[rows, "volume"] *= ratio
    return changed


def only_step(bars: pd.DataFrame, announced: tuple[Split, ...] = ()) -> ScaleStep:
    (step,) = find_steps(bars, announced)
    return step


def test_ordinary_bars_have_no_steps() -> None:
    assert find_steps(session_bars(400, seed=3)) == []
    assert find_steps(session_bars(1)) == []
    assert find_steps(session_bars().iloc[:0]) == []


@pytest.mark.parametrize("factor", [2.0, 0.5, 4.0, 0.25, 10.0, 0.1, 1 / 50])
@pytest.mark.parametrize("place", [STEP_AT, STEP_AT + 3])
def test_a_step_by_the_factor_of_a_split_with_ordinary_bars_around_it_is_a_change_of_scale(
    factor: float, place: int
) -> None:
    bars = split_at(session_bars(), place, factor)
    step = only_step(bars)
    assert (step.verdict, step.factor, step.is_volume_scaled, step.is_mixed) == (Verdict.SCALE, factor, True, False)
    assert step.opened_at == bars["opened_at"][place]


@pytest.mark.parametrize("factor", [100.0, 0.01, 1000.0, 0.001])
def test_a_change_of_unit_leaves_the_volumes(factor: float) -> None:
    step = only_step(split_at(session_bars(), STEP_AT, factor, is_volume_scaled=False))
    assert (step.verdict, step.factor, step.is_volume_scaled) == (Verdict.SCALE, factor, False)


def test_a_reverse_split_of_100_and_a_change_of_unit_are_told_apart_by_the_volume() -> None:
    step = only_step(split_at(session_bars(), STEP_AT, 0.01))
    assert (step.factor, step.is_volume_scaled) == (0.01, True)


def test_a_single_bar_after_a_step_is_not_enough_and_the_second_settles_it() -> None:
    bars = split_at(session_bars(), STEP_AT, 4.0)
    first = only_step(bars.iloc[: STEP_AT + 1])
    assert (first.verdict, first.evidence.bar_count) == (Verdict.UNCLEAR, 1)
    second = only_step(bars.iloc[: STEP_AT + 2])
    assert (second.verdict, second.known_at) == (Verdict.SCALE, bars["closed_at"][STEP_AT + 1])
    # bars that come later change nothing of it
    assert only_step(bars) == second


def test_a_move_with_wide_bars_and_high_volume_is_a_move_however_clean_its_factor() -> None:
    bars = stretched(split_at(session_bars(), STEP_AT, 2.0, is_volume_scaled=False), range(STEP_AT, STEP_AT + 5), 10.0)
    assert only_step(bars).verdict is Verdict.MOVE


def test_a_halving_with_bars_somewhat_wider_than_usual_is_in_doubt() -> None:
    bars = stretched(split_at(session_bars(), STEP_AT, 2.0, is_volume_scaled=False), range(STEP_AT, STEP_AT + 5), 3.0)
    step = only_step(bars)
    assert (step.verdict, step.factor) == (Verdict.UNCLEAR, 2.0)


def test_a_fall_of_40_percent_is_no_clean_factor_and_stays_a_move() -> None:
    for seed in range(20):
        bars = split_at(session_bars(seed=seed), STEP_AT, 1 / 0.6, is_volume_scaled=False)
        assert only_step(bars).verdict is Verdict.MOVE
        assert only_step(stretched(bars, range(STEP_AT, STEP_AT + 5), 5.0)).verdict is Verdict.MOVE


def test_an_announced_split_needs_little_other_evidence() -> None:
    bars = split_at(session_bars(), STEP_AT, 1.6)
    assert only_step(bars).verdict is not Verdict.SCALE
    split = Split("AAPL", bars["opened_at"][STEP_AT], 1.6)
    assert only_step(bars, (split,)).verdict is Verdict.SCALE
    other = Split("MSFT", bars["opened_at"][STEP_AT], 1.6)
    assert only_step(bars, (other,)).verdict is not Verdict.SCALE


def test_a_step_within_a_bar_is_found_if_no_price_moves_so_far_in_an_hour() -> None:
    bars = split_at(session_bars(), STEP_AT + 3, 100.0, is_volume_scaled=False)
    bars.loc[STEP_AT + 2, ["close", "low"]] /= 100.0
    step = only_step(bars)
    assert (step.verdict, step.is_mixed, step.factor) == (Verdict.SCALE, True, 100.0)
    assert step.opened_at == bars["opened_at"][STEP_AT + 2]
    halved = split_at(session_bars(), STEP_AT + 3, 2.0)
    halved.loc[STEP_AT + 2, ["close", "low"]] /= 2.0
    assert find_steps(halved) == []


def test_a_switch_that_switches_back_is_two_changes_of_scale_that_cancel() -> None:
    bars = split_at(
        split_at(session_bars(), STEP_AT, 100.0, is_volume_scaled=False), STEP_AT + 5, 0.01, is_volume_scaled=False
    )
    there, back = find_steps(bars)
    assert (there.verdict, back.verdict) == (Verdict.SCALE, Verdict.SCALE)
    assert there.factor * back.factor == pytest.approx(1.0, abs=1e-15)


def test_a_share_of_a_few_ticks_moves_in_leaps_and_that_is_no_split() -> None:
    bars = session_bars()
    closes = 0.01 * np.where(np.arange(len(bars)) % 2, 1.0, 2.0)
    bars[list(PRICE_COLUMNS)] = np.repeat(closes[:, None], 4, axis=1)
    assert all(step.verdict is Verdict.MOVE for step in find_steps(bars))


def test_unknown_volumes_and_ranges_of_nothing_are_no_evidence() -> None:
    bars = split_at(session_bars(), STEP_AT, 10.0)
    bars["volume"] = np.nan
    bars["high"] = bars[["open", "close"]].max(axis=1)
    bars["low"] = bars[["open", "close"]].min(axis=1)
    step = only_step(bars)
    assert (step.verdict, step.evidence.volume_ratio) == (Verdict.SCALE, None)
    flat = bars.assign(open=bars["close"], high=bars["close"], low=bars["close"])
    assert only_step(flat).evidence.range_ratio is None


def test_a_young_series_has_too_few_bars_to_judge_a_step() -> None:
    bars = split_at(session_bars(), 9, 10.0)
    assert find_steps(bars.iloc[:20]) == []
    assert len(find_steps(split_at(session_bars(), 10, 10.0).iloc[:20])) == 1


def test_a_step_that_is_settled_as_a_move_is_left_out_and_other_tickers_are_not_mixed_in() -> None:
    bars = split_at(session_bars(), STEP_AT, 4.0)
    moves = {("AAPL", bars["opened_at"][STEP_AT].to_pydatetime())}
    assert find_steps(bars, moves=moves) == []
    far = session_bars().assign(ticker="BRK", **{name: session_bars()[name] * 1000 for name in PRICE_COLUMNS})
    assert [step.ticker for step in find_steps(pd.concat([bars, far], ignore_index=True))] == ["AAPL"]


def test_only_the_bars_up_to_the_newest_are_read() -> None:
    bars = split_at(session_bars(), STEP_AT, 2.0)
    known = find_steps(bars.iloc[: STEP_AT + 4])
    changed = bars.copy()
    changed.loc[changed.index > STEP_AT + 3, list(PRICE_COLUMNS)] *= 3.0
    assert find_steps(changed)[0] == known[0]
    assert PAST_BARS < STEP_AT


def test_evidence_is_plain_json() -> None:
    evidence = only_step(split_at(session_bars(), STEP_AT, 4.0)).evidence.to_dict()
    assert evidence["step"] == pytest.approx(-math.log(4), abs=0.05)
    assert evidence["residual"] == pytest.approx(evidence["step"] + math.log(4), abs=1e-5)
    assert evidence["bar_count"] == 2
    assert evidence["odds"] > 30


@pytest.mark.skipif(not RECORDED_DIR.is_dir(), reason="the recorded bars are not on this machine")
def test_no_step_of_the_recorded_bars_is_a_change_of_scale_or_in_doubt() -> None:
    for path in sorted(RECORDED_DIR.glob("*.parquet")):
        rows = pd.read_parquet(path).rename(columns={"ts": "opened_at"})
        opened_at = pd.DatetimeIndex(rows["opened_at"])
        bars = rows.assign(
            ticker=path.stem,
            opened_at=opened_at,
            closed_at=opened_at + pd.Timedelta("1h"),
            volume=rows["volume"].where(rows["volume"] > 0),
        )
        assert {step.verdict for step in find_steps(bars)} <= {Verdict.MOVE}, path.stem
