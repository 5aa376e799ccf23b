"""Servers that keep what they are sent: of mail, and of web hooks."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

_REPLIES = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs that delivers one message."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            word = line.strip().upper()[:4]
            self.wfile.write(_REPLIES.get(word, b"250 ok\r\n"))
            if word == b"DATA":
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                message = message_from_bytes(content, policy=policy.default)
                self.server.kept.append(message)  # type: ignore[attr-defined]
                self.wfile.write(b"250 kept\r\n")
            if word == b"QUIT":
                return


class _Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.kept.append((dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing is written."""


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mail_sink() -> Iterator[tuple[int, list[EmailMessage]]]:
    """The port of an SMTP server on this machine, and the messages that it has."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail)
    server.daemon_threads = True
    kept: list[EmailMessage] = []
    server.kept = kept  # type: ignore[attr-defined]
    with _serving(server) as port:
        yield port, kept


@contextmanager
def hook_sink() -> Iterator[tuple[int, list[tuple[dict[str, str], Any]]]]:
    """The port of an HTTP server on this machine, and the headers and bodies that it has been sent."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    kept: list[tuple[dict[str, str], Any]] = []
    server.kept = kept  # type: ignore[attr-defined]
    with _serving(server) as port:
        yield port, kept
