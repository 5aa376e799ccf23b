"""Onboarding: from a name that a person typed to a ticker that every hour forecasts; and retiring it.

A request is stored ticker by ticker, under the id of its run, before anything is fetched. Every stage moves its tickers
on, so that a stage can be run again, and one bad ticker does not stop the others. A ticker whose source cannot be
reached stays ``pending``; later hours find it through ``pending_requests`` and try again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from include.contracts import OutcomeStatus, Shard, TickerProfile, TickerStatus
from include.errors import UnfinishedRunError
from include.pipeline.data import rescaling
from include.pipeline.data.backfill import backfill
from include.pipeline.earnings import update_earnings
from include.pipeline.models import forecasting, training
from include.pipeline.models.backbones import settle_backbone
from include.pipeline.onboarding_form import Request
from include.pipeline.onboarding_requests import retire_tickers, store_request
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import onboarding as request_store
from include.store import registry
from include.store.engine import Connection, transaction
from include.store.onboarding import RequestStage, RequestTicker

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_ALIVE_WITHIN = timedelta(hours=2)
"""A request that moved no ticker for longer than this counts as dead; a task may take 50 minutes and be retried."""


def validate(services: Services, request: Request) -> list[Shard]:
    """Stores the request, describes its tickers by their sources, retires others; the shards of those to backfill.

    Raises:
        InvalidRequestError: the request names no ticker at all, or one both to track and to retire, or a decision
            about a scale cannot be stored.
    """
    request.require_purpose()
    rescaling.decide(services, [rescaling.parse_decision(text) for text in request.decisions], request.as_of)
    schedule = services.settings.schedule
    settle_backbone(services, request.as_of)
    with transaction(services.engine) as connection:
        known = {item.ticker for item in request_store.request_tickers(connection, request.request_id)}
    if not known:
        store_request(services, request)
    retire_tickers(services, request)
    _describe(services, request)
    with transaction(services.engine) as connection:
        return request_store.plan_request(
            connection,
            request.request_id,
            request.as_of,
            schedule.shard_count,
            schedule.shard_minimum_tickers,
        )


def backfill_history(services: Services, request_id: str, shard: Shard) -> dict[str, int]:
    """Fetches and stores the shard's history and its features; counts of tickers done, failed and left pending.

    The days of companies' reports are fetched after all bars; without them a ticker is onboarded all the same.
    """
    waiting = _waiting(services, request_id, shard, RequestStage.VALIDATED)
    for item in waiting:
        _backfill(services, request_id, item)
    backfilled = _waiting(services, request_id, shard, RequestStage.BACKFILLED)
    update_earnings(services, _profiles(services, backfilled), shard.as_of)
    return _stage_counts(services, request_id, shard)


def first_training(services: Services, request_id: str, shard: Shard) -> dict[str, int]:
    """Trains the shard's first models; counts. With too little history a ticker gets none: it has fallbacks.

    Raises:
        UnfinishedRunError: an earlier stage has left tickers of the shard behind; the others are done.
    """
    waiting = _waiting(services, request_id, shard, RequestStage.BACKFILLED)
    profiles = _profiles(services, waiting)
    trained_count = training.train_first(services, profiles, shard.as_of)
    _advance(services, request_id, [profile.ticker for profile in profiles], RequestStage.TRAINED)
    _require_nobody_behind(services, request_id, RequestStage.TRAINED, shard)
    return {"trained": trained_count, "without_model": len(profiles) - trained_count}


def first_forecast(services: Services, request_id: str, shard: Shard) -> dict[str, int]:
    """Stores the shard's first forecasts; counts of tickers by outcome.

    Raises:
        UnfinishedRunError: an earlier stage has left tickers of the shard behind; the others are done.
    """
    waiting = _waiting(services, request_id, shard, RequestStage.TRAINED)
    results = forecasting.forecast(services, _profiles(services, waiting), shard.as_of, written_by="onboarding")
    failed = {ticker: reason for ticker, (status, reason) in results.items() if status is OutcomeStatus.FAILED}
    for ticker, reason in failed.items():
        _close(services, request_id, ticker, TickerStatus.FAILED, f"first forecast: {reason}", shard.as_of)
    fallbacks = {
        ticker: f"only a fallback forecast, the random walk: {reason}"
        for ticker, (status, reason) in results.items()
        if status is OutcomeStatus.FALLBACK
    }
    with transaction(services.engine) as connection:
        request_store.remark(connection, request_id, fallbacks)
        ready = [ticker for ticker in results if ticker not in failed]
        request_store.advance(connection, request_id, ready, RequestStage.FORECAST)
    _require_nobody_behind(services, request_id, RequestStage.FORECAST, shard)
    statuses = [status for status, _ in results.values()]
    return {status.value: statuses.count(status) for status in sorted(set(statuses))}


def activate(services: Services, request_id: str) -> dict[str, int]:
    """Activates every ticker that has its first forecast: hours after the request's instant plan it; the count.

    Raises:
        UnfinishedRunError: a shard did not finish; the tickers of the others are active.
    """
    with transaction(services.engine) as connection:
        items = request_store.request_tickers(connection, request_id)
        ready = [item for item in items if item.stage is RequestStage.FORECAST]
        for item in ready:
            registry.activate(connection, [item.ticker], item.as_of)
            request_store.close(connection, request_id, item.ticker, "active", item.reason)
    _require_nobody_behind(services, request_id, RequestStage.FORECAST)
    return {"activated": len(ready)}


def report(services: Services, request_id: str) -> dict[str, Any]:
    """The result of each ticker of the request: result -> ticker -> reason.

    Raises:
        UnfinishedRunError: a ticker has no result, because a shard did not finish.
    """
    with transaction(services.engine) as connection:
        items = request_store.request_tickers(connection, request_id)
    unfinished = sorted(item.ticker for item in items if item.result is None)
    if unfinished:
        message = f"{', '.join(unfinished)}: onboarding did not finish; clear the failed tasks of {request_id}."
        raise UnfinishedRunError(message)
    results: dict[str, Any] = {}
    for item in items:
        results.setdefault(str(item.result), {})[item.ticker] = item.reason or ""
    return results


def pending_requests(services: Services, as_of: datetime) -> list[dict[str, Any]]:
    """Parameters of new requests: one for tickers that are still pending, one for tickers without a model; 0 to 2.

    Tickers that an earlier request left ``backfilling`` or ``training`` count as pending once that request has moved no
    ticker for hours. Tickers of a request in progress are left out.
    """
    unfinished = {TickerStatus.PENDING, TickerStatus.BACKFILLING, TickerStatus.TRAINING}
    with transaction(services.engine) as connection:
        busy = request_store.in_progress(connection, _ALIVE_WITHIN)
        tracked = registry.get_tickers(connection, statuses=unfinished)
        without_model = request_store.tickers_without_model(
            connection,
            as_of,
            training.minimum_rows(services, as_of),
        )
    pending = sorted({item.ticker for item in tracked} - busy)
    forms: list[dict[str, Any]] = [{"tickers": pending}] if pending else []
    if untrained := sorted(set(without_model) - busy):
        forms.append({"tickers": untrained, "retrain": True})
    return forms


def onboard(services: Services, request: Request) -> dict[str, Any]:
    """Runs the whole request in this process, as the DAG does, without Airflow; the result of ``report``."""
    for shard in validate(services, request):
        backfill_history(services, request.request_id, shard)
        first_training(services, request.request_id, shard)
        first_forecast(services, request.request_id, shard)
    activate(services, request.request_id)
    return report(services, request.request_id)


def _describe(services: Services, request: Request) -> None:
    """Describes the request's tickers by their sources and moves each on: validated, rejected, pending or unchanged."""
    with transaction(services.engine) as connection:
        stored = request_store.request_tickers(connection, request.request_id)
        items = [item for item in stored if item.stage is RequestStage.REQUESTED and item.result is None]
        names = [item.ticker for item in items]
        tracked = {item.ticker: item for item in registry.get_tickers(connection, names)}
        with_bars = bar_store.newest_closed_at(connection, names, _END_OF_TIME)
    by_source: dict[str, list[RequestTicker]] = defaultdict(list)
    for item in items:
        current = tracked.get(item.ticker)
        if current is not None and current.status is TickerStatus.ACTIVE:
            _settle_active(services, request, item, current.source)
        elif current is not None and current.source != item.source and item.ticker in with_bars:
            reason = f"its stored bars are from {current.source}; another source would be mixed with them"
            with transaction(services.engine) as connection:
                request_store.close(connection, request.request_id, item.ticker, TickerStatus.REJECTED, reason)
        else:
            by_source[str(item.source)].append(item)
    for source_name, described in sorted(by_source.items()):
        _describe_source(services, request, source_name, described)


def _settle_active(services: Services, request: Request, item: RequestTicker, current_source: str) -> None:
    """Closes an active ticker without change, unless the request is for a new model."""
    if request.is_retraining:
        _advance(services, request.request_id, [item.ticker], RequestStage.VALIDATED)
        return
    reason = f"already active, from {current_source}; nothing to do"
    if item.source != current_source:
        reason = f"already active from {current_source}; retire it first to change its source to {item.source}"
    with transaction(services.engine) as connection:
        request_store.close(connection, request.request_id, item.ticker, "already_active", reason)


def _describe_source(
    services: Services,
    request: Request,
    source_name: str,
    items: Sequence[RequestTicker],
) -> None:
    entries = [(item.ticker, source_name, item.history_days) for item in items]
    with transaction(services.engine) as connection:
        registry.upsert_pending(connection, entries, "being validated", request.as_of)
    source = services.sources.get(source_name)
    if source is None:
        reason = f"source {source_name!r} is not set up here (for `files`, set HOURCAST_BARS_DIR)"
        for item in items:
            _close(services, request.request_id, item.ticker, TickerStatus.REJECTED, reason, request.as_of)
        return
    profiles, failures = source.describe([item.ticker for item in items], request.as_of)
    for failure in failures:
        status = TickerStatus.PENDING if failure.is_retryable else TickerStatus.REJECTED
        _close(services, request.request_id, failure.ticker, status, failure.reason, request.as_of)
    with transaction(services.engine) as connection:
        for profile in profiles.values():
            registry.set_profile(connection, profile)
            registry.set_status(connection, profile.ticker, TickerStatus.BACKFILLING, None, request.as_of)
    _advance(services, request.request_id, sorted(profiles), RequestStage.VALIDATED)


def _backfill(services: Services, request_id: str, item: RequestTicker) -> None:
    """Backfills one ticker; each ticker is committed by itself, so that a crash loses one ticker's fetch at most."""
    (profile,) = _profiles(services, [item])
    failure = backfill(services, profile, item.as_of - timedelta(days=item.history_days), item.as_of)
    if failure is not None:
        status = TickerStatus.PENDING if failure.is_retryable else TickerStatus.FAILED
        _close(services, request_id, item.ticker, status, f"backfill: {failure.reason}", item.as_of)
        return
    with transaction(services.engine) as connection:
        if not _is_active(connection, item.ticker):
            registry.set_status(connection, item.ticker, TickerStatus.TRAINING, None, item.as_of)
    _advance(services, request_id, [item.ticker], RequestStage.BACKFILLED)


def _is_active(connection: Connection, ticker: str) -> bool:
    (item,) = registry.get_tickers(connection, [ticker])
    return item.status is TickerStatus.ACTIVE


def _waiting(services: Services, request_id: str, shard: Shard, stage: RequestStage) -> list[RequestTicker]:
    with transaction(services.engine) as connection:
        items = request_store.request_tickers(connection, request_id, shard_index=shard.index)
    return [item for item in items if item.stage is stage and item.result is None]


def _require_nobody_behind(
    services: Services, request_id: str, stage: RequestStage, shard: Shard | None = None
) -> None:
    """Lets a task fail if tickers of the request, or of one shard, without a result have not come to ``stage``.

    Such tickers wait for an earlier task, which failed. If this one succeeded, Airflow would not run it again when a
    person clears the failed tasks, and the tickers would stay where they are.
    """
    with transaction(services.engine) as connection:
        items = request_store.request_tickers(connection, request_id, None if shard is None else shard.index)
    behind = [item for item in items if item.result is None and item.stage.rank < stage.rank]
    if behind:
        message = (
            f"{', '.join(item.ticker for item in behind)}: still at the stage {behind[0].stage.value}, because an "
            f"earlier task of {request_id} failed; clear the failed tasks."
        )
        raise UnfinishedRunError(message)


def _profiles(services: Services, items: Sequence[RequestTicker]) -> list[TickerProfile]:
    with transaction(services.engine) as connection:
        tracked = registry.get_tickers(connection, [item.ticker for item in items]) if items else []
    return [item.profile for item in tracked if item.profile is not None]


def _advance(services: Services, request_id: str, tickers: Sequence[str], stage: RequestStage) -> None:
    with transaction(services.engine) as connection:
        request_store.advance(connection, request_id, tickers, stage)


def _close(
    services: Services,
    request_id: str,
    ticker: str,
    status: TickerStatus,
    reason: str | None,
    at: datetime,
) -> None:
    """Stores a ticker's result in the request and its status in the registry, in one transaction."""
    with transaction(services.engine) as connection:
        if not _is_active(connection, ticker):
            registry.set_status(connection, ticker, status, reason, at)
        request_store.close(connection, request_id, ticker, status.value, reason)


def _stage_counts(services: Services, request_id: str, shard: Shard) -> dict[str, int]:
    with transaction(services.engine) as connection:
        items = request_store.request_tickers(connection, request_id, shard_index=shard.index)
    closed = [item for item in items if item.result is not None]
    return {"backfilled": len(items) - len(closed), "closed": len(closed)}
