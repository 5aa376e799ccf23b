"""The base model out of its package, and the real SmolLM2 before and after a few steps.

How good it becomes on filings is in docs/language.md.
"""

import os
import statistics
from pathlib import Path
from typing import Any

import pytest

from include.filings.tuning import PYTHON
from include.settings import load_settings
from language.fetching import FOLDER, fetch_smollm2
from language.planning import home_of
from tests.language.conftest import run_in_language


def test_what_is_there_is_not_fetched_again(tmp_path: Path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "some.gguf").write_bytes(b"weights")
    assert fetch_smollm2(tmp_path)["base_file"] == "some.gguf"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a few steps make of the model."""
    if not PYTHON.exists():
        pytest.skip("`make venv-language` installs what tunes language models")
    weights = home_of(load_settings(os.environ)).base / FOLDER
    if not list(weights.glob("*.gguf")):
        pytest.skip(f"`make tune ARGS=smollm2` puts the weights of SmolLM2 into {weights}")
    folder = tmp_path_factory.mktemp("small")
    return run_in_language("tests.language.networks.small", str(folder), str(weights.resolve()))


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_its_weights_are_read_from_the_package_and_its_loss_falls(small: dict[str, Any]) -> None:
    losses = small["losses"]
    assert small["trained"]["steps"] == len(losses) == 12
    assert statistics.mean(losses[-4:]) < 0.7 * statistics.mean(losses[:4])


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_the_right_answers_are_likelier_after_than_before(small: dict[str, Any]) -> None:
    evaluation = small["evaluation"]
    assert evaluation["tuned"]["questions"] == evaluation["base"]["questions"] == 8
    assert 1 < evaluation["tuned"]["perplexity"] < 0.7 * evaluation["base"]["perplexity"]


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_its_adapter_is_merged_without_changing_what_it_says(small: dict[str, Any]) -> None:
    assert 0 <= small["merged"]["logit_difference"] < 1e-3


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_eight_questions_promote_nothing(small: dict[str, Any]) -> None:
    assert small["promoted"]["is_promoted"] is False
    assert "fewer than 30" in small["promoted"]["note"]


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_the_base_model_is_served_too_and_writes_words(small: dict[str, Any]) -> None:
    assert len(small["said"].split()) > 3
