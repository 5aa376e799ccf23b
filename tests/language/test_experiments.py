"""A run in MLflow: written once, with its settings, its losses and its scores."""

from typing import Any

import pytest

pytestmark = [pytest.mark.language, pytest.mark.timeout(1800)]


def test_a_run_is_written_once_with_its_settings_losses_and_scores(said: dict[str, Any]) -> None:
    found = said["whole"]["mlflow"]
    assert found["written"] == [True, False]
    assert (found["steps"], found["promoted"], found["losses"]) == ("200", "False", 200)
    assert found["perplexity"] == pytest.approx(said["whole"]["evaluation"]["tuned"]["perplexity"])
