"""The adapter in the weights of its base model."""

from typing import Any

import pytest

pytestmark = [pytest.mark.language, pytest.mark.timeout(1800)]


def test_the_merged_model_has_the_logits_of_base_plus_adapter(said: dict[str, Any]) -> None:
    assert 0 <= said["whole"]["merged"]["logit_difference"] < 1e-3


def test_the_merged_model_answers_as_base_plus_adapter_do_and_otherwise_than_the_base(said: dict[str, Any]) -> None:
    assert said["whole"]["after"] == said["whole"]["together"]
    assert said["whole"]["after"] != said["whole"]["before"]


def test_a_step_before_its_time_is_refused(said: dict[str, Any]) -> None:
    assert said["whole"]["early"].startswith("UnfinishedRunError: Run whole-")
    assert "run its step train" in said["whole"]["early"]
    assert "run its step evaluate" in said["whole"]["too_early"]
