"""What this machine cannot do is said before anything is made."""

from typing import Any

import pytest

pytestmark = [pytest.mark.language, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("4bit", "SettingsError: training.quantisation=4bit needs a GPU"),
        ("cuda", "SettingsError: training.device=cuda, and there is no GPU here"),
        ("base", "InvalidRequestError: The base model"),
        ("model", "InvalidRequestError"),
        ("none.jinja", "InvalidRequestError: chat_template"),
        ("gguf", "InvalidRequestError: There is no file"),
    ],
)
def test_what_cannot_be_had_is_named(said: dict[str, Any], what: str, message: str) -> None:
    assert said["refusals"][what].startswith(message)


def test_a_model_without_a_template_says_which_can_be_used(said: dict[str, Any]) -> None:
    assert "set chat_template to 'plain'" in said["refusals"]["model"]
