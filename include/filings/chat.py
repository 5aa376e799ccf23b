"""A language model behind an OpenAI-compatible address: Ollama, vLLM, llama.cpp or a cloud.

It is asked for text, and gets neither tools nor anything that it could reach. What it sends is text of a stranger.
Where next: ``writing.py``, which asks and checks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from include.errors import FilingsUnavailableError, SettingsError
from include.filings_settings import FilingsSettings

_LARGEST: Final = 2**16
"""Bytes of the longest response that is read."""
_MOST_TOKENS: Final = 800
_TRIES: Final = 2
_PAUSE_SECONDS: Final = 1.0
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same question may be answered."""

Message = Mapping[str, str]


@dataclass(frozen=True)
class ChatModel:
    """Where the model is, which one it is, the key for it, and how many seconds an answer may take in all."""

    address: str
    name: str
    key: str = field(repr=False)
    seconds: float

    def complete(self, messages: Sequence[Message]) -> str:
        """The model's text. A busy or failing server is asked once more while there is time.

        Raises:
            FilingsUnavailableError: it cannot be reached, refuses, takes too long, or sends no answer. No message shows
                the key.
        """
        ends_at = time.monotonic() + self.seconds
        for attempt in range(_TRIES):
            left = ends_at - time.monotonic()
            try:
                return self._ask(messages, max(left, 0.001))
            except _BusyError as error:
                if attempt + 1 == _TRIES or ends_at - time.monotonic() <= _PAUSE_SECONDS:
                    message = f"The language model at {self.address} {error}."
                    raise FilingsUnavailableError(message) from None
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError  # the last attempt returns or raises

    def _ask(self, messages: Sequence[Message], seconds: float) -> str:
        ends_at = time.monotonic() + seconds
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in messages],
            "temperature": 0,
            "max_tokens": _MOST_TOKENS,
            "stream": False,
        }
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            with requests.post(
                f"{self.address}/chat/completions", json=body, headers=headers, timeout=seconds, stream=True,
                allow_redirects=False,
            ) as response:  # fmt: skip
                if response.status_code in _BUSY:
                    reason = f"responded with {response.status_code}"
                    raise _BusyError(reason)
                if response.status_code != requests.codes.ok:
                    raise FilingsUnavailableError(self._refused(response.status_code))
                return self._text(_body(response, ends_at))
        except requests.Timeout:
            reason = f"did not answer within {self.seconds:g} s"
            raise _BusyError(reason) from None
        except requests.RequestException as error:
            reason = f"cannot be reached ({type(error).__name__})"
            raise _BusyError(reason) from None

    def _refused(self, status: int) -> str:
        what = {401: "the key", 403: "the key", 404: "the address and the model's name"}.get(status, "the settings")
        return f"The language model at {self.address} responded with {status}; check {what}."

    def _text(self, content: bytes) -> str:
        try:
            found: Any = json.loads(content)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            found = None
        if not isinstance(found, str):
            message = f"The language model at {self.address} sent no answer in the form of OpenAI's API."
            raise FilingsUnavailableError(message)
        return found


class _BusyError(Exception):
    """The model may answer the same question later; ``reason`` is the rest of a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


def chat_model(settings: FilingsSettings) -> ChatModel | None:
    """The model of the settings; None if none is set up.

    Raises:
        SettingsError: the address is none, or the model has no name.
    """
    address = (settings.language_model_url or "").rstrip("/")
    if not address:
        return None
    if not address.startswith(("http://", "https://")):
        message = "HOURCAST_LANGUAGE_MODEL_URL is no address; write it like http://localhost:11434/v1."
        raise SettingsError(message)
    if not settings.language_model_name:
        message = "HOURCAST_LANGUAGE_MODEL_NAME is not set; name the model that the address serves."
        raise SettingsError(message)
    key = settings.language_model_key or ""
    return ChatModel(address, settings.language_model_name, key, settings.language_model_seconds)


def _body(response: requests.Response, ends_at: float) -> bytes:
    """The whole response, read while there is time: a server may send it byte by byte."""
    content = bytearray()
    for part in response.iter_content(1):  # a larger part waits until it is full
        content += part
        if len(content) > _LARGEST:
            reason = "sent too much"
            raise _BusyError(reason)
        if time.monotonic() > ends_at:
            reason = "did not finish its answer in time"
            raise _BusyError(reason)
    return bytes(content)
