"""### Train a new backbone from the bars of all tracked tickers.

`plan` → `train` → `score` → `promote`

Every new ticker starts from the *backbone*, a network that was trained on many tickers. One is shipped with the code.
This DAG trains another on the bars in Postgres, on request or by the schedule `HOURCAST_PRETRAIN_SCHEDULE`.

* The newest days (*Days held out*) are not trained on. On them the new backbone is compared by CRPS with the scale
  alone and with the present backbone. It is promoted only if it is worse than neither; `promote` says the decision.
* A run has one instant, `as_of`: it reads nothing that became known later. Hours from that instant on use the newest
  promoted backbone. An hour that was planned before keeps its backbone in every rerun.
* In the first hour with a new backbone, each ticker's challenger restarts from it.
* All backbones and their scores: `select * from bi.backbone`. Clearing a task and running it again changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from include.edge import AS_OF_PATTERN, DEFAULT_ARGS, TRAINING_POOL, requested_as_of
from include.settings import load_settings

SETTINGS = load_settings()
CRON = SETTINGS.schedule.pretrain_schedule
PARAMS: dict[str, Any] = {
    "simulated_tickers": Param(
        default=None,
        type=["null", "integer"],
        minimum=0,
        maximum=200,
        title="Simulated tickers beside them",
        description_md="So many invented tickers teach beside the tracked ones, and are not scored. Empty: as many as "
        "make 25 in all, since a few tickers alone teach too little.",
    ),
    "held_out_days": Param(
        default=28,
        type="integer",
        minimum=7,
        maximum=365,
        title="Days held out",
        description_md="The newest days judge the backbone, and do not teach it.",
    ),
    "seed": Param(
        default=None,
        type=["null", "integer"],
        minimum=0,
        title="Seed",
        description_md=f"Another seed gives another backbone. Empty: {SETTINGS.model.seed}.",
        section="Advanced",
    ),
    "as_of": Param(
        default=None,
        type=["null", "string"],
        format="date-time",
        pattern=AS_OF_PATTERN,
        title="As of (for replays)",
        description_md="Train as if it were this instant, for example 2025-03-31T20:35:00+00:00. Empty: now.",
        section="Advanced",
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="pretrain_backbone",
    dag_display_name="Pre-train backbone",
    description="Trains the network that new tickers start from again, and uses it if it is better.",
    schedule=CronTriggerTimetable(CRON, timezone="UTC") if CRON else None,
    start_date=datetime.fromisoformat("2020-01-01T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
    default_args=DEFAULT_ARGS,
    params=PARAMS,
    tags=["hourcast", "training"],
    doc_md=__doc__,
)
def pretrain_backbone() -> None:
    """Wires the stages; every body is one import, one call, one small value."""

    @task
    def plan() -> Json:
        from include.pipeline.pretraining import tasks

        context = get_current_context()
        params = context["params"]
        return tasks.plan(context["run_id"], requested_as_of(context, params["as_of"]), params)

    @task(pool=TRAINING_POOL)
    def train() -> Json:
        from include.pipeline.pretraining import tasks

        return tasks.train(get_current_context()["run_id"])

    @task(pool=TRAINING_POOL)
    def score() -> Json:
        from include.pipeline.pretraining import tasks

        return tasks.score(get_current_context()["run_id"])

    @task
    def promote() -> Json:
        from include.pipeline.pretraining import tasks

        return tasks.promote(get_current_context()["run_id"])

    plan() >> train() >> score() >> promote()


pretrain_backbone()
