"""The numbers of the report: scores by market and by horizon, and what the interval is worth, from sums by day.

Pure functions. Where next: ``sections.py`` puts them into words and tables.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from include.evaluation.diagnostics import skill_with_error

Row = Mapping[str, Any]

LEAST_DAYS: Final = 20
"""Days with scores from which on a skill is judged."""
LEVELS: Final = (50, 80, 90, 95)


@dataclass(frozen=True)
class Score:
    """The forecasts of one market, or of one horizon, over some days.

    ``skill`` is 1 less our CRPS over the random walk's, ``har_skill`` the same against seasonal HAR; each with its
    standard error. ``coverage`` has the share of closes inside each interval (0..1). Ratios are NaN where unknown.
    """

    name: str
    is_simulated: bool
    day_count: int
    forecast_count: int
    skill: float
    skill_error: float
    har_skill: float
    har_skill_error: float
    coverage: Mapping[int, float]
    hit_ratio: float

    def verdict(self) -> str:
        """Whether there is an edge over the random walk, in words."""
        if self.day_count < LEAST_DAYS:
            return "too few days"
        return verdict_of(self.skill, self.skill_error)

    def har_verdict(self) -> str:
        """Whether there is an edge over seasonal HAR, the strongest baseline, in words."""
        if self.day_count < LEAST_DAYS or math.isnan(self.har_skill):
            return "too few days"
        return verdict_of(self.har_skill, self.har_skill_error)


@dataclass(frozen=True)
class Margin:
    """A margin by the 5 % quantile one bar ahead, ours beside the random walk's; basis points, means of a forecast.

    ``saved_ratio`` is the share of the cost that ours saves, and ``saved_error`` its standard error. ``gain_bp`` is
    the mean gain of a position by the side of the median: the trading cost at which it breaks even.
    """

    is_simulated: bool
    forecast_count: int
    margin_bp: float
    walk_margin_bp: float
    breach_ratio: float
    walk_breach_ratio: float
    saved_ratio: float
    saved_error: float
    gain_bp: float
    gain_error_bp: float


def verdict_of(skill: float, error: float) -> str:
    """A skill beside its standard error, in words: it counts from two standard errors on."""
    if math.isnan(skill) or math.isnan(error):
        return "unknown"
    if abs(skill) <= 2.0 * error:
        return "no edge shown"
    return "edge" if skill > 0.0 else "worse"


def market_scores(rows: Sequence[Row], since: date | None = None, horizon: int = 1) -> list[Score]:
    """A score for each market at one horizon, from the day after ``since`` on; real markets first."""
    chosen = [row for row in rows if row["horizon"] == horizon and (since is None or row["day_exchange"] > since)]
    return _scores(chosen, lambda row: (row["is_simulated"], str(row["calendar"])))


def horizon_scores(rows: Sequence[Row]) -> list[Score]:
    """A score for each horizon over all real markets, or over the simulated ones where there are no others."""
    real = [row for row in rows if not row["is_simulated"]] or list(rows)
    return _scores(real, lambda row: (row["is_simulated"], str(row["horizon"])))


def margin_of(rows: Sequence[Row]) -> Margin | None:
    """What the interval saves somebody who sets a margin aside; None without a forecast."""
    chosen = [row for row in rows if not row["is_simulated"]] or list(rows)
    if not chosen:
        return None
    total = {name: math.fsum(row[name] for row in chosen) for name in chosen[0] if name not in ("day", "is_simulated")}
    days = _by_day(chosen, "day", ("cost_sum", "walk_cost_sum", "gain_sum", "trade_count"))
    saved, error = skill_with_error(days["cost_sum"], days["walk_cost_sum"])
    count, trades = total["forecast_count"], total["trade_count"] or math.nan
    gain = total["gain_sum"] / trades
    spread = days["gain_sum"] - gain * days["trade_count"]
    return Margin(
        is_simulated=bool(chosen[0]["is_simulated"]),
        forecast_count=int(count),
        margin_bp=1e4 * total["margin_sum"] / count,
        walk_margin_bp=1e4 * total["walk_margin_sum"] / count,
        breach_ratio=total["breach_count"] / count,
        walk_breach_ratio=total["walk_breach_count"] / count,
        saved_ratio=saved,
        saved_error=error,
        gain_bp=1e4 * gain,
        gain_error_bp=1e4 * math.sqrt(float(spread @ spread)) / trades,
    )


def _scores(rows: Iterable[Row], key: Callable[[Row], tuple[bool, str]]) -> list[Score]:
    groups: dict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [_score(group, name, is_simulated=is_simulated) for (is_simulated, name), group in sorted(groups.items())]


def _score(rows: Sequence[Row], name: str, *, is_simulated: bool) -> Score:
    count = sum(row["forecast_count"] for row in rows)
    walk = _by_day(rows, "day_exchange", ("crps_beside_random_walk_sum", "random_walk_crps_sum"))
    har = _by_day(rows, "day_exchange", ("crps_beside_har_sum", "har_crps_sum"))
    skill, error = skill_with_error(walk["crps_beside_random_walk_sum"], walk["random_walk_crps_sum"])
    har_skill, har_error = skill_with_error(har["crps_beside_har_sum"], har["har_crps_sum"])
    hits = sum((row["direction_hit_ratio"] or 0.0) * row["direction_count"] for row in rows)
    return Score(
        name=name,
        is_simulated=is_simulated,
        day_count=len(walk["random_walk_crps_sum"]),
        forecast_count=count,
        skill=skill,
        skill_error=error,
        har_skill=har_skill,
        har_skill_error=har_error,
        coverage={
            level: sum((row[f"coverage_{level}_ratio"] or 0.0) * row["forecast_count"] for row in rows) / (count or 1)
            for level in LEVELS
        },
        hit_ratio=hits / (sum(row["direction_count"] for row in rows) or math.nan),
    )


def _by_day(
    rows: Sequence[Row], day: str, names: Sequence[str]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Sums by day, in order of the days; a day on which the second name sums to 0 is left out."""
    sums: dict[date, list[float]] = defaultdict(lambda: [0.0] * len(names))
    for row in rows:
        for place, name in enumerate(names):
            sums[row[day]][place] += float(row[name] or 0.0)
    kept = [values for _, values in sorted(sums.items()) if values[1]]
    table = np.array(kept, dtype=np.float64).reshape(len(kept), len(names))
    return {name: table[:, place] for place, name in enumerate(names)}
