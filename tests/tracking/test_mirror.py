"""The mirror with a real MLflow: what is written once, caught up after a failure, and told apart when it differs."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROJECT_DIR = Path(__file__).resolve().parents[2]
PYTHON = PROJECT_DIR / ".venv-mlflow" / "bin" / "python"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not PYTHON.exists(), reason="MLflow is not installed; `make mlflow` does so in .venv-mlflow"),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("mlflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOURCAST_")}
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.tracking.trial", str(folder), "20"],
        cwd=PROJECT_DIR,
        env=environment | {"PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert "@@" in done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.split("@@")[1])
    return found


def test_a_mirror_that_broke_off_catches_up(said: dict[str, Any]) -> None:
    assert said["raised"] == "the server is gone"
    assert "The run first (pretraining) is older than what is stored." in said["differs"]
    assert "The run second (pretraining) is missing." in said["differs"]
    assert said["first"] == [3, 2, 0, 2]
    assert said["equal"] == []


def test_a_second_mirror_writes_nothing(said: dict[str, Any]) -> None:
    assert said["again"] == [0, 0, 5, 0]
    assert said["versions"] == [1, 2]
    assert said["keys"] == ["eval", "first", "second"]


def test_a_promotion_changes_the_run_and_the_aliases_and_registers_nothing(said: dict[str, Any]) -> None:
    assert said["promoted_differs"] == [
        "The run second (pretraining) is older than what is stored.",
        f"The alias champion is at {'a' * 64}; it should be at {'b' * 64}.",
        f"The alias challenger is at {'b' * 64}; it should be at none.",
    ]
    assert said["promoted"] == [1, 0, 4, 2]
    assert said["promoted_equal"] == []


def test_a_run_has_its_scores_by_horizon(said: dict[str, Any]) -> None:
    assert said["horizons"] == 7
    assert said["digests"] == 3


def test_every_run_is_listed(said: dict[str, Any]) -> None:
    assert said["listed"] == 23
