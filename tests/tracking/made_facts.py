"""Facts for the tests of the mirror: two pre-trainings, an evaluation, and the shipped backbone's files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracking.facts import EVALUATION, PRETRAINING, Facts, Run, Version

SHIPPED_DIR = Path(__file__).resolve().parents[2] / "include" / "model" / "pretrained"
AT = datetime(2026, 11, 28, 6, tzinfo=UTC)


def files() -> dict[str, bytes]:
    """The shipped backbone's files, without what is not one of a backbone."""
    return {path.name: path.read_bytes() for path in SHIPPED_DIR.iterdir() if path.is_file()}


def run(key: str, experiment: str = PRETRAINING, days: int = 0) -> Run:
    """A run with a parameter, metrics by horizon, tags and a file."""
    return Run(
        key=key,
        experiment=experiment,
        started_at=AT + timedelta(days=days),
        parameters={"seed": "1", "data_sha256": "ab" * 32},
        metrics=[("backbone/skill", 0.01 * step, step) for step in range(1, 8)],
        tags={"is_promoted": "false", "reason": "not decided"},
        files={"backbone.json": b"{}"},
    )


def facts() -> Facts:
    """Two pre-trainings, the first of which serves, and an evaluation."""
    versions = [
        Version("a" * 64, "first", files(), {"model_version": "a" * 64, "is_promoted": "true"}),
        Version("b" * 64, "second", files(), {"model_version": "b" * 64, "is_promoted": "false"}),
    ]
    return Facts([run("first"), run("second", days=7), run("eval", EVALUATION)], versions, "a" * 64, "b" * 64)


def promoted(found: Facts) -> Facts:
    """The same after the second backbone was promoted."""
    runs = [
        replace(each, tags={**each.tags, "is_promoted": "true"}) if each.key == "second" else each
        for each in found.runs
    ]
    versions = [replace(each, tags={**each.tags, "is_promoted": "true"}) for each in found.versions]
    return replace(found, runs=runs, versions=versions, champion="b" * 64, challenger=None)
