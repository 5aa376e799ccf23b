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
print(json.dumps([sorted(ours), parsers]))
"""


@pytest.mark.parametrize("module", ["include.pipeline.hour", "include.pipeline.tasks", "include.pipeline.onboarding"])
def test_an_hour_imports_no_pre_trainer_no_leaderboard_no_parser_and_no_research(module):
    loaded, parsers = modules_of(module)
    assert module in loaded
    assert [name for name in loaded if is_cold(name)] == []
    assert parsers == []


def test_the_check_sees_what_pre_training_imports():
    loaded, parsers = modules_of("include.pipeline.pretraining.tasks")
    assert {"include.model.pretrain", "include.evaluation.leaderboard"} <= {name for name in loaded if is_cold(name)}
    assert parsers == ["include.pipeline.pretraining.pretrain"]


def is_cold(name: str) -> bool:
    cold = (
        "include.pipeline.pretraining",
        "include.model.pretrain",
        "include.evaluation.leaderboard",
        "research",
        "include.pipeline.exporting",
        "include.store.export",
    )
    return any(name == module or name.startswith(f"{module}.") for module in cold)


def modules_of(module: str) -> tuple[list[str], list[str]]:
    """Our modules that a fresh process has loaded after importing one, and those of them that import argparse."""
    done = run([sys.executable, "-c", SCRIPT.format(module=module)])
    assert done.returncode == 0, done.stderr
    loaded, parsers = json.loads(done.stdout)
    return loaded, parsers
