"""What a Python with transformers says of a tiny model: run once for all tests."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from include.filings.tuning import PROJECT_DIR, PYTHON


def run_in_language(*arguments: str, seconds: float = 1500.0) -> dict[str, Any]:
    """The JSON between the marks that a module prints in `.venv-language`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOURCAST_")}
    done = subprocess.run(
        [str(PYTHON), "-m", *arguments],
        cwd=PROJECT_DIR,
        env=environment | {"PYTHONPATH": str(PROJECT_DIR), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert "@@" in done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.split("@@")[1])
    return found


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the trial of a tiny model found."""
    if not Path(PYTHON).exists():
        pytest.skip("`make venv-language` installs what tunes language models")
    return run_in_language("tests.language.networks.trial", str(tmp_path_factory.mktemp("language")))
