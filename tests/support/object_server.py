"""An S3 server with faults: objects in memory, or those of another S3 server that it stands in front of."""

from __future__ import annotations

import http.client
import io
import re
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import IO, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.support.loopback import LoopbackServer

BUCKET = "bucket"
Reply = tuple[int, dict[str, str], bytes]
_OF_THE_TRANSFER = {"connection", "content-encoding", "content-length", "expect", "transfer-encoding"} | {
    f"x-amz-{name}" for name in ("content-sha256", "decoded-content-length", "sdk-checksum-algorithm", "trailer")
}
_FORWARDED = {"content-length", "content-range", "content-type", "etag", "last-modified"}


class ObjectServer(LoopbackServer):
    """Counts requests as (method, key) and applies ``faults``: (method, end of the key) -> faults, first one first.

    Faults: ``error`` (503), ``hang`` (no reply for ``hang_seconds``), ``missing`` (404), ``lost`` (a write that is
    confirmed and not done), ``broken`` (the connection ends in the middle of the content), ``short`` and ``flipped``
    (content that is complete for HTTP, and wrong).
    """

    def __init__(self, upstream: str | None = None, hang_seconds: float = 3.0) -> None:
        self.upstream = upstream
        self.hang_seconds = hang_seconds
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: dict[tuple[str, str], list[str]] = {}
        self.listen(_Handler)

    def fault_of(self, method: str, key: str) -> str | None:
        """The next fault for a request, if there is one."""
        for (faulty, end), waiting in self.faults.items():
            if faulty == method and key.endswith(end) and waiting:
                return waiting.pop(0)
        return None

    def reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """What the server replies without a fault."""
        if self.upstream:
            return self._forwarded(method, target, headers, body)
        key = unquote(urlsplit(target).path.lstrip("/"))
        if key == BUCKET and method == "GET":
            return self._listing(parse_qs(urlsplit(target).query))
        if method == "PUT":
            self.objects[key] = body
            return 200, {"ETag": '"0"'}, b""
        if method == "DELETE":
            self.objects.pop(key, None)
            return 204, {}, b""
        if key not in self.objects:
            return 404, {}, b""
        return self._content(headers.get("range"), self.objects[key])

    def _content(self, wanted: str | None, content: bytes) -> Reply:
        headers = {"ETag": '"0"', "Last-Modified": formatdate(usegmt=True)}
        if wanted is None:
            return 200, headers, content
        first, last = (int(text) for text in re.findall(r"\d+", wanted))
        part = content[first : last + 1]
        return 206, {**headers, "Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"}, part

    def _listing(self, query: dict[str, list[str]]) -> Reply:
        (prefix,) = query.get("prefix", [""])
        shown = quote if query.get("encoding-type") == ["url"] else str
        found = [
            f"<Contents><Key>{shown(key.removeprefix(f'{BUCKET}/'))}</Key><Size>{len(content)}</Size>"
            "<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(f"{BUCKET}/{prefix}") and "/" not in key.removeprefix(f"{BUCKET}/{prefix}")
        ]
        text = f"<ListBucketResult><KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>{''.join(found)}"
        return 200, {"Content-Type": "application/xml"}, f"{text}</ListBucketResult>".encode()

    def _forwarded(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        connection = http.client.HTTPConnection(urlsplit(self.upstream or "").netloc, timeout=30)
        try:
            plain = {name: value for name, value in headers.items() if name not in _OF_THE_TRANSFER}
            connection.request(method, target, body, plain)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() in _FORWARDED}
            return response.status, kept, response.read()
        finally:
            connection.close()


def _joined(chunks: IO[bytes]) -> bytes:
    """The content of chunks, each after its length in hex; what follows the last, empty chunk is not read."""
    parts = []
    while size := int(chunks.readline().split(b";")[0], 16):
        parts.append(chunks.read(size))
        chunks.readline()
    return b"".join(parts)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002  # the name of the base class
        pass

    def _serve(self) -> None:
        server: ObjectServer = self.server.owner  # type: ignore[attr-defined]  # set where the server is made
        key = urlsplit(self.path).path.lstrip("/")
        body = self._body()
        server.requests.append((self.command, key))
        fault = server.fault_of(self.command, key)
        if fault == "hang":
            time.sleep(server.hang_seconds)
            self.close_connection = True
            return
        fixed = {"error": (503, {}, b""), "missing": (404, {}, b""), "lost": (200, {"ETag": '"0"'}, b"")}
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, reply_headers, content = fixed.get(fault or "") or server.reply(self.command, self.path, headers, body)
        self._send(status, reply_headers, content, fault)

    def _body(self) -> bytes:
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding") == "chunked":
            sent = _joined(self.rfile)
            self.rfile.readline()
        else:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_signed = "aws-chunked" in self.headers.get("Content-Encoding", "")
        return _joined(io.BytesIO(sent)) if is_signed else sent

    def _send(self, status: int, headers: dict[str, str], content: bytes, fault: str | None) -> None:
        if fault == "flipped":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if fault == "short":
            content = content[:-10]
        self.send_response(status)
        given = {name.lower() for name in headers}
        for name, value in headers.items():
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD" or "content-length" not in given:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if fault == "broken" else content)
        self.close_connection = self.close_connection or fault == "broken"


for _method in ("GET", "HEAD", "PUT", "DELETE", "POST"):
    setattr(_Handler, f"do_{_method}", _Handler._serve)
