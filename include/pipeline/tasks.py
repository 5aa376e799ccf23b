"""The doors Airflow knocks at: one function a task, plain JSON values in and out.

Each opens the services, runs one use case, and returns something small enough for XCom. DAG files import this module
inside their task bodies only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from include.contracts import Shard
from include.errors import RetryableError
from include.pipeline import backbones, hour, onboarding
from include.pipeline.services import Services, open_services

Json = dict[str, Any]


@contextmanager
def _services() -> Iterator[Services]:
    services = open_services()
    try:
        yield services
    finally:
        services.engine.dispose()


def plan_hour(as_of: datetime) -> list[Json]:
    """The hour's shards."""
    with _services() as services:
        return [shard.to_dict() for shard in hour.plan_hour(services, as_of)]


def fetch_bars(shard: Json) -> Json:
    """Fetches one shard's bars; counts."""
    with _services() as services:
        return dict(hour.fetch_bars(services, Shard.from_dict(shard)))


def compute_features(shard: Json) -> Json:
    """Stores one shard's new feature rows; counts."""
    with _services() as services:
        return dict(hour.compute_features(services, Shard.from_dict(shard)))


def fine_tune(shard: Json) -> Json:
    """Fine-tunes one shard's models; counts."""
    with _services() as services:
        return dict(hour.fine_tune(services, Shard.from_dict(shard)))


def predict(shard: Json) -> Json:
    """Writes one shard's forecasts; counts."""
    with _services() as services:
        return dict(hour.predict(services, Shard.from_dict(shard)))


def score(as_of: datetime) -> Json:
    """Scores what has matured; a count."""
    with _services() as services:
        return dict(hour.score(services, as_of))


def check_hour(as_of: datetime, shards: list[Json] | None, scored: Json | None) -> Json:
    """What became of the hour's tickers.

    Raises:
        RetryableError: the plan or the scores are missing (their task failed), or a shard did not finish.
    """
    if shards is None or scored is None:
        message = f"{'plan' if shards is None else 'score'} of {as_of.isoformat()} failed; clear it to repair the hour."
        raise RetryableError(message)
    with _services() as services:
        return dict(hour.check_hour(services, as_of))


def validate(request_id: str, as_of: datetime, params: Mapping[str, Any]) -> list[Json]:
    """Checks an onboarding request and writes it down; its shards."""
    with _services() as services:
        request = onboarding.Request.from_params(request_id, as_of, params)
        return [shard.to_dict() for shard in onboarding.validate(services, request)]


def backfill_history(request_id: str, shard: Json) -> Json:
    """Fetches one shard's history; counts."""
    with _services() as services:
        return dict(onboarding.backfill_history(services, request_id, Shard.from_dict(shard)))


def first_training(request_id: str, shard: Json) -> Json:
    """Trains one shard's first models; counts."""
    with _services() as services:
        return dict(onboarding.first_training(services, request_id, Shard.from_dict(shard)))


def first_forecast(request_id: str, shard: Json) -> Json:
    """Writes one shard's first forecasts; counts."""
    with _services() as services:
        return dict(onboarding.first_forecast(services, request_id, Shard.from_dict(shard)))


def activate(request_id: str) -> Json:
    """Makes the tickers that came through active; counts."""
    with _services() as services:
        return dict(onboarding.activate(services, request_id))


def report(request_id: str, shards: list[Json] | None) -> Json:
    """What became of each requested ticker.

    Raises:
        RetryableError: the request could not be validated, or a shard did not finish.
    """
    if shards is None:
        message = f"validating the request {request_id} failed; its log says why. Clear it to try again."
        raise RetryableError(message)
    with _services() as services:
        return onboarding.report(services, request_id)


def pending_requests(as_of: datetime) -> list[Json]:
    """Onboarding requests that the hour should make: none, one or two."""
    with _services() as services:
        return onboarding.pending_requests(services, as_of)


def plan_backbone(request_id: str, as_of: datetime, params: Mapping[str, Any]) -> Json:
    """Checks a request to pre-train a backbone and writes it down; counts."""
    with _services() as services:
        request = backbones.BackboneRequest.from_params(request_id, as_of, params)
        return dict(backbones.plan(services, request))


def train_backbone(request_id: str) -> Json:
    """Trains the requested backbone; its version, and a count."""
    with _services() as services:
        return backbones.train(services, request_id)


def score_backbone(request_id: str) -> Json:
    """Compares the requested backbone with what is there; skills."""
    with _services() as services:
        return dict(backbones.score(services, request_id))


def promote_backbone(request_id: str) -> Json:
    """Lets the requested backbone serve if it is not worse; what was decided, and why."""
    with _services() as services:
        return backbones.promote(services, request_id)
