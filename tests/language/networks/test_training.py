"""Training of a tiny Llama with its own tokenizer, from nothing."""

import statistics
from typing import Any

import pytest

pytestmark = [pytest.mark.language, pytest.mark.timeout(1800)]


def test_the_loss_falls(said: dict[str, Any]) -> None:
    losses = said["whole"]["losses"]
    assert len(losses) == 200
    assert statistics.mean(losses[-10:]) < 0.5 * statistics.mean(losses[:10])
    assert said["whole"]["trained"]["last_loss"] == losses[-1]


def test_a_training_that_is_done_is_not_done_again(said: dict[str, Any]) -> None:
    assert said["whole"]["again"] is True


def test_a_training_that_was_killed_gives_the_same_bytes_as_one_that_was_not(said: dict[str, Any]) -> None:
    assert said["resumed"]["status"] == -9
    assert said["resumed"]["from"] in {"checkpoint-3", "checkpoint-6"}
    assert said["resumed"]["steps"] == 9
    assert said["resumed"]["same"] == {"straight": True, "killed": True, "sliced": True}


def test_a_checkpoint_that_was_written_half_is_not_used(said: dict[str, Any]) -> None:
    assert said["resumed"]["fell_back"] is True


def test_a_training_whose_time_is_up_goes_on_later(said: dict[str, Any]) -> None:
    assert said["resumed"]["slices"] == 8


def test_questions_that_are_too_long_are_named(said: dict[str, Any]) -> None:
    assert "No question has 32 tokens or fewer" in said["refusals"]["cut_off"]
