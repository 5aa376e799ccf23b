"""A DAG file is parsed again and again, so it must cost hardly more than Airflow itself.

Airflow's own SDK imports sqlalchemy. What is held here is what a DAG file adds to the SDK and to the names that it
takes from Airflow; the time counts from `import airflow.sdk` on.
"""

import json
import sys

import pytest

from tests.architecture.project import PROJECT_DIR, run

DAG_FILES = sorted((PROJECT_DIR / "dags").glob("*.py"))
HEAVY = {
    "alembic", "curl_cffi", "exchange_calendars", "numpy", "pandas", "psycopg", "psycopg2", "pyarrow", "requests",
    "safetensors", "scipy", "sqlalchemy", "torch", "yfinance",
}  # fmt: skip
LIGHT = {
    "include", "include.contracts", "include.edge", "include.errors", "include.filings_settings", "include.settings",
}  # fmt: skip

PARSE = """
import ast, importlib, json, runpy, sys, time
path = sys.argv[1]
import airflow.sdk
since = time.process_time()  # of computing, so that a busy machine fails nothing
for node in ast.parse(open(path, encoding="utf-8").read()).body:
    if isinstance(node, ast.ImportFrom) and node.module.startswith("airflow"):
        for name in node.names:
            getattr(importlib.import_module(node.module), name.name)
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
before = set(sys.modules)
runpy.run_path(path)
seconds = time.process_time() - since
print(json.dumps({"added": sorted(set(sys.modules) - before), "all": sorted(sys.modules), "seconds": seconds}))
"""


@pytest.fixture(scope="module", params=DAG_FILES, ids=lambda path: path.stem)
def parsed(request, tmp_path_factory):
    """What parsing one DAG file in a fresh process imports beyond Airflow's own names."""
    home = tmp_path_factory.mktemp("airflow")
    done = run([sys.executable, "-c", PARSE, str(request.param)], more={"AIRFLOW_HOME": str(home)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_dag_file_pulls_in_nothing_heavy(parsed):
    assert {name.partition(".")[0] for name in parsed["added"]} & HEAVY == set()


def test_neither_airflow_nor_a_dag_file_brings_torch_pandas_or_yfinance(parsed):
    assert {name.partition(".")[0] for name in parsed["all"]} & {"torch", "pandas", "numpy", "yfinance"} == set()


def test_a_dag_file_loads_only_the_light_modules_of_the_project(parsed):
    ours = {name for name in parsed["added"] if name.partition(".")[0] == "include"}
    assert ours <= LIGHT


def test_a_dag_file_adds_few_modules_to_airflow(parsed):
    assert len(parsed["added"]) <= 40


def test_a_dag_file_is_parsed_within_a_second_of_computing(parsed):
    assert parsed["seconds"] < 1.0
