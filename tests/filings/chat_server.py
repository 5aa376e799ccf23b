"""An emulator of the chat completions of OpenAI's API on the loopback, with its faults.

Faults are queued: a status such as ``429``, ``hang`` (no response in time), ``drip`` (a response that comes byte by
byte), ``cut`` (the connection ends in the middle), ``page`` (HTML), ``half`` (half of the JSON), ``empty`` (no choice),
``null`` (a choice without text), ``flood`` (more than anybody wants to read).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback import LoopbackServer

KEY = "sk-own-key-of-the-tests"
Passages = list[dict[str, Any]]


@dataclass
class ChatEmulator(LoopbackServer):
    """Answers with what ``model`` makes of the question and the passages."""

    model: Callable[[str, Passages], str]
    faults: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Every request's body."""
    hang_seconds: float = 2.0

    def __post_init__(self) -> None:
        self.listen(_Handler)

    @property
    def address(self) -> str:
        return f"{self.url}/v1"


def completion(text: str | None) -> dict[str, Any]:
    """A response in the form of OpenAI's API."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "tests",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        owner: ChatEmulator = self.server.owner  # type: ignore[attr-defined]  # set by the emulator
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner.asked.append(body)
        if self.path != "/v1/chat/completions":
            self._send(404, b"{}")
            return
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._send(401, b'{"error": {"message": "Incorrect API key provided"}}')
            return
        fault = owner.faults.pop(0) if owner.faults else ""
        given = json.loads(body["messages"][-1]["content"])
        content = json.dumps(completion(owner.model(given["question"], given["passages"]))).encode()
        if fault == "hang":
            time.sleep(owner.hang_seconds)
        if fault.isdecimal():
            self._send(int(fault), b'{"error": {"message": "Rate limit reached"}}')
        elif fault in ("cut", "drip"):
            self._send_in_parts(content, fault, owner.hang_seconds)
        else:
            other = {
                "page": b"<html><body>Bad gateway</body></html>", "half": content[: len(content) // 2],
                "empty": json.dumps(completion("") | {"choices": []}).encode(), "flood": b"x" * 2**20,
                "null": json.dumps(completion(None)).encode(),
            }  # fmt: skip
            self._send(200, other.get(fault, content))

    def _send_in_parts(self, content: bytes, fault: str, seconds: float) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # the client may have given up
            for place in range(len(content) // 2):
                self.wfile.write(content[place : place + 1])
                self.wfile.flush()
                time.sleep(2 * seconds / len(content) if fault == "drip" else 0)
        self.close_connection = True

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):  # the client may have given up
            self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""
