"""### Tunes a language model on questions about the stored filings.

`prepare` → `train` → `merge` → `evaluate` → `promote`

* It needs an environment of its own, which `make venv-language` makes. Without it `prepare` says so, and nothing runs.
* *Settings* names a YAML file in the folder `settings` of `HOURCAST_LANGUAGE_DIR`; `examples/language.yaml` has every
  setting. `prepare` makes a version of the questions from the filings that were known at *As of*, and from the files
  that the settings name.
* `train` trains an adapter (LoRA). A try ends after 40 minutes with a checkpoint, and the next one goes on from there.
  So does a run that was ended, when its task is cleared.
* `merge` merges the adapter into the base model, reads the result again and compares the two.
* `evaluate` asks the base, the promoted model and the new one the same questions. They are about companies that no
  model was taught about.
* `promote` promotes the new model only if it is proven better, and says so in its note. docs/language.md has the rule.
* Clearing a task and running it again changes nothing. No hour waits for this DAG, or reads what it makes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, chain, dag, get_current_context, task

from include.edge import AS_OF_PATTERN, TRAINING_POOL, dag_args, requested_as_of, with_note
from include.settings import load_settings

QUEUE = load_settings().schedule.training_queue
PARAMS: dict[str, Any] = {
    "settings": Param(
        default="language.yaml",
        type="string",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.yaml$",
        title="Settings",
        description_md="Name of a YAML file in the folder settings of HOURCAST_LANGUAGE_DIR.",
    ),
    "as_of": Param(
        default=None,
        type=["null", "string"],
        format="date-time",
        pattern=AS_OF_PATTERN,
        title="As of (for replays)",
        description_md="Use the filings that were known at this instant, for example 2025-03-31T20:35:00+00:00. "
        "Empty: now.",
        section="Advanced",
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="tune_language_model",
    dag_display_name="Tune language model",
    description="Tunes a language model on questions about the stored filings, and promotes it if it is better.",
    schedule=None,
    **dag_args(),
    dagrun_timeout=timedelta(hours=12),
    params=PARAMS,
    tags=["filings", "hourcast", "training"],
    doc_md=__doc__,
)
def tune_language_model() -> None:
    """Wires the steps; every body is one import, one call, one small value."""

    @task
    def prepare() -> Json:
        from include.filings import tuning

        context = get_current_context()
        params = context["params"]
        as_of = requested_as_of(context, params["as_of"])
        return with_note(context, lambda: tuning.prepare(params["settings"], as_of))

    @task(pool=TRAINING_POOL, queue=QUEUE)
    def train(prepared: Json) -> Json:
        from include.filings import tuning

        return tuning.train(prepared["run"])

    @task(pool=TRAINING_POOL, queue=QUEUE)
    def merge(prepared: Json) -> Json:
        from include.filings import tuning

        return tuning.merge(prepared["run"])

    @task(pool=TRAINING_POOL, queue=QUEUE)
    def evaluate(prepared: Json) -> Json:
        from include.filings import tuning

        return tuning.evaluate(prepared["run"])

    @task
    def promote(prepared: Json) -> Json:
        from include.filings import tuning

        return with_note(get_current_context(), lambda: tuning.promote(prepared["run"]))

    prepared = prepare()
    steps = train(prepared), merge(prepared), evaluate(prepared), promote(prepared)  # type: ignore[arg-type]  # as called
    chain(*steps)


tune_language_model()
