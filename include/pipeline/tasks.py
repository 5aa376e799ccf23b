"""What the tasks of ``hourly_forecast``, ``onboard_ticker`` and ``earnings_dates`` call: one function a task.

Each function takes plain JSON values, opens the services, runs one use case, and returns a value small enough for XCom.
DAG files import this module inside their task bodies only. Where next: ``pretraining/tasks.py`` for the DAG
``pretrain_backbone``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from structlog.contextvars import bound_contextvars

from include.contracts import Shard
from include.errors import InvalidRequestError, UnfinishedRunError
from include.pipeline import earnings, hour, maintenance, onboarding, summaries
from include.pipeline.measures import labelled, measured
from include.pipeline.onboarding_form import Request
from include.pipeline.services import Services, opened_services

Json = dict[str, Any]
_LOG: Final = logging.getLogger(__name__)
_HOUR_ORDER: Final = ("forecast", "refreshed", "skipped", "fallback", "failed")
_REQUEST_ORDER: Final = ("active", "already_active", "retired", "not_tracked", "pending", "rejected", "failed")


def plan_hour(as_of: datetime) -> list[Json]:
    """The hour's shards."""
    with opened_services() as services:
        shards = measured(services, "plan", as_of, lambda: hour.plan_hour(services, as_of))
        return [shard.to_dict() for shard in shards]


def fetch_bars(shard: Json) -> Json:
    """Fetches one shard's bars; counts."""
    return _measured_stage("fetch_bars", hour.fetch_bars, shard)


def compute_features(shard: Json) -> Json:
    """Stores one shard's new feature rows; counts."""
    return _measured_stage("compute_features", hour.compute_features, shard)


def fine_tune(shard: Json) -> Json:
    """Fine-tunes one shard's models; counts."""
    return _measured_stage("fine_tune", hour.fine_tune, shard)


def predict(shard: Json) -> Json:
    """Writes one shard's forecasts; counts."""
    return _measured_stage("predict", hour.predict, shard)


def score(as_of: datetime) -> Json:
    """Scores what has matured; a count."""
    with opened_services() as services:
        return dict(measured(services, "score", as_of, lambda: hour.score(services, as_of)))


def check_hour(as_of: datetime, shards: list[Json] | None, scored: Json | None) -> Json:
    """What became of the hour's tickers: ``note`` (words for people) and ``counts`` by status.

    Raises:
        UnfinishedHourError: the plan or the scores are missing (their task failed), or a shard did not finish.
    """
    if shards is None or scored is None:
        message = f"{'plan' if shards is None else 'score'} of {as_of.isoformat()} failed; clear it to repair the hour."
        raise UnfinishedRunError(message)
    with opened_services() as services:
        counts = measured(services, "check_hour", as_of, lambda: hour.check_hour(services, as_of))
        note = summaries.note_of(hour.hour_results(services, as_of), _HOUR_ORDER, "No ticker is tracked yet.")
    return {"note": note, "counts": counts}


def _measured_stage(name: str, stage: Callable[[Services, Shard], Mapping[str, int]], shard: Json) -> Json:
    """The counts of one shard's stage, which is measured."""
    chosen = Shard.from_dict(shard)
    with opened_services() as services:
        return dict(measured(services, name, chosen.as_of, lambda: stage(services, chosen), chosen.index))


def maintain(as_of: datetime, params: Mapping[str, Any], log_folders: Sequence[str]) -> Json:
    """Removes what is no longer needed; counts and bytes by kind, and the run's note."""
    folders = [Path(folder) for folder in log_folders]
    with opened_services() as services:
        return maintenance.maintain(services, as_of, is_dry_run=bool(params.get("dry_run")), log_folders=folders)


def update_earnings(as_of: datetime) -> Json:
    """Stores the days on which companies report, as their sources name them; counts."""
    with opened_services() as services:
        return dict(earnings.update_all(services, as_of))


def validate(
    request_id: str, as_of: datetime, params: Mapping[str, Any], requested_by: str | None = None
) -> list[Json]:
    """Checks an onboarding request and writes it down; its shards."""
    with opened_services() as services:
        request = Request.from_params(request_id, as_of, params, requested_by)
        return [shard.to_dict() for shard in onboarding.validate(services, request)]


def backfill_history(request_id: str, shard: Json) -> Json:
    """Fetches one shard's history; counts."""
    return _onboarding_stage("backfill_history", onboarding.backfill_history, request_id, shard)


def first_training(request_id: str, shard: Json) -> Json:
    """Trains one shard's first models; counts."""
    return _onboarding_stage("first_training", onboarding.first_training, request_id, shard)


def first_forecast(request_id: str, shard: Json) -> Json:
    """Writes one shard's first forecasts; counts."""
    return _onboarding_stage("first_forecast", onboarding.first_forecast, request_id, shard)


def _onboarding_stage(
    name: str, stage: Callable[[Services, str, Shard], Mapping[str, int]], request_id: str, shard: Json
) -> Json:
    """The counts of one shard's stage of an onboarding, whose log lines name it."""
    chosen = Shard.from_dict(shard)
    with opened_services() as services, labelled(name, chosen.as_of, chosen.index, request=request_id):
        return dict(stage(services, request_id, chosen))


def activate(request_id: str) -> Json:
    """Makes the tickers that came through active; counts."""
    with opened_services() as services:
        return dict(onboarding.activate(services, request_id))


def report(request_id: str, shards: list[Json] | None, refusal: str | None) -> Json:
    """What became of each requested ticker: ``note`` (words for people), ``counts`` by result, ``results``.

    ``results`` is result -> ticker -> reason. Each ticker is a line of the log. ``refusal`` says why the request was
    refused, if it was.

    Raises:
        InvalidRequestError: the request was refused.
        UnfinishedRunError: the request could not be validated, or a shard did not finish.
    """
    if refusal:
        raise InvalidRequestError(refusal)
    if shards is None:
        message = f"validating the request {request_id} failed; its log says why. Clear it to try again."
        raise UnfinishedRunError(message)
    with opened_services() as services:
        results = onboarding.report(services, request_id)
    note = summaries.note_of(results, _REQUEST_ORDER, "The decisions about price steps are stored.")
    for line in summaries.lines_of(results):
        with bound_contextvars(ticker=line.partition(": ")[0], request=request_id):
            _LOG.info("%s", line)
    return {"note": note, "counts": summaries.count_results(results), "results": results}


def pending_requests(as_of: datetime) -> list[Json]:
    """Onboarding requests that the hour should make: none, one or two."""
    with opened_services() as services:
        return onboarding.pending_requests(services, as_of)
