"""Filings of the SEC over the network, within its rules of fair access.

Every request names a contact, as the SEC asks, and requests are at most ``per_second`` a second in this process. The
SEC refuses with 403 or 429 for some minutes when it was asked too often; nothing is asked until that time is over.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from include.errors import DataContractError, FilingsUnavailableError, SettingsError
from include.filings.contracts import Filing, RawDocument
from include.filings.edgar_list import FilingList, read_list, read_rows
from include.filings.sgml import read_submission
from include.filings.web import Web
from include.filings_settings import FilingsSettings

LISTS: Final = FilingsSettings.edgar_lists_url
ARCHIVES: Final = FilingsSettings.edgar_archives_url
TICKERS: Final = FilingsSettings.edgar_tickers_url
MOST_PER_SECOND: Final = 10.0
"""The SEC's own limit."""
_CONTACT: Final = re.compile(r"[^@\s]+ [^@]*\S+@\S+\.\S+")


@dataclass(frozen=True)
class EdgarSettings:
    """Who asks, where, and how often."""

    contact: str
    """A name and a mail address, such as ``Jane Doe jane@example.org``; the SEC blocks requests without one."""
    lists: str = LISTS
    archives: str = ARCHIVES
    tickers: str = TICKERS
    per_second: float = 5.0
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not _CONTACT.fullmatch(self.contact):
            message = (
                "The SEC wants to know who asks: give a name and a mail address, like 'Jane Doe jane@example.org'."
            )
            raise SettingsError(message)
        if not 0 < self.per_second <= MOST_PER_SECOND:
            message = f"{self.per_second} requests a second: the SEC allows {MOST_PER_SECOND:.0f} at most."
            raise SettingsError(message)


class Edgar:
    """The SEC's lists and archives. One object serves several threads."""

    def __init__(
        self,
        settings: EdgarSettings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``clock`` and ``sleep`` are in seconds."""
        self._settings = settings
        headers = {"User-Agent": settings.contact, "Accept-Encoding": "gzip, deflate"}
        self._web = Web("the SEC", settings.per_second, settings.timeout_seconds, headers, clock, sleep)

    def tickers(self) -> Any:  # noqa: ANN401  # JSON of anybody
        """The SEC's list of tickers and their companies, as it came.

        Raises:
            FilingsUnavailableError: the SEC cannot be reached, or refuses for now.
        """
        return self._json(self._settings.tickers)

    def filings(self, number: str, since: date) -> FilingList:
        """A company's filings from ``since`` on, newest first; ``number`` is its CIK.

        Raises:
            InvalidRequestError: there is no such company.
            FilingsUnavailableError: the SEC cannot be reached, or refuses for now.
            DataContractError: the list has another form.
        """
        found = read_list(self._json(self._list(f"CIK{number.zfill(10)}.json")), self._settings.archives)
        filings, skipped = list(found.filings), list(found.skipped)
        for older in found.older:
            if older.last >= since:
                more, left_out = read_rows(self._json(self._list(older.name)), found.company, self._settings.archives)
                filings += more
                skipped += left_out
        wanted = {filing.receipt: filing for filing in filings if filing.filed_on >= since}
        newest = sorted(wanted.values(), key=lambda filing: (filing.accepted_at, filing.receipt), reverse=True)
        return replace(found, filings=tuple(newest), skipped=tuple(skipped))

    def fetch(self, filing: Filing) -> tuple[Filing, tuple[RawDocument, ...], bytes]:
        """A filing with the exact instant of its acceptance, its documents, and the submission as it came.

        Raises:
            InvalidRequestError: the archives do not have it.
            FilingsUnavailableError: the SEC cannot be reached, refuses for now, or sent half of it.
        """
        content = self._web.read(filing.address)
        try:
            submission = read_submission(content)
        except DataContractError as error:
            message = f"{filing.receipt}: {error} It is tried again."
            raise FilingsUnavailableError(message) from error
        stated = submission.header.get("ACCESSION NUMBER", (filing.receipt,))[0]
        if stated != filing.receipt:
            message = f"{filing.receipt}: the SEC sent {stated} in its place. It is tried again."
            raise FilingsUnavailableError(message)
        return replace(filing, accepted_at=submission.accepted_at or filing.accepted_at), submission.documents, content

    def _list(self, name: str) -> str:
        return f"{self._settings.lists.rstrip('/')}/{name}"

    def _json(self, address: str) -> Any:  # noqa: ANN401  # JSON of anybody
        try:
            return json.loads(self._web.read(address))
        except ValueError as error:
            message = f"{address}: the SEC sent no JSON. It is tried again."
            raise FilingsUnavailableError(message) from error
