"""Which lines an hour looks at: all, those whose forecasts drift, or none. Widths are calibrated either way.

A line that serves is looked at whenever anything is trained, for what serves must be watched. Where next: ``lines.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from include.settings import ModelSettings
from include.store import forecasts as forecast_store
from include.store.engine import Connection
from include.store.forecasts import Record
from include.store.models import FINE_TUNE, ModelVersion

ALWAYS, WHEN_DRIFTING, NEVER = "always", "when_drifting", "never"

RECORD_FORECASTS = 200
"""Newest scored forecasts, one bar ahead, that tell whether a ticker drifts; with fewer than half, nothing does."""
_COVERAGE = 0.8
_CHANCE_LIMIT = 2.58  # standard errors that chance exceeds once in a hundred times, either way


def chosen(
    connection: Connection, settings: ModelSettings, heads: Mapping[str, Sequence[ModelVersion]], as_of: datetime
) -> set[str]:
    """The tickers whose lines an hour looks at, of those whose newest versions are given, newest first."""
    if settings.training_policy == NEVER or settings.hourly_training_steps == 0:
        return set()
    if settings.training_policy == ALWAYS:
        return set(heads)
    serving = {t for t, versions in heads.items() if versions[0].kind == FINE_TUNE and versions[0].is_promoted}
    records = forecast_store.recent_records(connection, sorted(set(heads) - serving), as_of, RECORD_FORECASTS)
    return serving | {ticker for ticker, record in records.items() if is_drifting(record)}


def is_drifting(record: Record) -> bool:
    """Whether the newest forecasts missed by more than chance: their 80 % interval's coverage, or CRPS against HAR's.

    Forecasts one bar ahead do not overlap, so that plain standard errors serve.
    """
    if record.count < RECORD_FORECASTS // 2:
        return False
    error = math.sqrt(_COVERAGE * (1.0 - _COVERAGE) / record.count)
    if abs(record.inside_ratio - _COVERAGE) > _CHANCE_LIMIT * error:
        return True
    if record.har_count < RECORD_FORECASTS // 2 or record.har_deviation is None or record.har_difference is None:
        return False
    return record.har_difference > _CHANCE_LIMIT * record.har_deviation / math.sqrt(record.har_count)
