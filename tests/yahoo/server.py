"""The emulator's server: an HTTPS proxy on the loopback that answers Yahoo's hosts itself and reaches nobody else."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import struct
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.yahoo import chart, reports
from tests.yahoo.certificates import make_certificates
from tests.yahoo.extended_faults import EXTENDED_KINDS
from tests.yahoo.faults import (
    BODY_KINDS,
    DATA_KINDS,
    STALE_KINDS,
    STATUS_KINDS,
    TRANSPORT_KINDS,
    Document,
    Fault,
    FaultPlan,
    changed,
    targets_of,
)
from tests.yahoo.providers import Provider
from tests.yahoo.reports import Reports

CONSENT_PAGE = (
    "<html><body><form><input name='csrfToken' value='token'>"
    "<input name='sessionId' value='session'></form></body></html>"
)
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")
AUTHORITY_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Asked:
    """One request that reached the emulator.

    ``kind`` is chart, calendar, earnings, cookie, crumb, consent or other.

    ``second`` is when it came, by ``time.monotonic``.
    """

    kind: str
    ticker: str
    query: Mapping[str, str]
    fault: str | None
    second: float


@dataclass(frozen=True)
class Reply:
    """What goes back over the wire, and how it is spoilt on the way."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    fault: Fault | None = None


class YahooEmulator:
    """Yahoo on the loopback, fed by a provider; a context manager.

    ``clock`` is the instant at which Yahoo lives, for ever the same until set anew; None is this machine's clock.
    ``plan`` holds the faults; ``asked`` every request so far. ``environment()`` is what a client needs to get here.
    """

    def __init__(
        self,
        provider: Provider,
        clock: datetime | None = None,
        faults: Iterable[str] = (),
        port: int = 0,
        seed: int = 0,
    ) -> None:
        self.provider = provider
        self.reports: dict[str, Reports] = {}
        self.clock = clock
        self.plan = FaultPlan(seed=seed)
        for fault in faults:
            self.plan.add(fault)
        self.asked: list[Asked] = []
        self._past = threading.local()
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._open_sockets: set[socket.socket] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="yahoo-emulator-")
        self.certificates = make_certificates(Path(self._folder.name))
        self._server = _Server(("127.0.0.1", port), _Connection, self)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        with self._lock:
            for open_socket in self._open_sockets:
                with contextlib.suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def environment(self) -> dict[str, str]:
        """The variables that lead a client here and make it trust the certificate."""
        proxy = dict.fromkeys(PROXY_VARIABLES, f"http://127.0.0.1:{self.port}")
        return proxy | dict.fromkeys(AUTHORITY_VARIABLES, str(self.certificates.bundle))

    def now(self) -> datetime:
        """The instant at which Yahoo lives; in a thread that serves a stale answer, when that was made."""
        return (self.clock or datetime.now(UTC)) - getattr(self._past, "age", timedelta(0))

    def counts(self) -> Counter[str]:
        """Requests by kind so far."""
        with self._lock:
            return Counter(request.kind for request in self.asked)

    def chart_requests(self, ticker: str) -> int:
        """Chart requests for one ticker so far."""
        with self._lock:
            return sum(request.kind == "chart" and request.ticker == ticker for request in self.asked)

    def forget_requests(self) -> None:
        """Starts the count anew."""
        with self._lock:
            self.asked.clear()

    @contextlib.contextmanager
    def tracked(self, open_socket: socket.socket) -> Iterator[None]:
        """Knows a connection while it is served, so that leaving the emulator ends it."""
        with self._lock:
            self._open_sockets.add(open_socket)
        try:
            yield
        finally:
            with self._lock:
                self._open_sockets.discard(open_socket)

    def reply(self, host: str, target: str) -> Reply:
        """The answer to one request."""
        address = urlsplit(target)
        query = dict(parse_qsl(address.query))
        kind, ticker, answer = self._route(host, address.path, query)
        is_extended = kind == "chart" and query.get("interval") == "5m"
        fault = self.plan.draw(f"extended-{ticker}", "extended") if is_extended else None
        fault = fault or self.plan.draw(*targets_of(kind, ticker))
        with self._lock:
            self.asked.append(Asked(kind, ticker, query, fault.kind if fault else None, time.monotonic()))
        age = timedelta(seconds=fault.age_seconds if fault and fault.kind in STALE_KINDS else 0)
        with self._looking_back(age):
            return _dated(self._spoilt(answer(ticker, query), fault), self.now(), age, fault)

    @contextlib.contextmanager
    def _looking_back(self, age: timedelta) -> Iterator[None]:
        """Lets this thread serve the market as it stood so long ago."""
        self._past.age = age
        try:
            yield
        finally:
            self._past.age = timedelta(0)

    def _route(
        self, host: str, path: str, query: Mapping[str, str]
    ) -> tuple[str, str, Callable[[str, Mapping[str, str]], Reply]]:
        last = unquote(path.rpartition("/")[2])
        if host == "fc.yahoo.com":
            return "cookie", "", self._cookie
        if path == "/v1/test/getcrumb":
            return "crumb", "", lambda *_: Reply(200, b"emulator.crumb")
        if path.startswith("/v8/finance/chart/"):
            return "chart", last, self._chart
        if host in {"guce.yahoo.com", "consent.yahoo.com"}:
            return "consent", "", lambda *_: Reply(200, CONSENT_PAGE.encode(), _cookie_header())
        if path.startswith("/v10/finance/quoteSummary/"):
            is_calendar = query.get("modules") == "calendarEvents"
            reply = _json(*reports.calendar(last, self.reports.get(last) if is_calendar else None))
            return "calendar" if is_calendar else "other", last, lambda *_: reply
        if path == "/calendar/earnings":
            page = reports.page(query["symbol"], self.reports.get(query["symbol"], Reports()))
            return "earnings", query["symbol"], lambda *_: Reply(200, page.encode())
        if path == "/v7/finance/quote":
            return "other", last, lambda *_: _json(200, {"quoteResponse": {"result": [], "error": None}})
        if "/timeseries/" in path:
            return "other", last, lambda *_: _json(200, {"timeseries": {"result": [], "error": None}})
        return "other", last, lambda *_: Reply(404, b"not emulated")

    def _cookie(self, ticker: str, query: Mapping[str, str]) -> Reply:
        return Reply(404, b"<html><body>404</body></html>", _cookie_header())

    def _chart(self, ticker: str, query: Mapping[str, str]) -> Reply:
        listing = self.provider(ticker)
        if listing is None:
            return _json(*chart.not_found(ticker))
        return _json(*chart.answer(ticker, listing, query, self.now()))

    def _spoilt(self, reply: Reply, fault: Fault | None) -> Reply:
        if fault is None:
            return reply
        if fault.kind in STATUS_KINDS:
            return _refused(fault)
        if fault.kind in BODY_KINDS:
            return Reply(200, BODY_KINDS[fault.kind])
        if reply.status == 200 and fault.kind in {*DATA_KINDS, *EXTENDED_KINDS}:
            return _json(200, changed(json.loads(reply.body), fault.kind))
        return Reply(reply.status, reply.body, reply.headers, fault)


def _dated(reply: Reply, made_at: datetime, age: timedelta, fault: Fault | None) -> Reply:
    """The reply with the headers of its date and age; a cache keeps the date."""
    if fault and fault.kind == "stale-unmarked":
        return reply
    headers = [*reply.headers, ("Date", format_datetime(made_at.astimezone(UTC), usegmt=True))]
    if age:
        headers.append(("Age", f"{age.total_seconds():.0f}"))
    return replace(reply, headers=tuple(headers))


def _refused(fault: Fault) -> Reply:
    status = STATUS_KINDS[fault.kind]
    if status == 429:
        after = (("Retry-After", f"{fault.seconds or 2:g}"),) if fault.kind == "429-after" else ()
        return Reply(429, b"Too Many Requests", after)
    if status == 404:
        return _json(*chart.not_found(""))
    if status == 401:
        error = {"code": "Unauthorized", "description": "Invalid Crumb"}
        return _json(401, {"finance": {"result": None, "error": error}})
    return Reply(status, f"<html><body>{status}</body></html>".encode())


def _json(status: int, document: Document) -> Reply:
    return Reply(status, json.dumps(document).encode(), (("Content-Type", "application/json;charset=utf-8"),))


def _cookie_header() -> tuple[tuple[str, str], ...]:
    expires = (datetime.now(UTC) + timedelta(days=365)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (("Set-Cookie", f"A3=d=emulator; Expires={expires}; Domain=.yahoo.com; Path=/; Secure; HttpOnly"),)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[_Connection], emulator: YahooEmulator) -> None:
        self.emulator = emulator
        super().__init__(address, handler)


class _Connection(socketserver.BaseRequestHandler):
    """One client's tunnel: CONNECT, TLS, then requests until one side has had enough."""

    server: _Server

    def handle(self) -> None:
        emulator = self.server.emulator
        with contextlib.suppress(OSError, ssl.SSLError, ValueError), emulator.tracked(self.request):
            host = self._accept_tunnel()
            if host is None:
                return
            context = emulator.certificates.context
            with context.wrap_socket(self.request, server_side=True) as tunnel, emulator.tracked(tunnel):
                self._serve(tunnel, host)

    def _accept_tunnel(self) -> str | None:
        head = _read_head(self.request)
        verb, target, *_ = [*head.split(b"\r\n", 1)[0].decode().split(" "), "", ""]
        host = target.rpartition(":")[0]
        if verb != "CONNECT" or not (host == "yahoo.com" or host.endswith(".yahoo.com")):
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return None
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return host

    def _serve(self, tunnel: ssl.SSLSocket, host: str) -> None:
        while not self.server.emulator.stopping.is_set():
            head = _read_head(tunnel)
            if not head:
                return
            first, *headers = head.decode("latin-1").split("\r\n")
            _read_body(tunnel, headers)
            reply = self.server.emulator.reply(host, first.split(" ")[1])
            if not self._send(tunnel, reply):
                return

    def _send(self, tunnel: ssl.SSLSocket, reply: Reply) -> bool:
        """Whether the tunnel may be used again."""
        kind = reply.fault.kind if reply.fault and reply.fault.kind in TRANSPORT_KINDS else ""
        seconds = reply.fault.seconds if reply.fault else None
        if kind == "reset":
            tunnel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if kind in {"hang", "slow"}:
            self.server.emulator.stopping.wait(seconds or (3600 if kind == "hang" else 1))
        if kind in {"hang", "closed"}:
            return False
        lines = [
            f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
            f"Content-Length: {len(reply.body)}",
            *(f"{name}: {value}" for name, value in reply.headers),
        ]
        body = reply.body[: len(reply.body) // 2] if kind == "truncated" else reply.body
        tunnel.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return kind != "truncated"


def _read_head(stream: socket.socket) -> bytes:
    """Bytes up to the empty line; nothing when the client has left. One byte at a time: a body may follow."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            return b""
        head += byte
    return bytes(head)


def _read_body(stream: socket.socket, headers: list[str]) -> None:
    for line in headers:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            left = int(value)
            while left > 0:
                left -= len(stream.recv(left))
