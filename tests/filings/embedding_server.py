"""A service of embeddings with OpenAI's form: a vector says how often each of some subjects is named."""

from __future__ import annotations

import json
import math
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback import LoopbackServer

SUBJECTS = (
    ("sales", "revenue", "매출"),
    ("staff", "employees", "people"),
    ("court", "lawsuit", "litigation"),
    ("dividend", "payout"),
)
KEY = "key-of-the-service"


def vector_of(text: str) -> list[float]:
    """A unit vector of five numbers: near to that of another text about the same subject."""
    counts = [float(sum(text.lower().count(word) for word in words)) for words in SUBJECTS] + [0.1]
    size = math.sqrt(sum(count * count for count in counts))
    return [count / size for count in counts]


class EmbeddingServer(LoopbackServer):
    """Counts texts in ``texts``; ``faults`` come first: a status, ``form``, ``short`` or ``cut``."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.requests = 0
        self.faults: list[int | str] = []
        self.listen(_Handler)


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002  # the name of the base class
        pass

    def do_POST(self) -> None:
        server: EmbeddingServer = self.server.owner  # type: ignore[attr-defined]  # set where the server is made
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.requests += 1
        fault = server.faults.pop(0) if server.faults else None
        if isinstance(fault, int) or self.path != "/v1/embeddings" or self.headers["Authorization"] != f"Bearer {KEY}":
            self._send(fault if isinstance(fault, int) else 401, {"error": "no"})
            return
        server.texts += body["input"]
        data = [{"index": place, "embedding": vector_of(text)} for place, text in enumerate(body["input"])]
        if fault == "short":
            data = [{**row, "embedding": row["embedding"][:3]} for row in data]
        if fault == "cut":
            data = data[:-1]
        self._send(200, {"rows": 1} if fault == "form" else {"data": list(reversed(data)), "model": body["model"]})

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
