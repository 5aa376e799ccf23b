"""The stages of an hour: plan, fetch, features, fine-tune, predict, score, check.

The first stage stores the hour's plan in Postgres. Every later stage reads from that plan which tickers it works on,
and stores its results by ticker and ``as_of``. So a stage can be run again at any time. A ticker with a problem gets an
outcome with the reason; the other tickers go on. Where next: ``models/challengers.py`` and ``models/forecasting.py``
for what happens to one shard's models, ``scoring.py`` for what happens when the target bars are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from include.contracts import Freshness, OutcomeStatus, PlannedTicker, Shard, Stage
from include.errors import MarketUnavailableError, UnfinishedRunError
from include.pipeline import scoring
from include.pipeline.data import due, featuring, fetching, nights, scale_notes
from include.pipeline.data.freshness import update_freshness
from include.pipeline.data.known_days import measure_known_days
from include.pipeline.models import challengers, forecasting
from include.pipeline.models.backbones import settle_backbone
from include.pipeline.services import Services
from include.store import forecasts as forecast_store
from include.store import freshness as freshness_store
from include.store import registry
from include.store.engine import Connection, transaction
from include.store.forecasts import Anchored


def plan_hour(services: Services, as_of: datetime) -> list[Shard]:
    """The hour's shards. Its first run stores them, with the backbone in use; every later run reads them."""
    schedule = services.settings.schedule
    settle_backbone(services, as_of)
    with transaction(services.engine) as connection:
        return registry.plan_hour(connection, as_of, schedule.shard_count, schedule.shard_minimum_tickers)


def fetch_bars(services: Services, shard: Shard) -> dict[str, int]:
    """Fetches and stores the bars that have closed for a shard; counts of tickers fetched, not due and failed.

    In an hour that refreshes a night, the night's prices are fetched too; that they cannot be had fails no ticker. A
    ticker that this hour has fetched already is not fetched again, so that a rerun reads what the hour read.

    Raises:
        MarketUnavailableError: every ticker that was due failed, for reasons that may pass; retry the shard.
    """
    waiting = _waiting(services, shard, Stage.PLANNED, also_failed=True)
    profiles = [item.profile for item in waiting]
    requests = due.due_requests(services, profiles, shard.as_of)
    failures = fetching.fetch(services, requests, shard.as_of)
    update_freshness(services, profiles, shard.as_of)
    measure_known_days([profile.calendar for profile in profiles], shard.as_of)
    failed = {failure.ticker for failure in failures}
    blind = nights.fetch(services, [profile for profile in profiles if profile.ticker not in failed], shard.as_of)
    fetched = [item.profile.ticker for item in waiting if item.profile.ticker not in failed]
    with transaction(services.engine) as connection:
        registry.advance(connection, shard.as_of, fetched, Stage.FETCHED)
        registry.record_outcomes(
            connection,
            shard.as_of,
            {failure.ticker: (OutcomeStatus.FAILED, f"fetch: {failure.reason}") for failure in failures}
            | {ticker: (OutcomeStatus.PLANNED, f"no refresh: {reason}") for ticker, reason in blind.items()},
        )
    if requests and len(failures) == len(requests) and all(failure.is_retryable for failure in failures):
        message = (
            f"none of {len(requests)} tickers due at {shard.as_of.isoformat()} could be fetched: {failures[0].reason}"
        )
        raise MarketUnavailableError(message)
    return {"fetched": len(requests) - len(failed), "not_due": len(waiting) - len(requests), "failed": len(failed)}


def compute_features(services: Services, shard: Shard) -> dict[str, int]:
    """Stores the feature rows of the newest bars; counts of rows, and of tickers featured, skipped and failed.

    A ticker is skipped if its bars are stale, or if since its last forecast neither a new bar has closed nor a new
    price of extended hours become known.

    Raises:
        UnfinishedRunError: an earlier stage has left tickers of the shard behind; the others are done.
    """
    waiting = _waiting(services, shard, Stage.FETCHED)
    skipped, refreshed = _without_new_bar(services, waiting, shard.as_of)
    profiles = [item.profile for item in waiting if item.profile.ticker not in skipped]
    row_count, problems = featuring.update_features(services.engine, profiles, shard.as_of)
    featured = [profile.ticker for profile in profiles if profile.ticker not in problems]
    outcomes = {ticker: (OutcomeStatus.SKIPPED, reason) for ticker, reason in skipped.items()}
    outcomes |= {ticker: (OutcomeStatus.FAILED, f"features: {reason}") for ticker, reason in problems.items()}
    with transaction(services.engine) as connection:
        registry.record_outcomes(connection, shard.as_of, outcomes)
        freshness_store.record_refreshes(connection, shard.as_of, refreshed)
        registry.advance(connection, shard.as_of, featured, Stage.FEATURED)
    _require_nobody_behind(services, shard, Stage.FEATURED)
    return {"rows": row_count, "featured": len(featured), "skipped": len(skipped), "failed": len(problems)}


def fine_tune(services: Services, shard: Shard) -> dict[str, int]:
    """Tests and trains the tickers' challengers; counts of tickers trained, restarted and without a model.

    A ticker whose forecast is only refreshed has no new bar to learn from, and is not trained.

    Raises:
        UnfinishedRunError: an earlier stage has left tickers of the shard behind; the others are done.
    """
    waiting = _waiting(services, shard, Stage.FEATURED, or_later=True)
    profiles = [item.profile for item in waiting if not item.is_refresh]
    counts = challengers.fine_tune(services, profiles, shard.as_of)
    with transaction(services.engine) as connection:
        registry.advance(connection, shard.as_of, [item.profile.ticker for item in waiting], Stage.TRAINED)
    _require_nobody_behind(services, shard, Stage.TRAINED)
    return {
        "trained": counts.trained_count,
        "restarted": counts.restarted_count,
        "without_model": counts.without_model_count,
    }


def predict(services: Services, shard: Shard) -> dict[str, int]:
    """Stores the shard's forecasts and their baselines; counts of tickers by outcome.

    Raises:
        UnfinishedRunError: an earlier stage has left tickers of the shard behind; the others are done.
    """
    waiting = _waiting(services, shard, Stage.TRAINED, or_later=True)
    profiles = [item.profile for item in waiting]
    results = forecasting.forecast(services, profiles, shard.as_of, written_by="hourly")
    late_reasons = {item.profile.ticker: item.freshness.late_reason for item in waiting if item.freshness}
    with transaction(services.engine) as connection:
        notes = scale_notes.notes(connection, list(results), shard.as_of)
    results = {
        ticker: (status, "; ".join(filter(None, (reason, late_reasons.get(ticker), notes.get(ticker)))) or None)
        for ticker, (status, reason) in results.items()
    }
    with transaction(services.engine) as connection:
        registry.record_outcomes(connection, shard.as_of, results)
        forecast_tickers = [t for t, (status, _) in results.items() if status is not OutcomeStatus.FAILED]
        registry.advance(connection, shard.as_of, forecast_tickers, Stage.PREDICTED)
    _require_nobody_behind(services, shard, Stage.PREDICTED)
    statuses = [status for status, _ in results.values()]
    return {status.value: statuses.count(status) for status in sorted(set(statuses))}


def score(services: Services, as_of: datetime) -> dict[str, int]:
    """Scores every forecast whose target bar has become known; the count of forecasts scored.

    Raises:
        UnfinishedRunError: the hour has no plan, or tickers wait for their bars; what could be scored is.
    """
    count = scoring.score_matured(services.engine, as_of)
    with transaction(services.engine) as connection:
        unfetched = freshness_store.unfetched_count(connection, as_of)
    if unfetched is None or unfetched:
        missing = "the plan is" if unfetched is None else f"the bars of {unfetched} tickers are"
        message = (
            f"{count} forecasts are scored, but {missing} missing at {as_of.isoformat()}, because an earlier task "
            "failed; clear the failed tasks."
        )
        raise UnfinishedRunError(message)
    return {"scored": count}


def check_hour(services: Services, as_of: datetime) -> dict[str, int]:
    """The hour's outcomes: counts of tickers by status.

    Raises:
        UnfinishedRunError: a planned ticker has no outcome because its shard did not finish, or every ticker failed.
    """
    with transaction(services.engine) as connection:
        counts = registry.hour_summary(connection, as_of)
    unfinished = counts.get(OutcomeStatus.PLANNED, 0)
    total = sum(counts.values())
    if unfinished:
        message = f"{unfinished} of {total} tickers of {as_of.isoformat()} have no outcome; clear the failed tasks."
        raise UnfinishedRunError(message)
    if total and counts.get(OutcomeStatus.FAILED, 0) == total:
        message = f"all {total} tickers of {as_of.isoformat()} failed; bi.hour_outcome says why."
        raise UnfinishedRunError(message)
    return {status.value: count for status, count in counts.items()}


def hour_results(services: Services, as_of: datetime) -> dict[str, dict[str, str]]:
    """The hour's outcomes: status -> ticker -> reason, which may be empty."""
    with transaction(services.engine) as connection:
        return registry.hour_results(connection, as_of)


def run_hour(services: Services, as_of: datetime) -> dict[str, int]:
    """Runs the whole hour in this process, as the DAG does, without Airflow; counts of tickers by outcome."""
    shards = plan_hour(services, as_of)
    for stage in (fetch_bars, compute_features, fine_tune, predict):
        for shard in shards:
            _run_stage(stage, services, shard)
    score(services, as_of)
    return check_hour(services, as_of)


def _run_stage(stage: Callable[[Services, Shard], object], services: Services, shard: Shard) -> None:
    try:
        stage(services, shard)
    except MarketUnavailableError:
        return  # the outcomes hold the reason, and check_hour counts them


def _waiting(
    services: Services,
    shard: Shard,
    stage: Stage,
    *,
    also_failed: bool = False,
    or_later: bool = False,
) -> list[PlannedTicker]:
    """The shard's tickers that have reached ``stage`` and are neither skipped nor failed."""
    with transaction(services.engine) as connection:
        planned = registry.planned_tickers(connection, shard)
    left = {OutcomeStatus.SKIPPED} if also_failed else {OutcomeStatus.SKIPPED, OutcomeStatus.FAILED}
    if or_later:
        return [item for item in planned if item.stage.rank >= stage.rank and item.status not in left]
    return [item for item in planned if item.stage is stage and item.status not in left]


def _require_nobody_behind(services: Services, shard: Shard, stage: Stage) -> None:
    """Lets a task fail whose shard has tickers without a result that are not at ``stage``.

    Such tickers wait for an earlier task of the shard, which failed. If this one succeeded, Airflow would not run it
    again when a person clears the failed tasks, and the tickers would never be forecast.
    """
    with transaction(services.engine) as connection:
        planned = registry.planned_tickers(connection, shard)
    behind = [item for item in planned if item.status is OutcomeStatus.PLANNED and item.stage.rank < stage.rank]
    if behind:
        message = (
            f"{len(behind)} of {len(planned)} tickers of shard {shard.index} at {shard.as_of.isoformat()} are still at "
            f"the stage {behind[0].stage.value}, because an earlier task of the shard failed; clear the failed tasks."
        )
        raise UnfinishedRunError(message)


def _without_new_bar(
    services: Services, waiting: Sequence[PlannedTicker], as_of: datetime
) -> tuple[dict[str, str], set[str]]:
    """The tickers to skip, each with the reason, and those whose forecast is refreshed without a new bar."""
    found = {item.profile.ticker: item for item in waiting if item.freshness}
    with transaction(services.engine) as connection:
        anchored = forecast_store.last_anchored(connection, list(found), before=as_of)
        reasons = {
            ticker: reason
            for ticker, item in found.items()
            if item.freshness and (reason := _reason_to_skip(item.freshness, anchored.get(ticker)))
        }
        idle = [found[ticker] for ticker in reasons if _is_idle(found[ticker], anchored.get(ticker))]
        refreshed = _refreshed(services, connection, idle, anchored, as_of)
    skipped = {ticker: reason for ticker, reason in reasons.items() if ticker not in refreshed}
    blind = {
        item.profile.ticker: item.reason or nights.why_blind(anchored[item.profile.ticker].believed_at)
        for item in idle
        if item.profile.ticker in skipped and nights.night_at(services, item.profile, as_of) is not None
    }
    return {ticker: "; ".join(filter(None, (skipped[ticker], blind.get(ticker)))) for ticker in skipped}, refreshed


def _is_idle(item: PlannedTicker, anchored: Anchored | None) -> bool:
    """Whether a ticker is neither late nor stale, and its newest bar has its forecast."""
    fresh = item.freshness
    return (
        fresh is not None
        and anchored is not None
        and fresh.newest_at == anchored.anchored_at
        and fresh.late_reason is None
        and fresh.status_reason is None
    )


def _refreshed(
    services: Services,
    connection: Connection,
    idle: Sequence[PlannedTicker],
    anchored: Mapping[str, Anchored],
    as_of: datetime,
) -> set[str]:
    """Of the tickers without a new bar, those with a price of extended hours newer than their last forecast's."""
    held = scale_notes.held(connection, [item.profile.ticker for item in idle], as_of)
    profiles = [item.profile for item in idle if item.profile.ticker not in held]
    newest = {profile.ticker: anchored[profile.ticker].anchored_at for profile in profiles}
    believed = nights.believed_at(services, connection, profiles, newest, as_of)
    used = {ticker: anchored[ticker].believed_at or anchored[ticker].anchored_at for ticker in believed}
    return {ticker for ticker, price in believed.items() if price.believed.priced_at > used[ticker]}


def _reason_to_skip(item: Freshness, anchored: Anchored | None) -> str | None:
    if item.newest_at is None:
        return "no bar is known yet"
    if item.status_reason is not None:
        return item.status_reason
    if anchored is not None and item.newest_at <= anchored.anchored_at:
        return item.late_reason or item.nothing_new_reason
    return None
