"""An emulator of OpenDART on the loopback, with its statuses and the faults of its documents.

Faults are queued for the end of a path: a status of OpenDART such as ``020`` (limit reached), an HTTP status such as
``500``, ``cut`` (the connection ends in the middle), ``damaged`` (a ZIP file with other bytes in it), ``page`` (HTML).
"""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from tests.support.loopback import LoopbackServer

KEY = "k" * 40
PAGE = b"<html><body>maintenance</body></html>"


@dataclass
class DartEmulator(LoopbackServer):
    """Rows of the list by company, and the text of each document by receipt number."""

    rows: dict[str, list[dict[str, str]]]
    documents: dict[str, bytes]
    page_size: int = 2
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    """Six digits of the exchange and codes at DART."""

    def __post_init__(self) -> None:
        self.listen(_Handler)

    def response_to(self, name: str, query: dict[str, str]) -> bytes:
        """What OpenDART sends."""
        if query.get("crtfc_key") != KEY:
            return status(name, "010", "등록되지 않은 키입니다.")
        if name == "corpCode.xml":
            return company_list(self.codes)
        if name == "document.xml":
            text = self.documents.get(query["rcept_no"])
            return packed(query["rcept_no"], text) if text else status(name, "014", "파일이 존재하지 않습니다.")
        if not query["corp_code"].isdecimal():
            return status(name, "100", "필드의 부적절한 값입니다.")
        rows = [
            row
            for row in self.rows.get(query["corp_code"], [])
            if query["bgn_de"] <= row["rcept_dt"] <= query["end_de"]
        ]
        if not rows:
            return status(name, "013", "조회된 데이타가 없습니다.")
        page = int(query["page_no"])
        shown = rows[(page - 1) * self.page_size : page * self.page_size]
        total = -(-len(rows) // self.page_size)
        return json.dumps(
            {"status": "000", "message": "정상", "page_no": page, "total_page": total, "list": shown}
        ).encode()


def status(name: str, code: str, message: str) -> bytes:
    """A response that is nothing but a status, in the form of the address."""
    if name.endswith(".json"):
        return json.dumps({"status": code, "message": message}).encode()
    return f'<?xml version="1.0"?><result><status>{code}</status><message>{message}</message></result>'.encode()


def packed(receipt: str, text: bytes) -> bytes:
    """A ZIP file as OpenDART sends it: the report, and an attached one whose name comes before it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"0{receipt}_00760.xml", "<DOCUMENT><BODY><P>attached</P></BODY></DOCUMENT>")
        archive.writestr(f"{receipt}.xml", text)
    return content.getvalue()


def company_list(codes: dict[str, str]) -> bytes:
    """The ZIP file of all companies; one of them is not listed at an exchange."""
    rows = "".join(
        f"<list><corp_code>{code}</corp_code><corp_name>x</corp_name><stock_code>{ticker}</stock_code></list>"
        for ticker, code in [*codes.items(), (" ", "00000001")]
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CORPCODE.xml", f'<?xml version="1.0" encoding="UTF-8"?><result>{rows}</result>')
    return content.getvalue()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        owner: DartEmulator = self.server.owner  # type: ignore[attr-defined]  # set by the emulator
        parts = urlsplit(self.path)
        name, query = parts.path.rpartition("/")[2], dict(parse_qsl(parts.query))
        owner.asked.append((name, query))
        fault = next((faults.pop(0) for end, faults in owner.faults.items() if name.endswith(end) and faults), "")
        content = owner.response_to(name, query)
        if fault.startswith(("0", "8", "9")):
            content = status(name, fault, "오류")
        elif fault == "damaged":
            content = content[: len(content) // 2] + b"\0" * 40 + content[len(content) // 2 + 40 :]
        elif fault == "page":
            content = PAGE
        self.send_response(int(fault) if fault[:1] in {"4", "5"} else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # the client may have given up
            self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
