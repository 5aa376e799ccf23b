"""What an hour imports: nothing of pre-training, of the command line, or of research."""

import json
import sys

import pytest

from tests.architecture.project import run

SCRIPT = """
import json, sys
import {module}
ours = {{name: value for name, value in sys.modules.items() if name.partition(".")[0] in ("include", "research")}}
parsers = [name for name, value in ours.items() if "argparse" in vars(value)]
print(json.dumps([sorted(ours), parsers, "lightgbm" in sys.modules]))
"""


@pytest.mark.parametrize("module", ["include.pipeline.hour", "include.pipeline.tasks", "include.pipeline.onboarding"])
def test_an_hour_imports_no_pre_trainer_no_leaderboard_no_parser_and_no_research(module):
    loaded, parsers, has_lightgbm = modules_of(module)
    assert module in loaded
    assert [name for name in loaded if is_cold(name)] == []
    assert parsers == []
    assert not has_lightgbm


def test_lightgbm_is_imported_only_by_the_method_that_uses_it():
    for module, is_expected in (("include.model.zoo.methods", False), ("include.model.zoo.trees", True)):
        assert modules_of(module)[2] is is_expected


def test_the_check_sees_what_pre_training_imports():
    loaded, parsers, _ = modules_of("include.pipeline.pretraining.tasks")
    assert {"include.model.pretrain", "include.evaluation.leaderboard"} <= {name for name in loaded if is_cold(name)}
    assert parsers == ["include.pipeline.pretraining.pretrain"]


def is_cold(name: str) -> bool:
    cold = (
        "include.pipeline.pretraining",
        "include.model.pretrain",
        "include.model.zoo",
        "include.evaluation.leaderboard",
        "research",
        "include.pipeline.exporting",
        "include.store.export",
        "include.filings",
        "include.store.filings",
        "include.store.filings_search",
        "include.store.filing_files",
        "include.store.filing_vectors",
        "include.store.filings_ranking",
    )
    return any(name == module or name.startswith(f"{module}.") for module in cold)


def modules_of(module: str) -> tuple[list[str], list[str], bool]:
    """What a fresh process has loaded after an import: our modules, those with argparse, and whether LightGBM."""
    done = run([sys.executable, "-c", SCRIPT.format(module=module)])
    assert done.returncode == 0, done.stderr
    loaded, parsers, has_lightgbm = json.loads(done.stdout)
    return loaded, parsers, has_lightgbm
