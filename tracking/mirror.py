"""Writes the facts to MLflow, and compares MLflow with them.

A run and a version are written once. What was written half, because MLflow went away, is removed and written again: a
run counts as written when it has its digest, which is written last. So the mirror may be stopped at any time, and
catches up. Where next: ``facts.py`` for what is mirrored, ``backbone_model.py`` for what a version can do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from tracking.facts import Facts, Run, Version

PROJECT_DIR: Final = Path(__file__).resolve().parents[1]
MODEL: Final = "hourcast-backbone"
"""The registered model whose versions are the backbones."""
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
KEY: Final = "hourcast.key"
DIGEST: Final = "hourcast.digest"
_RETRIES: Final = 2
_MOST_AT_ONCE: Final = 500
_LONGEST: Final = 5000
"""Characters of a value that MLflow takes in any of its stores."""
_INPUT: Final = Schema(
    [ColSpec(DataType.string, "ticker"), ColSpec(AnyType(), "opened_at")]
    + [ColSpec(DataType.double, name) for name in ("open", "high", "low", "close", "volume")]
)
"""MLflow's own type of an instant refuses the zone UTC, so that column may have any type."""


@dataclass(frozen=True)
class Mirrored:
    """How many runs and versions were written, how many were there already, and whether an alias moved."""

    runs: int
    versions: int
    unchanged: int
    aliases: int

    def note(self) -> str:
        """The counts in words."""
        return (
            f"{self.runs} runs and {self.versions} versions written, {self.unchanged} unchanged, "
            f"{self.aliases} aliases moved."
        )


def client_of(uri: str) -> MlflowClient:
    """A client of the MLflow at an address; this process uses the same one for its models."""
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(_RETRIES)  # its own seven take minutes, and the next mirror tries again
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return MlflowClient(uri, uri)


def mirror(client: MlflowClient, facts: Facts, artefacts: Path | None = None) -> Mirrored:
    """Brings MLflow up to the facts; ``artefacts`` is the folder of a store without a server.

    Raises:
        MlflowException: MLflow cannot be reached; what was written stays, and the next call goes on.
    """
    experiments = {run.experiment: _experiment(client, run.experiment, artefacts) for run in facts.runs}
    known = _known_runs(client, list(experiments.values()))
    run_ids, written = {}, 0
    for run in facts.runs:
        found = known.get(run.key, {})
        if found.get(DIGEST) == run.digest():
            run_ids[run.key] = str(found["run_id"])
            continue
        written += 1
        run_ids[run.key] = _write_run(client, experiments[run.experiment], run, found.get("run_id"))
    versions = _write_versions(client, facts, run_ids)
    unchanged = len(facts.runs) - written + len(facts.versions) - versions
    return Mirrored(written, versions, unchanged, _set_aliases(client, facts))


def differences(client: MlflowClient, facts: Facts) -> list[str]:
    """Where MLflow differs from the facts, in words; nothing where they agree.

    Raises:
        MlflowException: MLflow cannot be reached.
    """
    found = [experiment.experiment_id for experiment in client.search_experiments()]
    known = _known_runs(client, found)
    registered = _known_versions(client)
    said = [f"The run {run.key} ({run.experiment}) is missing." for run in facts.runs if run.key not in known]
    said += [
        f"The run {run.key} ({run.experiment}) is older than what is stored."
        for run in facts.runs
        if run.key in known and known[run.key].get(DIGEST) != run.digest()
    ]
    said += [
        f"The backbone {version.model_version} is not registered."
        for version in facts.versions
        if version.model_version not in registered
    ]
    stored = {version.model_version for version in facts.versions}
    said += [f"The registered backbone {name} is not stored." for name in sorted(set(registered) - stored)]
    for alias, wanted in ((CHAMPION, facts.champion), (CHALLENGER, facts.challenger)):
        shown = _alias_of(client, alias)
        if shown != wanted:
            said.append(f"The alias {alias} is at {shown or 'none'}; it should be at {wanted or 'none'}.")
    return [*facts.problems, *said]


def _experiment(client: MlflowClient, name: str, artefacts: Path | None) -> str:
    full = f"hourcast-{name}"
    found = client.get_experiment_by_name(full)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(full, artifact_location=(artefacts / full).as_uri() if artefacts else None))


def _known_runs(client: MlflowClient, experiments: list[str]) -> dict[str, dict[str, str]]:
    """By key: the tags of each mirrored run, and its ``run_id``."""
    known: dict[str, dict[str, str]] = {}
    token: str | None = None
    while experiments:
        page = client.search_runs(experiments, max_results=_MOST_AT_ONCE, page_token=token)
        for run in page:
            tags = dict(run.data.tags)
            if KEY in tags:
                known[tags[KEY]] = {**tags, "run_id": run.info.run_id}
        token = page.token
        if not token:
            break
    return known


def _write_run(client: MlflowClient, experiment_id: str, run: Run, replaced: str | None) -> str:
    """Writes a run, its digest last; one that was written half, or has changed, is updated under its id."""
    at = int(run.started_at.timestamp() * 1000)
    run_id = replaced or client.create_run(experiment_id, at, {KEY: run.key}, run_name=run.key).info.run_id
    written = dict(client.get_run(run_id).data.params)
    new = [Param(name, value[:_LONGEST]) for name, value in run.parameters.items() if name not in written]
    metrics = [Metric(name, value, at, step) for name, value, step in run.metrics]
    tags = [RunTag(name, value[:_LONGEST]) for name, value in run.tags.items()]
    client.log_batch(run_id, metrics=metrics, params=new, tags=tags)
    with _on_disk(run.files) as folder:
        client.log_artifacts(run_id, str(folder))
    client.set_terminated(run_id, end_time=at)
    client.set_tag(run_id, DIGEST, run.digest())
    return str(run_id)


def _write_versions(client: MlflowClient, facts: Facts, run_ids: Mapping[str, str]) -> int:
    """Registers the versions that are not there, and brings the tags of the others up to date; how many are new."""
    registered = _known_versions(client)
    count = 0
    for version in facts.versions:
        if version.model_version not in registered:
            registered[version.model_version] = _register(client, version, run_ids[version.run_key])
            count += 1
        number, tags = registered[version.model_version]
        for name, value in version.tags.items():
            if tags.get(name) != value:
                client.set_model_version_tag(MODEL, number, name, value[:_LONGEST])
    return count


def _register(client: MlflowClient, version: Version, run_id: str) -> tuple[str, dict[str, str]]:
    with _on_disk(version.files) as folder, mlflow.start_run(run_id=run_id):
        logged = mlflow.pyfunc.log_model(
            name="backbone",
            python_model=str(PROJECT_DIR / "tracking" / "backbone_model.py"),
            artifacts={"backbone": str(folder)},
            code_paths=[str(PROJECT_DIR / "include"), str(PROJECT_DIR / "tracking")],
            signature=ModelSignature(inputs=_INPUT),
            pip_requirements=str(PROJECT_DIR / "requirements-mlflow.in"),
        )
    client.set_terminated(run_id, end_time=client.get_run(run_id).info.start_time)  # a run took no time of MLflow's
    made = mlflow.register_model(logged.model_uri, MODEL, tags=dict(version.tags))
    return str(made.version), dict(version.tags)


def _known_versions(client: MlflowClient) -> dict[str, tuple[str, dict[str, str]]]:
    """By the hash of the weights: the number of the registered version, and its tags."""
    try:
        found = client.search_model_versions(f"name = '{MODEL}'", max_results=_MOST_AT_ONCE)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    return {each.tags["model_version"]: (str(each.version), dict(each.tags)) for each in found if each.tags}


def _alias_of(client: MlflowClient, alias: str) -> str | None:
    """The hash of the weights of the version that has the alias; None if none has it."""
    try:
        found = client.get_model_version_by_alias(MODEL, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise
    return str(found.tags.get("model_version"))


def _set_aliases(client: MlflowClient, facts: Facts) -> int:
    registered = _known_versions(client)
    moved = 0
    for alias, wanted in ((CHAMPION, facts.champion), (CHALLENGER, facts.challenger)):
        if _alias_of(client, alias) == wanted:
            continue
        if wanted in registered:
            client.set_registered_model_alias(MODEL, alias, registered[str(wanted)][0])
            moved += 1
        elif wanted is None:
            client.delete_registered_model_alias(MODEL, alias)
            moved += 1
    return moved


@contextmanager
def _on_disk(files: Mapping[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield Path(folder)
