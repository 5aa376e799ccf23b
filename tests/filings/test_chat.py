"""A language model behind an address: what it sends is text, and no fault of it takes longer than the limit."""

import time
from collections.abc import Iterator

import pytest

from include.errors import FilingsUnavailableError, SettingsError
from include.filings.chat import ChatModel, chat_model
from include.filings_settings import FilingsSettings
from tests.filings.chat_server import KEY, ChatEmulator

ASKED = [{"role": "user", "content": '{"question": "Sales?", "passages": []}'}]
SECONDS = 1.6


@pytest.fixture
def server() -> Iterator[ChatEmulator]:
    with ChatEmulator(lambda question, _: f"{question} 5 [1].").running() as server:
        yield server


def model(server: ChatEmulator, key: str = KEY) -> ChatModel:
    return ChatModel(server.address, "tests", key, SECONDS)


def test_the_models_text_is_returned_and_it_gets_no_tools(server: ChatEmulator) -> None:
    assert model(server).complete(ASKED) == "Sales? 5 [1]."
    (body,) = server.asked
    assert body["model"] == "tests"
    assert body["temperature"] == 0
    assert not {"tools", "functions", "tool_choice"} & set(body)


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut"])
def test_a_busy_server_is_asked_once_more(server: ChatEmulator, fault: str) -> None:
    server.faults = [fault]
    assert model(server).complete(ASKED) == "Sales? 5 [1]."
    server.faults = [fault, fault]
    with pytest.raises(FilingsUnavailableError, match=r"responded with \d+|cannot be reached"):
        model(server).complete(ASKED)
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("fault", "reason"), [("hang", "within 1.6 s"), ("drip", "in time"), ("flood", "too much|in time")]
)
def test_no_answer_takes_longer_than_the_limit(server: ChatEmulator, fault: str, reason: str) -> None:
    server.faults, server.hang_seconds = [fault, fault], 3.0
    began = time.monotonic()
    with pytest.raises(FilingsUnavailableError, match=reason):
        model(server).complete(ASKED)
    assert time.monotonic() - began < 2 * SECONDS


@pytest.mark.parametrize("fault", ["page", "half", "empty", "null"])
def test_what_is_no_completion_is_refused(server: ChatEmulator, fault: str) -> None:
    server.faults = [fault]
    with pytest.raises(FilingsUnavailableError, match="sent no answer"):
        model(server).complete(ASKED)


def test_a_refused_key_is_not_shown(server: ChatEmulator) -> None:
    with pytest.raises(FilingsUnavailableError, match="401; check the key") as raised:
        model(server, "sk-secret").complete(ASKED)
    assert "sk-secret" not in str(raised.value) + repr(model(server, "sk-secret"))


def test_an_address_without_a_server_is_named() -> None:
    with pytest.raises(FilingsUnavailableError, match=r"127\.0\.0\.1:9/v1 cannot be reached"):
        ChatModel("http://127.0.0.1:9/v1", "tests", "", SECONDS).complete(ASKED)


def test_the_settings_name_the_model() -> None:
    assert chat_model(FilingsSettings()) is None
    settings = FilingsSettings(language_model_url="http://localhost:11434/v1/", language_model_name="small")
    assert chat_model(settings) == ChatModel("http://localhost:11434/v1", "small", "", 60.0)
    with pytest.raises(SettingsError, match="NAME is not set"):
        chat_model(FilingsSettings(language_model_url="http://localhost:11434/v1"))
    with pytest.raises(SettingsError, match="no address"):
        chat_model(FilingsSettings(language_model_url="localhost:11434", language_model_name="small"))
