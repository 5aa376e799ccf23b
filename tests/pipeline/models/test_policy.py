"""Who is looked at in an hour, and what counts as drift: more than chance allows, and no less."""

from dataclasses import replace

import numpy as np
import pytest

from include.pipeline.models.policy import RECORD_FORECASTS, chosen, is_drifting
from include.settings import ModelSettings
from include.store import forecasts as forecast_store
from include.store.forecasts import Record
from tests.support.rows import at, version

GOOD = Record(200, 0.8, 200, 0.0, 10.0)
SERVING = [version(at(1))]
RESTING = [version(at(1), "MSFT", is_promoted=False)]
DRIFTING = [version(at(1), "TSLA", is_promoted=False)]
HEADS = {"AAPL": SERVING, "MSFT": RESTING, "TSLA": DRIFTING}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"inside_ratio": 0.72}, True),
        ({"inside_ratio": 0.88}, True),
        ({"inside_ratio": 0.74}, False),
        ({"inside_ratio": 0.5, "count": 99}, False),
        ({"har_difference": 2.0}, True),
        ({"har_difference": 1.5}, False),
        ({"har_difference": -5.0}, False),
        ({"har_difference": 5.0, "har_count": 50}, False),
        ({"har_difference": None, "har_deviation": None, "har_count": 0}, False),
    ],
)
def test_drift_is_a_miss_beyond_chance(change: dict[str, float], expected: bool) -> None:
    assert is_drifting(replace(GOOD, **change)) is expected


def test_chance_alone_looks_like_drift_about_once_in_a_hundred_times() -> None:
    generator = np.random.default_rng(5)
    found = 0
    for _ in range(2000):
        inside, difference = generator.random(RECORD_FORECASTS) < 0.8, generator.standard_normal(RECORD_FORECASTS)
        record = Record(RECORD_FORECASTS, inside.mean(), RECORD_FORECASTS, difference.mean(), difference.std(ddof=1))
        found += is_drifting(record)
    assert 10 <= found <= 50


def test_the_policy_says_whose_lines_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def records(_connection: object, tickers: list[str], as_of: object, limit: int) -> dict[str, Record]:
        asked.append((tickers, as_of, limit))
        return {"MSFT": GOOD, "TSLA": replace(GOOD, inside_ratio=0.5)}

    monkeypatch.setattr(forecast_store, "recent_records", records)
    found = {
        policy: chosen(None, replace(ModelSettings(), training_policy=policy), HEADS, at(2))  # type: ignore[arg-type]
        for policy in ("always", "when_drifting", "never")
    }
    assert found == {"always": {"AAPL", "MSFT", "TSLA"}, "when_drifting": {"AAPL", "TSLA"}, "never": set()}
    assert asked == [(["MSFT", "TSLA"], at(2), RECORD_FORECASTS)]
    without_steps = replace(ModelSettings(), training_policy="always", hourly_training_steps=0)
    assert chosen(None, without_steps, HEADS, at(2)) == set()  # type: ignore[arg-type]
