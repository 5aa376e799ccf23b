"""### Train a new backbone from the bars of all tracked tickers.

`plan` → `train` → `score` → `promote`, or with `HOURCAST_PROMOTION=approval`
`plan` → `train` → `score` → `judge` → `needs_approval` → `approve` → `promote`

Every new ticker starts from the *backbone*, a network that was trained on many tickers. One is shipped with the code.
This DAG trains another on the bars in Postgres, on request or by the schedule `HOURCAST_PRETRAIN_SCHEDULE`.

* The newest days (*Days held out*) are not trained on. On them the new backbone is compared by CRPS with the present
  one, with the scale alone and with HAR, in each market. It is promoted only if it is better, or not worse where the
  present one has drifted; `promote` says the decision. docs/drift.md has the rule.
* With `HOURCAST_PROMOTION=approval`, one that passes waits in `approve` for a person (*Required Actions*), at most
  `HOURCAST_APPROVAL_HOURS`. Without an answer it is rejected. Until then the present backbone serves.
* *Compare with* trains LSTM, TCN or LightGBM on the same bars and scores them beside the new backbone, for comparison
  only: `select * from bi.backbone_leaderboard`.
* A run has one instant, `as_of`: it reads nothing that became known later. Hours from that instant on use the newest
  promoted backbone. An hour that was planned before keeps its backbone in every rerun.
* In the first hour with a new backbone, each ticker's challenger restarts from it.
* All backbones: `select * from bi.backbone`; the comparisons: `select * from bi.backbone_score`. Clearing a task and
  running it again changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from include.edge import AS_OF_PATTERN, TRAINING_POOL, dag_args, requested_as_of, with_note
from include.settings import load_settings

SETTINGS = load_settings()
CRON = SETTINGS.schedule.pretrain_schedule
NEEDS_APPROVAL = SETTINGS.schedule.promotion == "approval"
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
    "taught_days": Param(
        default=None,
        type=["null", "integer"],
        minimum=14,
        maximum=7300,
        title="Days that teach",
        description_md="So many days before those that are held out teach the backbone. Empty: all. After a change of "
        "the market, older days teach what no longer holds.",
        section="Advanced",
    ),
    "compare_with": Param(
        default=None,
        type=["null", "array"],
        items={"enum": ["lstm", "tcn", "lightgbm"]},
        examples=["lstm", "tcn", "lightgbm"],
        title="Compare with",
        description_md="These methods are trained on the same bars and scored beside the backbone; they never serve. "
        "LightGBM must be installed where training runs.",
        section="Advanced",
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
    **dag_args(),
    dagrun_timeout=timedelta(hours=4 + (SETTINGS.schedule.approval_hours if NEEDS_APPROVAL else 0)),
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

    @task(pool=TRAINING_POOL, queue=SETTINGS.schedule.training_queue)
    def train() -> Json:
        from include.pipeline.pretraining import tasks

        return tasks.train(get_current_context()["run_id"])

    @task(pool=TRAINING_POOL)
    def score() -> Json:
        from include.pipeline.pretraining import tasks

        return tasks.score(get_current_context()["run_id"])

    @task(pool=TRAINING_POOL, queue=SETTINGS.schedule.training_queue)
    def compare() -> Json:
        from include.pipeline.pretraining import tasks

        context = get_current_context()
        return tasks.compare(context["run_id"], context["params"]["compare_with"])

    @task
    def judge() -> Json:
        from include.pipeline.pretraining import tasks

        context = get_current_context()
        return with_note(context, lambda: tasks.judge(context["run_id"]))

    @task.short_circuit
    def needs_approval(judged: Json) -> bool:
        return bool(judged["is_open"])

    @task
    def promote() -> Json:
        from include.pipeline.pretraining import tasks

        context = get_current_context()
        response = context["ti"].xcom_pull(task_ids="approve") if NEEDS_APPROVAL else None
        return with_note(context, lambda: tasks.promote(context["run_id"], response))

    scored = plan() >> train() >> score()
    scored >> compare()
    if NEEDS_APPROVAL:
        judged = judge()
        scored >> judged
        needs_approval(judged) >> approval() >> promote()  # type: ignore[arg-type]  # called with their values
    else:
        scored >> promote()


def approval() -> HITLOperator:
    """The task that waits for a person; without an answer in time, Airflow takes the default."""
    return HITLOperator(
        task_id="approve",
        subject="Let backbone {{ ti.xcom_pull(task_ids='judge')['model_version'][:12] }} serve?",
        body="It is {{ ti.xcom_pull(task_ids='judge')['reason'] }}.\n\n"
        "The comparisons: select * from bi.backbone_score where request_id = '{{ run_id }}'",
        options=["Approve", "Reject"],
        defaults="Reject",
        params={"reason": Param("", type="string", title="Why")},
        response_timeout=timedelta(hours=SETTINGS.schedule.approval_hours),
    )


pretrain_backbone()
