"""Filings of Korean companies from OpenDART, the open interface of the Financial Supervisory Service.

It gives a list of a company's filings, and each filing as a ZIP file of XML or HTML. A key belongs to a person and has
a daily limit. It is a parameter of every request, so no message shows a request's parameters.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from include.errors import DataContractError, FilingsUnavailableError, InvalidRequestError, SettingsError
from include.filings.contracts import Company, Filing, FilingSource, RawDocument
from include.filings.dart import read_cover
from include.filings.files import SEOUL, day_of, end_of_day
from include.filings.web import Web
from include.filings_settings import FilingsSettings

SERVICE: Final = FilingsSettings.opendart_url
VIEWER: Final = "https://dart.fss.or.kr/dsaf001/main.do?rcpNo="
_KEY_LENGTH: Final = 40
_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 200
_LARGEST_MEMBER: Final = 100 * 2**20
"""Bytes of a document after unpacking; a half-year report has some 4 MB."""
_NOTHING_FOUND: Final = frozenset({"013", "014"})
_KEY_REFUSED: Final = frozenset({"010", "011", "012", "901"})
_PARAMETER_REFUSED: Final = frozenset({"100", "101"})
_TOO_OFTEN: Final = frozenset({"020"})
_CORRECTED: Final = "[기재정정]"


@dataclass(frozen=True)
class OpenDartSettings:
    """Whose key, where, and how often."""

    key: str
    """Forty letters and digits, from OpenDART's registration; secret."""
    service: str = SERVICE
    per_second: float = 5.0
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        if len(self.key) != _KEY_LENGTH or not self.key.isalnum():
            message = "OpenDART's key has 40 letters and digits; this one has another form."
            raise SettingsError(message)

    def __repr__(self) -> str:
        """The settings without the key."""
        return f"OpenDartSettings(service={self.service!r})"


class OpenDart:
    """OpenDART's lists and documents. One object serves several threads."""

    def __init__(
        self,
        settings: OpenDartSettings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``clock`` and ``sleep`` are in seconds."""
        self._settings = settings
        self._web = Web("OpenDART", settings.per_second, settings.timeout_seconds, {}, clock, sleep)

    def filings(self, number: str, since: date, until: date) -> tuple[Filing, ...]:
        """A company's filings of these days, newest first; ``number`` is its code of eight digits.

        Raises:
            InvalidRequestError: OpenDART does not accept the code.
            SettingsError: OpenDART does not accept the key.
            FilingsUnavailableError: it cannot be reached, the daily limit is reached, or a response is unreadable.
        """
        found: dict[str, Filing] = {}
        page, page_count = 1, 1
        while page <= min(page_count, _MOST_PAGES):
            asked = {
                "corp_code": number,
                "bgn_de": since.strftime("%Y%m%d"),
                "end_de": until.strftime("%Y%m%d"),
                "page_no": str(page),
                "page_count": str(_PAGE_SIZE),
            }
            content = self._read("list.json", asked)
            answer = _json(content)
            if not _is_found(str(answer.get("status")), str(answer.get("message"))):
                break
            found |= {filing.receipt: filing for filing in _rows(answer)}
            page, page_count = page + 1, int(answer.get("total_page") or 1)
        return tuple(sorted(found.values(), key=lambda filing: filing.receipt, reverse=True))

    def fetch(self, filing: Filing) -> tuple[Filing, tuple[RawDocument, ...], bytes]:
        """A filing with what its cover says, its documents, and the ZIP file as it came; the report itself comes first.

        Raises:
            InvalidRequestError: OpenDART has no documents of it.
            SettingsError: OpenDART does not accept the key.
            FilingsUnavailableError: it cannot be reached, the daily limit is reached, or the file is damaged.
        """
        content = self._read("document.xml", {"rcept_no": filing.receipt})
        if not content.startswith(b"PK"):
            status, message = _status(content)
            _is_found(status, message)
            text = f"{filing.receipt}: OpenDART has no document of it ({status} {message})."
            raise InvalidRequestError(text)
        exact, documents = described(filing, unpack(filing.receipt, content))
        return exact, documents, content

    def companies(self) -> bytes:
        """The ZIP file of all companies and their codes, as it came.

        Raises:
            SettingsError: OpenDART does not accept the key.
            FilingsUnavailableError: it cannot be reached, or the daily limit is reached.
        """
        content = self._read("corpCode.xml", {})
        if not content.startswith(b"PK"):
            status, message = _status(content)
            _is_found(status, message)
            text = f"OpenDART sent no list of companies ({status} {message}). It is tried again."
            raise FilingsUnavailableError(text)
        return content

    def _read(self, name: str, parameters: Mapping[str, str]) -> bytes:
        address = f"{self._settings.service.rstrip('/')}/{name}"
        content = self._web.read(address, {"crtfc_key": self._settings.key, **parameters})
        status = _status(content)[0] if content[:200].lstrip().startswith((b"<", b"{")) else ""
        if status in _TOO_OFTEN:
            self._web.note_refusal()
        return content


def described(filing: Filing, documents: tuple[RawDocument, ...]) -> tuple[Filing, tuple[RawDocument, ...]]:
    """The filing with the period on its cover and the name of its report, and its documents."""
    cover = read_cover(documents[0].content)
    period_end = day_of(cover.period[1]) if cover and cover.period else filing.period_end
    return replace(filing, period_end=period_end, main_document=documents[0].name), documents


def unpack(receipt: str, content: bytes) -> tuple[RawDocument, ...]:
    """The documents in a ZIP file of OpenDART; the one that is named after the receipt number comes first.

    Raises:
        FilingsUnavailableError: the file is damaged, empty, or larger than any filing.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = sorted(
                archive.infolist(), key=lambda member: (member.filename != f"{receipt}.xml", member.filename)
            )
            if not members or sum(member.file_size for member in members) > _LARGEST_MEMBER:
                message = f"{receipt}: OpenDART's file has {len(members)} documents, or more bytes than any filing."
                raise FilingsUnavailableError(message)
            return tuple(RawDocument("", member.filename, archive.read(member)) for member in members)
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError) as error:
        message = f"{receipt}: OpenDART's file is damaged ({error}). It is tried again."
        raise FilingsUnavailableError(message) from error


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError as error:
        message = "OpenDART sent no JSON. It is tried again."
        raise FilingsUnavailableError(message) from error
    if not isinstance(answer, dict):
        message = "OpenDART sent a list in another form. It is tried again."
        raise FilingsUnavailableError(message)
    return answer


def _is_found(status: str, message: str) -> bool:
    """Whether a status means that there is something, and not that there is nothing.

    Raises:
        SettingsError: the key is not accepted.
        InvalidRequestError: a parameter is not accepted.
        FilingsUnavailableError: the limit is reached, or the service is down.
    """
    if status == "000":
        return True
    if status in _NOTHING_FOUND:
        return False
    text = f"OpenDART responded with {status}: {message}"
    if status in _KEY_REFUSED:
        text += " Check the key."
        raise SettingsError(text)
    if status in _PARAMETER_REFUSED:
        text += " Check the company's code of eight digits."
        raise InvalidRequestError(text)
    text += " It is tried again."
    raise FilingsUnavailableError(text)


def _status(content: bytes) -> tuple[str, str]:
    """Status and message of a short response in JSON or XML."""
    text = content[:2000].decode(errors="replace")
    if text.lstrip().startswith("{"):
        answer = _json(content)
        return str(answer.get("status")), str(answer.get("message"))
    found = [text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip() for name in ("status", "message")]
    return found[0], found[1]


def _rows(answer: Mapping[str, Any]) -> list[Filing]:
    try:
        return [_filing(row) for row in answer["list"]]
    except (KeyError, TypeError, AttributeError, DataContractError) as error:
        message = f"OpenDART's list has another form: {type(error).__name__} {error}."
        raise FilingsUnavailableError(message) from error


def _filing(row: Mapping[str, Any]) -> Filing:
    receipt, title = str(row["rcept_no"]), str(row["report_nm"]).strip()
    filed_on = day_of(str(row["rcept_dt"]))
    ticker = str(row.get("stock_code") or "").strip()
    company = Company(
        FilingSource.DART, str(row["corp_code"]), str(row["corp_name"]).strip(), (ticker,) if ticker else ()
    )
    return Filing(
        source=FilingSource.DART,
        receipt=receipt,
        company=company,
        form=title.replace(_CORRECTED, "").partition("(")[0].strip(),
        accepted_at=end_of_day(filed_on, SEOUL),  # the list has a day only
        filed_on=filed_on,
        address=f"{VIEWER}{receipt}",
        is_amendment=_CORRECTED in title,
    )
