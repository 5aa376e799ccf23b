"""### One hour of Hourcast.

`plan` → `fetch_bars` → `compute_features` → `fine_tune` → `predict` → `score` → `check_hour`

Every hour this DAG fetches the bars that have closed, computes features, fine-tunes each ticker's Transformer (or those
that `HOURCAST_TRAINING_POLICY` names), and writes forecasts with quantiles to Postgres (`bi.latest_forecast`).

* A run has one instant, `as_of`: the end of its data interval. It reads nothing that became known later. So a
  backfill over past hours is a walk-forward replay, and a rerun writes the same bytes.
* At night an hour may refresh the forecasts of New York's tickers from a price of the extended hours, without training
  (`HOURCAST_NIGHT_REFRESHES`). For the last of these refreshes there is an additional run at 09:25 New York.
* The middle tasks are mapped over shards of tickers. A ticker without anything new is skipped. A ticker with a
  problem gets an outcome with the reason. Other tickers are not affected: see `bi.hour_outcome`.
* `check_hour` fails when a shard did not finish. Clear the failed tasks and the hour repairs itself. What it found is
  the note of the run, and it updates the asset `hourcast_forecasts`, so that other DAGs can run after it.
* `retry_pending` asks `onboard_ticker` to try again for tickers that could not be reached or lost their model.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import MultipleCronTriggerTimetable, dag, get_current_context, task

from include.edge import FORECASTS, TRAINING_POOL, dag_args, run_as_of, with_note
from include.settings import load_settings

SCHEDULE = load_settings().schedule
EVERY_HOUR = f"{SCHEDULE.schedule_minute} * * * *"
Json = dict[str, Any]


@dag(
    dag_id="hourly_forecast",
    dag_display_name="Hourly forecast",
    description="Fetches new bars, trains, and forecasts the next seven bars of every tracked ticker.",
    # New York's clock, for its additional run before the open; whole hours are the same on every clock of full hours
    schedule=MultipleCronTriggerTimetable(
        *([EVERY_HOUR, SCHEDULE.night_schedule] if SCHEDULE.night_refreshes else [EVERY_HOUR]),
        timezone="America/New_York",
        interval=timedelta(hours=1),
    ),
    **dag_args(),
    dagrun_timeout=timedelta(hours=2),
    tags=["hourcast", "forecasts"],
    doc_md=__doc__,
)
def hourly_forecast() -> None:
    """Wires the tasks of an hour; every task body is one import, one call, one small value."""

    @task
    def plan() -> list[Json]:
        from include.pipeline import tasks

        return tasks.plan_hour(run_as_of(get_current_context()))

    @task(map_index_template="shard {{ task.op_kwargs['shard']['index'] }}")
    def fetch_bars(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.fetch_bars(shard)

    # Shards wait for each other at every stage, but one that fails does not fail the others: each stage reads from
    # Postgres which tickers it works on, and check_hour fails the run if a shard did not finish.
    @task(trigger_rule="all_done", map_index_template="shard {{ task.op_kwargs['shard']['index'] }}")
    def compute_features(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.compute_features(shard)

    @task(
        trigger_rule="all_done",
        pool=TRAINING_POOL,
        queue=SCHEDULE.training_queue,
        map_index_template="shard {{ task.op_kwargs['shard']['index'] }}",
    )
    def fine_tune(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.fine_tune(shard)

    @task(
        trigger_rule="all_done",
        pool=TRAINING_POOL,
        map_index_template="shard {{ task.op_kwargs['shard']['index'] }}",
    )
    def predict(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.predict(shard)

    @task(trigger_rule="all_done")
    def score() -> Json:
        from include.pipeline import tasks

        return tasks.score(run_as_of(get_current_context()))

    # It is tried again if it was killed. An hour that is not whole is a permanent error: it fails at once.
    @task(trigger_rule="all_done", outlets=[FORECASTS])
    def check_hour(shards: list[Json] | None, scored: Json | None) -> Json:
        from include.pipeline import tasks

        context = get_current_context()
        as_of = run_as_of(context)
        return with_note(context, lambda: tasks.check_hour(as_of, shards, scored), FORECASTS, as_of)

    @task(trigger_rule="all_done")
    def list_pending() -> list[Json]:
        from include.pipeline import tasks

        return tasks.pending_requests(run_as_of(get_current_context()))

    retry_pending = TriggerDagRunOperator.partial(
        task_id="retry_pending",
        trigger_dag_id="onboard_ticker",
        trigger_run_id="pending__{{ run_id }}__{{ ti.map_index }}",
        logical_date=None,
        skip_when_already_exists=True,
    )

    shards = plan()
    fetched = fetch_bars.expand(shard=shards)
    featured = compute_features.expand(shard=shards)
    tuned = fine_tune.expand(shard=shards)
    predicted = predict.expand(shard=shards)
    scored = score()
    check_hour(shards, scored)  # type: ignore[arg-type]  # wired with references, called with their values
    fetched >> featured >> tuned >> predicted >> scored
    pending = list_pending()
    scored >> pending
    retry_pending.expand(conf=pending)


hourly_forecast()
