"""### Looks at drift once a day, and has another backbone trained when that is needed.

`look` → `review` → `decide` → `needs_training` → `pretrain`

* `look` counts the day before in the tests of drift: `select * from bi.drift where is_newest`.
* `review` takes a backbone back that lost its first two weeks to the one before it, or confirms it.
* `decide` has another backbone trained if drift of the forecasts is proven, or if the bars that trained the present one
  end more than `HOURCAST_BACKBONE_MAX_AGE_DAYS` days ago. The note of the run says why, or why not.
* `pretrain` starts the DAG `pretrain_backbone`. What it trains serves only if it is not worse.
* All decisions: `select * from bi.model_operation`. Clearing a task and running it again changes nothing.
* To take the present backbone back by hand, see docs/operations.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.edge import dag_args, run_as_of, with_note

REQUEST_ID = "drift__{{ run_id }}"
Json = dict[str, Any]


@dag(
    dag_id="watch_models",
    dag_display_name="Watch models",
    description="Looks at drift once a day, and has another backbone trained when that is needed.",
    # a quarter past three in UTC: New York's day is over, and its last bars are scored
    schedule=CronTriggerTimetable("15 3 * * *", timezone="UTC", interval=timedelta(days=1)),
    **dag_args(),
    dagrun_timeout=timedelta(hours=4),
    tags=["hourcast", "training"],
    doc_md=__doc__,
)
def watch_models() -> None:
    """Wires the steps; every body is one import, one call, one small value."""

    @task
    def look() -> Json:
        from include.pipeline.watching import tasks

        return tasks.look(run_as_of(get_current_context()))

    @task
    def review() -> Json:
        from include.pipeline.pretraining import tasks

        return tasks.review(run_as_of(get_current_context()))

    @task
    def decide() -> Json:
        from include.pipeline.watching import tasks

        context = get_current_context()
        return with_note(context, lambda: tasks.decide(run_as_of(context), f"drift__{context['run_id']}"))

    @task.short_circuit
    def needs_training(decided: Json) -> bool:
        return bool(decided["decision"] == "retrain")

    pretrain = TriggerDagRunOperator(
        task_id="pretrain",
        trigger_dag_id="pretrain_backbone",
        trigger_run_id=REQUEST_ID,
        conf="{{ ti.xcom_pull(task_ids='decide')['form'] | tojson }}",  # type: ignore[arg-type]  # text is read as JSON
        logical_date=None,
        skip_when_already_exists=True,
    )

    decided = decide()
    look() >> review() >> decided
    needs_training(decided) >> pretrain  # type: ignore[arg-type]  # wired with references, called with their values


watch_models()
