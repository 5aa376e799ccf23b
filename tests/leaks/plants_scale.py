"""Leaks in what is found of a ticker's price scale: steps, questions, and the stored bars beside a response."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.market import scale_steps
from include.pipeline.data import scaling
from include.store import scale_questions
from tests.leaks.planting import Plant
from tests.leaks.plants_store import unbounded

Patch = pytest.MonkeyPatch


def step_known_at_its_bar(patch: Patch) -> None:
    """The bars of a change of scale count as confirmed by themselves, not by the bar that made it certain."""
    original = scaling.apply_steps

    def at_once(bars: pd.DataFrame, steps: Any) -> Any:
        scaled, mixed = original(bars, steps)
        return scaled.assign(confirmed_at=bars["confirmed_at"].reindex(scaled.index)), mixed

    patch.setattr(scaling, "apply_steps", at_once)


def step_judged_by_later_bars(patch: Patch) -> None:
    """The verdict is that of all bars, and is dated as if the first bar after the step had given it."""
    original = scale_steps._Series.step_at

    def judged(series: Any, place: int) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(scale_steps, "SURE_ODDS", 1e3)
            inner.setattr(scale_steps, "AFTER_BARS", 9)
            step = original(series, place)
        if step is None:
            return None
        verdict = scale_steps.Verdict.SCALE if step.evidence.odds > 1.0 else step.verdict
        first = min(place + 1, len(series._closes) - 1)
        return replace(step, verdict=verdict, known_at=series._closed_at.iloc[first].to_pydatetime())

    patch.setattr(scale_steps._Series, "step_at", judged)


def volatility_of_later_bars(patch: Patch) -> None:
    """What is far for a ticker is measured on the bars after the step."""
    original = scale_steps._Series._volatility

    def of_later(series: Any, past: slice) -> float:
        return original(series, slice(past.stop, len(series._closes)))

    patch.setattr(scale_steps._Series, "_volatility", of_later)


def usual_range_of_later_bars(patch: Patch) -> None:
    """The usual range is that of all bars."""
    original = scale_steps._Series._range_ratios

    def of_all(series: Any, place: int, last: int, past: slice, *, is_mixed: bool) -> Any:
        at, after = original(series, place, last, past, is_mixed=is_mixed)
        shift = float(np.log(np.median(series._ranges[past]) / np.median(series._ranges[place + 1 :])))
        return (None if at is None else at + 5 * shift), (None if after is None else after + 5 * shift)

    patch.setattr(scale_steps._Series, "_range_ratios", of_all)


SCALE_PLANTS = (
    Plant("the bars of a change of scale are known before it is certain", step_known_at_its_bar),
    Plant("a step is judged by bars of the next day", step_judged_by_later_bars),
    Plant("a step's volatility is that of later bars", volatility_of_later_bars),
    Plant("a step's usual range is that of later bars", usual_range_of_later_bars),
)
SCALE_STORE_PLANTS = (
    Plant(
        "questions about the scale are read without as_of", unbounded(scale_questions, "open_questions"), in_store=True
    ),
    Plant("a response is compared with bars that were stored later", unbounded(scaling, "load_overlap"), in_store=True),
)
