"""The DAG of your own that docs/operations.md shows: it parses, and reads the event that an hour leaves."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.airflow import PROJECT_DIR, airflow_environment

pytestmark = pytest.mark.integration
_SCRIPT = """
import sys
from types import SimpleNamespace
from airflow.dag_processing.dagbag import DagBag
from include.edge import FORECASTS
bag = DagBag(sys.argv[1])
assert bag.import_errors == {}, bag.import_errors
(example,) = bag.dags.values()
assert [asset.name for asset in example.schedule] == [FORECASTS.name]
event = SimpleNamespace(extra={"as_of": "2025-03-31T16:35:00+00:00", "forecast": 2})
example.tasks[0].python_callable({FORECASTS: [event]})
"""


def test_the_example_runs_after_an_hour_and_reads_its_counts(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", Path(PROJECT_DIR, "docs", "operations.md").read_text(), re.DOTALL)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "after_each_hour.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path / "dags")],
        env=airflow_environment(tmp_path, "sqlite://"),
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "2025-03-31T16:35:00+00:00 2 tickers have a new forecast" in done.stdout, done.stderr
