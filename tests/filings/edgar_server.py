"""An emulator of the SEC's lists and archives on the loopback, with the faults that its users report.

Faults are queued for the end of a path: ``403``, ``429``, ``500``, ``cut`` (the connection ends in the middle),
``page`` (an HTML page in place of what was asked for), ``other`` (another filing), ``half`` (a whole response that
holds half a document), ``hang`` (no response in time).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback import LoopbackServer

PAGE = b"<html><body>Your request was identified as automated.</body></html>"


@dataclass(frozen=True)
class Sent:
    """A filing that the emulator holds."""

    receipt: str
    form: str = "8-K"
    accepted: str = "20230315160636"
    """New York's time, as a header has it."""
    items: str = "2.02,9.01"
    text: str = "We report."

    @property
    def day(self) -> str:
        return f"{self.accepted[:4]}-{self.accepted[4:6]}-{self.accepted[6:8]}"


@dataclass
class EdgarEmulator(LoopbackServer):
    """Companies by CIK -> their filings, newest first; those past ``recent_count`` are in a file of their own."""

    companies: Mapping[str, list[Sent]]
    recent_count: int = 1000
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and User-Agent of every request."""
    hang_seconds: float = 3.0
    tickers: dict[str, str] = field(default_factory=dict)
    """Tickers and their companies' CIK."""

    def __post_init__(self) -> None:
        self.listen(_Handler)

    def content_of(self, path: str) -> bytes | None:
        """What the SEC holds at a path; None if there is nothing."""
        name = path.rpartition("/")[2]
        if path == "/tickers.json":
            rows = enumerate(self.tickers.items())
            return json.dumps({n: {"cik_str": int(cik), "ticker": ticker} for n, (ticker, cik) in rows}).encode()
        if path.startswith("/lists/"):
            return self._list(name)
        for number, filings in self.companies.items():
            for filing in filings:
                if path == f"/archives/{int(number)}/{filing.receipt.replace('-', '')}/{filing.receipt}.txt":
                    return submission(number, filing)
        return None

    def _list(self, name: str) -> bytes | None:
        number, _, rest = name.removeprefix("CIK").removesuffix(".json").partition("-")
        filings = self.companies.get(number)
        if filings is None:
            return None
        recent, old = filings[: self.recent_count], filings[self.recent_count :]
        if rest:
            return json.dumps(_columns(old)).encode()
        files = (
            [{"name": f"CIK{number}-submissions-001.json", "filingFrom": old[-1].day, "filingTo": old[0].day}]
            if old
            else []
        )
        found = {"cik": str(int(number)), "name": "Nova Inc.", "tickers": ["NOVA"]}
        return json.dumps(found | {"filings": {"recent": _columns(recent), "files": files}}).encode()


def submission(number: str, filing: Sent) -> bytes:
    """A full submission as the archives have it."""
    return (
        f"<SEC-DOCUMENT>{filing.receipt}.txt\n<SEC-HEADER>x\n<ACCEPTANCE-DATETIME>{filing.accepted}\n"
        f"ACCESSION NUMBER:\t\t{filing.receipt}\nCONFORMED SUBMISSION TYPE:\t{filing.form}\n"
        f"FILED AS OF DATE:\t\t{filing.accepted[:8]}\n\tCOMPANY CONFORMED NAME:\tNOVA INC.\n"
        f"\tCENTRAL INDEX KEY:\t{number}\n"
        f"</SEC-HEADER>\n<DOCUMENT>\n<TYPE>{filing.form}\n<FILENAME>nova.htm\n<TEXT>\n"
        f"<html><body><p>{filing.text}</p></body></html>\n</TEXT>\n</DOCUMENT>\n"
    ).encode()


def _columns(filings: list[Sent]) -> dict[str, list[Any]]:
    return {
        "accessionNumber": [filing.receipt for filing in filings],
        "filingDate": [filing.day for filing in filings],
        "reportDate": [filing.day for filing in filings],
        "acceptanceDateTime": [f"{filing.day}T{_clock(filing.accepted)}.000Z" for filing in filings],
        "form": [filing.form for filing in filings],
        "items": [filing.items for filing in filings],
        "primaryDocument": ["nova.htm" for _ in filings],
    }


def _clock(accepted: str) -> str:
    return f"{accepted[8:10]}:{accepted[10:12]}:{accepted[12:14]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        owner: EdgarEmulator = self.server.owner  # type: ignore[attr-defined]  # set by the emulator
        owner.asked.append((self.path, self.headers.get("User-Agent")))
        waiting = next((faults for end, faults in owner.faults.items() if self.path.endswith(end) and faults), [])
        fault = waiting.pop(0) if waiting else ""
        content = owner.content_of(self.path)
        if fault == "hang":
            time.sleep(owner.hang_seconds)
        if fault.isdecimal() or content is None:
            self._send(int(fault or 404), PAGE)
        elif fault == "cut":
            self._send(200, content[: len(content) // 2], len(content))
        else:
            self._send(
                200,
                {"page": PAGE, "half": content[: len(content) // 2], "other": other_than(content)}.get(fault, content),
            )

    def _send(self, status: int, content: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):  # the client may have given up
            self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def other_than(content: bytes) -> bytes:
    """The same submission under another accession number."""
    return content.replace(b"ACCESSION NUMBER:\t\t", b"ACCESSION NUMBER:\t\t9")
