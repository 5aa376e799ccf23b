"""### Start or stop tracking tickers.

`validate` → `backfill_history` → `first_training` → `first_forecast` → `activate` → `report`

Trigger it with the tickers you want, one a line. Each is checked with its source. Its history is fetched, its first
model is trained, and its first forecast is made. From the next hour on `hourly_forecast` forecasts it. The view
`bi.ticker_status` shows a ticker's status:
`pending → backfilling → training → active`, or `rejected` / `failed` with the reason, and `retired`.

* One bad ticker among ten does not stop the other nine; `report` lists the result of each.
* A ticker that is already active is not changed, and `report` says so.
* A ticker whose source cannot be reached stays `pending` with the reason, and later hours try again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.contracts import AUTOMATIC
from include.edge import DEFAULT_ARGS, TRAINING_POOL, requested_as_of

PARAMS: dict[str, Any] = {
    "tickers": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 64},
        title="Tickers to track",
        description_md="One a line, as Yahoo spells them: `AAPL`, `2330.TW`, `BTC-USD`, `EURUSD=X`. "
        "A name that ends in `.SIM` is a simulated ticker.",
    ),
    "retire_tickers": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 64},
        title="Tickers to retire",
        description_md="One a line. Their history stays; forecasts stop.",
    ),
    "source": Param(
        default=AUTOMATIC,
        type="string",
        enum=[AUTOMATIC, "yahoo", "files", "simulated"],
        title="Source of the bars",
        description_md="Automatic: `simulated` for names that end in `.SIM`, otherwise `yahoo`. "
        "`files` reads the folder `HOURCAST_BARS_DIR`.",
    ),
    "history_days": Param(
        default=None,
        type=["null", "integer"],
        minimum=1,
        maximum=7300,
        title="Days of history",
        description_md="Empty: the setting `HOURCAST_HISTORY_DAYS`. Yahoo gives 729 days of hourly bars at most.",
    ),
    "retrain": Param(
        default=False,
        type="boolean",
        title="Train active tickers again",
        description_md="Fetch the history of tickers that are active already again, and train them from the start.",
    ),
    "rescale": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 128},
        title="Decisions about price steps",
        description_md="One a line, for a ticker that is held: `TICKER OPENED_AT FACTOR`, or `TICKER OPENED_AT move`. "
        "`OPENED_AT` is when the first bar after the step opened; `FACTOR` is old prices over new ones (a 4:1 split is "
        "4). Add `unit` if the volumes stayed as they were: `EZJ.L 2026-11-17T08:00Z 100 unit`. The open questions are "
        "in `bi.event`.",
    ),
    "as_of": Param(
        default=None,
        type=["null", "string"],
        format="date-time",
        title="As of (for replays)",
        description_md="Onboard as if it were this instant; empty: now.",
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="onboard_ticker",
    schedule=None,
    start_date=datetime.fromisoformat("2020-01-01T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=DEFAULT_ARGS,
    params=PARAMS,
    tags=["hourcast"],
    doc_md=__doc__,
)
def onboard_ticker() -> None:
    """Wires the stages; every body is one import, one call, one small value."""

    @task
    def validate() -> list[Json]:
        from include.pipeline import tasks

        context = get_current_context()
        params = context["params"]
        return tasks.validate(context["run_id"], requested_as_of(context, params["as_of"]), params)

    @task(map_index_template="shard {{ task.op_kwargs['shard']['index'] }}")
    def backfill_history(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.backfill_history(get_current_context()["run_id"], shard)

    @task(
        trigger_rule="all_done",
        pool=TRAINING_POOL,
        map_index_template="shard {{ task.op_kwargs['shard']['index'] }}",
    )
    def first_training(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.first_training(get_current_context()["run_id"], shard)

    @task(
        trigger_rule="all_done",
        pool=TRAINING_POOL,
        map_index_template="shard {{ task.op_kwargs['shard']['index'] }}",
    )
    def first_forecast(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.first_forecast(get_current_context()["run_id"], shard)

    @task(trigger_rule="all_done")
    def activate() -> Json:
        from include.pipeline import tasks

        return tasks.activate(get_current_context()["run_id"])

    @task(trigger_rule="all_done", retries=0)
    def report(shards: list[Json] | None) -> Json:
        from include.pipeline import tasks

        return tasks.report(get_current_context()["run_id"], shards)

    shards = validate()
    backfilled = backfill_history.expand(shard=shards)
    trained = first_training.expand(shard=shards)
    forecast = first_forecast.expand(shard=shards)
    reported = report(shards)  # type: ignore[arg-type]  # wired with a reference, called with what it stands for
    backfilled >> trained >> forecast >> activate() >> reported


onboard_ticker()
