"""The metrics of the pipeline for Prometheus: what ``bi.metric`` measures, with the type and the help of each.

A number without its unit in the name is a number of things. Where next: ``plugins/metrics``, which shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from include.store.reader import Engine, read_rows

GAUGE: Final = "gauge"
COUNTER: Final = "counter"

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "hourcast_tickers": "Tickers by status.",
    "hourcast_newest_hour_age_seconds": "Seconds since the as_of of the newest hour; below 0 if it is of the future.",
    "hourcast_finished_hour_age_seconds": "Seconds since the as_of of the newest hour without an unfinished ticker.",
    "hourcast_forecast_age_seconds": "Seconds since the as_of of the newest hour with a forecast by a model.",
    "hourcast_missing_hours": "Hours of the last two days that never ran.",
    "hourcast_outcomes": "Tickers of the newest hour by outcome.",
    "hourcast_fetches": "Tickers of the newest hour by source and by what became of their request.",
    "hourcast_freshness_lag_seconds": "How far the newest bar is behind the one due, of the ticker farthest behind.",
    "hourcast_unreadable_models": "Tickers of the newest hour whose newest weights could not be read.",
    "hourcast_open_questions": "Price steps in doubt, whose tickers are held.",
    "hourcast_stage_seconds": "Duration of the newest hour's stages by shard; -1 for a stage of the whole hour.",
    "hourcast_stage_peak_bytes": "Peak memory of the processes of the newest hour's stages.",
    "hourcast_stage_failed": "1 if the newest run of the stage failed.",
    "hourcast_stage_count": "What the newest hour's stages did: tickers, bars, rows and forecasts.",
    "hourcast_known_days": "Days until a list of announcements or a calendar's holidays ends; below 0 if it has ended.",
    "hourcast_requests_total": "Requests to a source.",
    "hourcast_request_wait_seconds_total": "Seconds that requests waited for their turns.",
    "hourcast_request_blocks_total": "Refusals by a source because of its rate limit.",
    "hourcast_requests_blocked": "1 while no request may be sent because the source refused one.",
    "hourcast_scored_forecasts": "Forecasts that were scored in the last days.",
    "hourcast_coverage_90_ratio": "Share of closes inside the 90 % interval, of the last days.",
    "hourcast_crps_skill_ratio": "Share of the random walk's CRPS that is saved, of the last days.",
    "hourcast_loss": "Mean loss of the active tickers' newest training, before and after it.",
    "hourcast_drift_look_age_seconds": "Seconds since the as_of of the newest look at drift.",
    "hourcast_drift_e_value": "Evidence of a change by kind and market; drift is proven from 7000 on.",
    "hourcast_drifted": "1 if drift is proven, by kind and market.",
    "hourcast_shifted_inputs": "Inputs whose values are far from those of the training set, by market.",
    "hourcast_database_bytes": "Size of the Hourcast database.",
}
"""The help text of each metric of ``bi.metric``."""


@dataclass(frozen=True)
class Sample:
    """One value of a metric, with its labels."""

    metric: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def kind_of(metric: str) -> str:
    """The type of a metric: a counter's name ends in ``_total``."""
    return COUNTER if metric.endswith("_total") else GAUGE


def read_metrics(engine: Engine) -> list[Sample]:
    """Every row of ``bi.metric``, in the order of name and labels.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    rows = read_rows(engine, "select metric, labels, value from bi.metric order by metric, labels::text")
    return [
        Sample(row["metric"], float(row["value"]), {key: _text(value) for key, value in row["labels"].items()})
        for row in rows
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
