"""A run in MLflow: its settings, the losses of its training, and its scores.

A run is written once, under a tag with its name; a second call changes nothing. Where next: ``tracking`` does the same
for the networks that forecast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES
from mlflow.exceptions import MlflowException

from include.errors import RetryableError
from language.folders import read_json
from language.runs import Run

EXPERIMENT: Final = "hourcast-language"
KEY: Final = "hourcast.key"
_DONE: Final = "hourcast.done"


def log_run(uri: str, run: Run) -> bool:
    """Writes a run that is judged to the MLflow at an address; whether it was new there.

    Raises:
        RetryableError: MLflow cannot be reached, or refuses.
    """
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(2)  # its own seven take minutes, and a task tries again anyway
    try:
        return _log_run(MlflowClient(uri, uri), run)
    except MlflowException as error:
        message = f"MLflow could not be written: {str(error)[:300]}. The run is complete without it."
        raise RetryableError(message) from error


def _log_run(client: MlflowClient, run: Run) -> bool:
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = str(found.experiment_id if found else client.create_experiment(EXPERIMENT))
    known = client.search_runs([experiment_id], f"tags.`{KEY}` = '{run.name}'")
    if any(_DONE in each.data.tags for each in known):
        return False
    for each in known:  # written half, because MLflow went away
        client.delete_run(each.info.run_id)
    run_id = client.create_run(experiment_id, tags={KEY: run.name}, run_name=run.name).info.run_id
    kept = read_json(run.folder / "run.json")
    client.log_batch(run_id, params=[Param(name, str(value)[:5000]) for name, value in _flat(kept)])
    losses = [Metric("loss", loss, 0, step) for step, loss in read_json(run.training)["losses"]]
    for start in range(0, len(losses), 500):
        client.log_batch(run_id, metrics=losses[start : start + 500])
    scores = [
        (name, float(value)) for name, value in _flat(read_json(run.evaluation)) if isinstance(value, int | float)
    ]
    for start in range(0, len(scores), 500):
        client.log_batch(run_id, metrics=[Metric(name, value, 0, 0) for name, value in scores[start : start + 500]])
    verdict = read_json(run.verdict)
    tags = {"promoted": str(verdict["is_promoted"]), "reason": verdict["reason"], "data": run.data_version}
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    client.set_terminated(run_id)
    client.set_tag(run_id, _DONE, "yes")
    return True


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names joined by dots, and their values."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
