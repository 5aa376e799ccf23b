"""The short form of `make chaos`: one trial of each of some faults. And: no task reads a clock."""

from __future__ import annotations

import ast

import pytest

from include.local.postgres import HOURCAST_DATABASE
from tests.architecture.project import PROJECT_DIR
from tests.chaos.__main__ import PAGE, Series
from tests.chaos.faults import FAULTS
from tests.chaos.page import page_of
from tests.chaos.trials import Result

SHORT = (
    "task killed",
    "database session killed",
    "task stopped, tried again",
    "running task cleared",
    "connections refused",
    "serialisation",
    "statement timeouts",
    "artefact quota",
    "artefact flipped",
    "clocks jump",
)
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
OUTSIDE = (
    "include/cli.py",
    "include/filings/__main__.py",
    "include/filings/tasks.py",
    "include/local/",
    "include/market/yahoo_",
)
"""What may read a clock: commands without an instant, the launcher, Yahoo's rate, and when a filing was fetched."""


@pytest.mark.integration
@pytest.mark.parametrize("words", SHORT)
def test_after_a_fault_everything_is_whole_and_the_same(series: Series, words: str) -> None:
    result = series.run(SHORT.index(words), words, only_scenario="hour")
    assert result.findings == ()
    assert result.foreign_errors == ()


@pytest.mark.integration
def test_the_template_is_never_written_to(series: Series) -> None:
    assert series.template.database == HOURCAST_DATABASE
    assert len(series.template.query("select 1 from forecast.planned_hour")) == 2


def test_no_task_reads_a_clock() -> None:
    found = []
    for path in sorted((PROJECT_DIR / "include").rglob("*.py")):
        name = path.relative_to(PROJECT_DIR).as_posix()
        if name.startswith(OUTSIDE):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                owner = ast.unparse(node.func.value)
                if owner in {"datetime", "date", "time", "pd.Timestamp", "datetime.datetime", "datetime.date"}:
                    found.append(f"{name}:{node.lineno}")
    assert found == []


def test_the_page_counts_what_was_lost_and_names_every_fault() -> None:
    whole = Result(0, "task killed", "hour", "after a retry", True, (), (), (), 1.0)
    page = page_of([whole, whole], seed=3)
    assert "2 trials with seed 3" in page
    assert "| task killed | 2 | 2 | 0 | 2 | 0 | 0 | 0 | 0 | 0 |" in page
    written = (PROJECT_DIR / PAGE).read_text(encoding="utf-8")
    assert [fault.name for fault in FAULTS if f"| {fault.name} |" not in written] == []
