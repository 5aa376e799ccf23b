"""An Airflow without a scheduler: a migrated metadata database and a process that runs DAGs in it."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

PROJECT_DIR = Path(__file__).resolve().parents[2]


def load_plugin(name: str) -> ModuleType:
    """The plugin ``plugins/NAME.py`` as Airflow loads it: a module of its own. Set AIRFLOW_HOME before."""
    spec = importlib.util.spec_from_file_location(name, PROJECT_DIR / "plugins" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def airflow_environment(home: Path, database_url: str) -> dict[str, str]:
    """What an Airflow process of the tests is started with."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HOURCAST"))},
        "PYTHONPATH": str(PROJECT_DIR),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_DIR / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_DIR / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "OMP_NUM_THREADS": "1",
    }


def run_python(script: str, environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What a script prints in a process of its own, so that the DAG files are read with this environment."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class AirflowDriver:
    """Runs DAGs and says what became of their task instances."""

    def __init__(self, process: subprocess.Popen[str], answers: Any) -> None:
        self._process = process
        self._answers = answers

    def run(self, dag_id: str, environment: dict[str, str], **request: Any) -> dict[str, Any]:
        """One run, to its end: state, note, tasks as [task_id, map_index, state, label], runs it triggered, events."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"dag_id": dag_id, "environment": environment, **request}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        assert "error" not in answer, answer
        return answer


@contextmanager
def airflow_driver(home: Path, database_url: str) -> Iterator[AirflowDriver]:
    """A driver over a freshly migrated metadata database."""
    environment = airflow_environment(home, database_url)
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, env=environment, cwd=PROJECT_DIR, check=True, capture_output=True, timeout=240)
    reading, writing = os.pipe()
    log = (home / "driver.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.airflow_driver", str(writing)],
        env=environment,
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=[writing],
        text=True,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answers:
            yield AirflowDriver(process, answers)
    finally:
        process.communicate(timeout=60)
        log.close()
