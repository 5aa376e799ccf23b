"""### Start or stop tracking tickers.

`validate` → `backfill_history` → `first_training` → `first_forecast` → `activate` → `report`

Trigger it with the tickers you want. Each is checked with its source. Its history is fetched, its first
model is trained, and its first forecast is made. From the next hour on `hourly_forecast` forecasts it. The view
`bi.ticker_status` shows a ticker's status:
`pending → backfilling → training → active`, or `rejected` / `failed` with the reason, and `retired`.

* One bad ticker among ten does not stop the other nine. The log of `report` has a line for each ticker, and the note
  of the run says what became of them.
* A ticker that is already active is not changed, and `report` says so.
* A ticker whose source cannot be reached stays `pending` with the reason, and later hours try again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.contracts import AUTOMATIC
from include.edge import (
    AS_OF_PATTERN,
    TICKERS,
    TRAINING_POOL,
    dag_args,
    refusal_of,
    requested_as_of,
    requested_by,
    with_note,
)
from include.settings import load_settings

ADVANCED = "Advanced"
SETTINGS = load_settings()
HISTORY_DAYS = SETTINGS.market.history_days
PARAMS: dict[str, Any] = {
    "tickers": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 20_000},
        title="Tickers to track",
        description_md="As Yahoo spells them, such as AAPL, 2330.TW, BTC-USD or EURUSD=X; one a line, or with commas "
        "or spaces between them. A name that ends in .SIM is a simulated ticker.",
    ),
    "retire_tickers": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 20_000},
        title="Tickers to retire",
        description_md="Their forecasts stop. Their history stays, and they can come back.",
    ),
    "source": Param(
        default=AUTOMATIC,
        type="string",
        enum=[AUTOMATIC, "yahoo", "files", "simulated"],
        values_display={
            AUTOMATIC: "Automatic: Yahoo, or simulated for names that end in .SIM",
            "yahoo": "Yahoo",
            "files": "Files in the folder HOURCAST_BARS_DIR",
            "simulated": "Simulated market",
        },
        title="Source of the bars",
    ),
    "history_days": Param(
        default=None,
        type=["null", "integer"],
        minimum=1,
        maximum=7300,
        title="Days of history",
        description_md=f"How many days of bars to fetch. Empty: {HISTORY_DAYS}. Yahoo has 729 days of hourly bars at "
        "most.",
        section=ADVANCED,
    ),
    "retrain": Param(
        default=False,
        type="boolean",
        title="Train active tickers again",
        description_md="Fetch the history of tickers that are active already again, and train them from the start.",
        section=ADVANCED,
    ),
    "rescale": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 128},
        title="Decisions about price steps",
        description_md="One a line, for a ticker that is held: the ticker, the instant at which the first bar after "
        "the step opened, and old prices over new ones (4 for a 4:1 split) or the word move. Add the word unit if the "
        "volumes stayed as they were: EZJ.L 2026-11-17T08:00Z 100 unit. The view bi.event has the open questions.",
        section=ADVANCED,
    ),
    "as_of": Param(
        default=None,
        type=["null", "string"],
        format="date-time",
        pattern=AS_OF_PATTERN,
        title="As of (for replays)",
        description_md="Onboard as if it were this instant, for example 2025-03-31T20:35:00+00:00. Empty: now.",
        section=ADVANCED,
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="onboard_ticker",
    dag_display_name="Onboard tickers",
    description="Starts or stops tracking tickers: history, first model, first forecast.",
    schedule=None,
    **dag_args(),
    dagrun_timeout=timedelta(hours=12),
    params=PARAMS,
    tags=["hourcast", "tickers"],
    doc_md=__doc__,
)
def onboard_ticker() -> None:
    """Wires the stages; every body is one import, one call, one small value."""

    @task
    def validate() -> list[Json]:
        from include.pipeline import tasks

        context = get_current_context()
        params = context["params"]

        def work() -> list[Json]:
            as_of = requested_as_of(context, params["as_of"])
            return tasks.validate(context["run_id"], as_of, params, requested_by(context))

        return with_note(context, work)

    @task(map_index_template="shard {{ task.op_kwargs['shard']['index'] }}")
    def backfill_history(shard: Json) -> Json:
        from include.pipeline import tasks

        return tasks.backfill_history(get_current_context()["run_id"], shard)

    @task(
        trigger_rule="all_done",
        pool=TRAINING_POOL,
        queue=SETTINGS.schedule.training_queue,
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

    @task(trigger_rule="all_done", outlets=[TICKERS], show_return_value_in_logs=False)
    def report(shards: list[Json] | None) -> Json:
        from include.pipeline import tasks

        context = get_current_context()
        refusal = refusal_of(context, "validate")

        def work() -> Json:
            return tasks.report(context["run_id"], shards, refusal)

        as_of = requested_as_of(context, context["params"]["as_of"])
        return with_note(context, work, TICKERS, as_of)

    shards = validate()
    backfilled = backfill_history.expand(shard=shards)
    trained = first_training.expand(shard=shards)
    forecast = first_forecast.expand(shard=shards)
    reported = report(shards)  # type: ignore[arg-type]  # wired with a reference, called with what it stands for
    backfilled >> trained >> forecast >> activate() >> reported


onboard_ticker()
