"""`python -m research.drift_trial SEEDS`: how soon the tests of drift see a change, and how often they are wrong.

A simulated market of eight tickers trades seven hours a day on five days a week, for 30 weeks after a first year. Its
volatility clusters and has a shape over the day, and part of each move is common to all tickers. In one variant nothing
changes. In the others the moves change after ten weeks: twice as large (volatility), halved in the morning and doubled
in the afternoon (shape), or with heavy tails and the same variance (tails). A fourth change is not of the market: the
forecasts become too narrow by a fifth and stay so (narrow).

The forecaster is a simple one, so that many seeds can be tried: a moving average of squared moves with the shape of the
past year, times the quantiles of each ticker's last 400 standardised moves, which is how an hour calibrates. HAR's
place is taken by the same with a slower average. The tests count its days as the daily look does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from include.contracts import QUANTILE_LEVELS
from include.evaluation.history import FloatArray
from include.evaluation.promotion import score_differences
from include.evaluation.shift import SHIFTED_INDEX, Reference, bin_counts, stability_index
from include.pipeline.watching import kinds
from include.store.drift import Market
from include.store.drift_days import OutcomeDay

TICKERS: Final = 8
HOURS: Final = 7
WEEK: Final = 5
FIRST_DAYS, QUIET_DAYS, LATER_DAYS = 260, 10 * WEEK, 20 * WEEK
VARIANTS: Final = ("quiet", "volatility", "shape", "tails", "narrow")
CALIBRATION_ROWS: Final = 400
_HALF_LIFE, _SLOW_HALF_LIFE = 2.0 * HOURS, 20.0 * HOURS
_SHAPE: Final = np.array([1.6, 1.1, 0.9, 0.8, 0.8, 0.9, 1.2])
_MOVED: Final = np.array([0.5, 0.5, 0.5, 1.0, 2.0, 2.0, 2.0])
_NARROW: Final = 0.8
_TAIL_FREEDOM: Final = 3.0
_WINDOW_DAYS: Final = 20
_MARKET: Final = Market(is_simulated=True, calendar="XNYS")
_FIRST: Final = datetime(2024, 1, 1, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes one line of JSON for each seed and variant; 0."""
    parser = argparse.ArgumentParser(prog="python -m research.drift_trial", description=__doc__)
    parser.add_argument("seeds", type=int, help="number of seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    chosen = parser.parse_args(arguments)
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        for variant in chosen.variants:
            sys.stdout.write(json.dumps({"seed": seed, "variant": variant, **trial(seed, variant)}) + "\n")
            sys.stdout.flush()
    return 0


def trial(seed: int, variant: str) -> dict[str, Any]:
    """Days until the first alarm of each kind, before and after the change; None where there was none."""
    moves = market(seed, variant)
    fast, slow = (_scale(moves, half_life) for half_life in (_HALF_LIFE, _SLOW_HALF_LIFE))
    ours, theirs = (_quantiles(moves, scale) for scale in (fast, slow))
    change = FIRST_DAYS + QUIET_DAYS
    if variant == "narrow":
        ours[change * HOURS :] *= _NARROW
    days = list(outcome_days(moves, ours, theirs))
    found: dict[str, Any] = {"days_before": QUIET_DAYS, "days_after": LATER_DAYS}
    for kind in kinds.OUTCOME_KINDS:
        watched, is_false = _first_alarm(kind, kinds.first(kind), days[:QUIET_DAYS])
        _, delay = _first_alarm(kind, watched, days[QUIET_DAYS:])
        found |= {f"{kind}_false": is_false, f"{kind}_delay": delay}
    return {**found, **_input_delays(moves, fast)}


def market(seed: int, variant: str) -> FloatArray:
    """Log moves of the hours, oldest first. [days * HOURS, TICKERS]."""
    random = np.random.default_rng(seed)
    hour_count = (FIRST_DAYS + QUIET_DAYS + LATER_DAYS) * HOURS
    level = np.zeros(1 + TICKERS)
    levels = np.empty((hour_count, 1 + TICKERS))
    for hour in range(hour_count):  # log volatility, common and of each ticker, with a half-life of three days
        level = 0.967 * level + 0.08 * random.standard_normal(1 + TICKERS)
        levels[hour] = level
    volatility = 0.003 * np.exp(levels[:, :1] + levels[:, 1:]) * np.tile(_SHAPE, hour_count // HOURS)[:, np.newaxis]
    common, own = random.standard_normal((hour_count, 1)), random.standard_normal((hour_count, TICKERS))
    moves = volatility * (np.sqrt(0.4) * common + np.sqrt(0.6) * own)
    after = slice((FIRST_DAYS + QUIET_DAYS) * HOURS, None)
    if variant == "volatility":
        moves[after] *= 2.0
    if variant == "shape":
        moves[after] *= np.tile(_MOVED, LATER_DAYS)[:, np.newaxis]
    if variant == "tails":
        moves[after] *= np.sqrt((_TAIL_FREEDOM - 2.0) / random.chisquare(_TAIL_FREEDOM, moves[after].shape))
    return np.asarray(moves, dtype=np.float64)


def outcome_days(moves: FloatArray, ours: FloatArray, theirs: FloatArray) -> Iterator[OutcomeDay]:
    """The days after the first year: each hour's mean over tickers, and each day's over its hours."""
    flat = [values.reshape(-1, 1, values.shape[-1]) for values in (ours, theirs)]
    difference, _ = score_differences(flat[0], flat[1], moves.reshape(-1, 1))
    below = moves[..., np.newaxis] <= ours
    inside = [(ours[..., low] <= moves) & (moves <= ours[..., -1 - low]) for low in (3, 1)]
    numbers = np.concatenate(
        [difference.reshape(moves.shape)[..., np.newaxis], np.stack(inside, axis=-1), below], axis=-1
    )
    hours = numbers.mean(axis=1).reshape(-1, HOURS, numbers.shape[-1])
    half = (HOURS + 1) // 2
    for number, day_hours in enumerate(hours[FIRST_DAYS:]):
        mean = day_hours.mean(axis=0)
        halves = float(day_hours[:half, 1].mean()), float(day_hours[half:, 1].mean())
        day = (_FIRST + timedelta(days=number)).date()
        ratios = {50: float(mean[1]), 90: float(mean[2])}
        yield OutcomeDay(_MARKET, day, ratios, [float(share) for share in mean[3:]], float(mean[0]), halves)


def _scale(moves: FloatArray, half_life: float) -> FloatArray:
    """The expected size of each move, from the moves before it. [n, K]."""
    shape = _past_shape(moves)
    squares, weight = (moves / shape) ** 2, 0.5 ** (1.0 / half_life)
    average = np.empty_like(moves)
    state = squares[: 20 * HOURS].mean(axis=0)
    for hour in range(len(moves)):
        average[hour] = state
        state = weight * state + (1.0 - weight) * squares[hour]
    return np.asarray(np.sqrt(average) * shape, dtype=np.float64)


def _past_shape(moves: FloatArray) -> FloatArray:
    """The size of each hour of the day over the year before it, relative to the mean hour. [n, K]."""
    sizes = np.abs(moves).reshape(-1, HOURS, TICKERS).mean(axis=2)
    totals = np.cumsum(np.concatenate([np.zeros((1, HOURS)), sizes]), axis=0)
    number = np.arange(len(sizes))
    first = np.maximum(number - 250, 0)
    means = (totals[number] - totals[first] + 1e-3) / (number - first + 1e-3 / sizes.mean())[:, np.newaxis]
    return np.repeat((means / means.mean(axis=1, keepdims=True)).reshape(-1, 1), TICKERS, axis=1)


def _quantiles(moves: FloatArray, scale: FloatArray) -> FloatArray:
    """Quantiles of each move: the scale times those of the last standardised moves before it. [n, K, Q]."""
    standardised = moves / scale
    found = np.full((*moves.shape, len(QUANTILE_LEVELS)), np.nan)
    for day in range(CALIBRATION_ROWS // HOURS + 1, len(moves) // HOURS):  # once a day: an hour does so each hour
        past = standardised[day * HOURS - CALIBRATION_ROWS : day * HOURS]
        levels = np.quantile(past, QUANTILE_LEVELS, axis=0).T
        rows = slice(day * HOURS, (day + 1) * HOURS)
        found[rows] = scale[rows, :, np.newaxis] * levels
    return found


def _input_delays(moves: FloatArray, scale: FloatArray) -> dict[str, Any]:
    """Days after the change until the inputs of the last four weeks are shifted; whether they were before it."""
    inputs = {"surprise": moves / scale, "level": np.log(scale / _past_shape(moves))}
    found: dict[str, Any] = {}
    for name, values in inputs.items():
        reference = Reference.of(values[20 * HOURS : FIRST_DAYS * HOURS].ravel())
        shifted = []
        for day in range(FIRST_DAYS, len(values) // HOURS):
            window = values[(day + 1 - _WINDOW_DAYS) * HOURS : (day + 1) * HOURS].ravel()
            shifted.append(stability_index(bin_counts(window, reference.edges), reference) >= SHIFTED_INDEX)
        found[f"{name}_false"] = bool(np.any(shifted[:QUIET_DAYS]))
        later = np.flatnonzero(shifted[QUIET_DAYS:])
        found[f"{name}_delay"] = int(later[0]) + 1 if len(later) else None
    return found


def _first_alarm(kind: str, watched: kinds.Watched, days: Sequence[OutcomeDay]) -> tuple[kinds.Watched, int | None]:
    """The state after the days, and the number of the first day with an alarm, from 1; the test begins again there."""
    first: int | None = None
    for number, day in enumerate(days, start=1):
        watched = kinds.count_outcome(kind, watched, day)
        if watched.test.is_drifted:
            first = number if first is None else first
            watched = replace(kinds.first(kind), recent=watched.recent)
    return watched, first


if __name__ == "__main__":
    sys.exit(main())
