"""Which challengers an hour tests and trains: all, those of tickers whose forecasts drift, or none.

Interval widths are calibrated in any case. A challenger that serves is tested in every hour that trains at all, since a
model that serves must be watched. Where next: ``challengers.py``.
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
"""Newest scored forecasts, one bar ahead, from which drift is judged; with fewer than half of them there is none."""
_COVERAGE = 0.8
_CHANCE_LIMIT = 2.58  # standard errors; a normal variable exceeds them in 1 of 100 cases, both sides together


def chosen(
    connection: Connection, settings: ModelSettings, newest: Mapping[str, Sequence[ModelVersion]], as_of: datetime
) -> set[str]:
    """The tickers whose challengers an hour tests and trains; ``newest`` holds their versions, newest first."""
    if settings.training_policy == NEVER or settings.hourly_training_steps == 0:
        return set()
    if settings.training_policy == ALWAYS:
        return set(newest)
    serving = {t for t, versions in newest.items() if versions[0].kind == FINE_TUNE and versions[0].is_promoted}
    records = forecast_store.recent_records(connection, sorted(set(newest) - serving), as_of, RECORD_FORECASTS)
    return serving | {ticker for ticker, record in records.items() if is_drifting(record)}


def is_drifting(record: Record) -> bool:
    """Whether the newest forecasts are worse than by chance: by their 80 % coverage, or by their CRPS against HAR's.

    Forecasts one bar ahead do not overlap, so that plain standard errors are valid.
    """
    if record.count < RECORD_FORECASTS // 2:
        return False
    error = math.sqrt(_COVERAGE * (1.0 - _COVERAGE) / record.count)
    if abs(record.inside_ratio - _COVERAGE) > _CHANCE_LIMIT * error:
        return True
    if record.har_count < RECORD_FORECASTS // 2 or record.har_deviation is None or record.har_difference is None:
        return False
    return record.har_difference > _CHANCE_LIMIT * record.har_deviation / math.sqrt(record.har_count)
