"""Filings from files: what a file says of itself, and its documents.

Two kinds of files name their company, form and day themselves. A full submission of the SEC has a header. A report of
DART has a cover, and is named after its receipt number, whose first eight digits are the day of receipt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from include.errors import DataContractError, InvalidRequestError
from include.filings.contracts import Company, Filing, FilingSource, RawDocument, Submission
from include.filings.dart import read_cover
from include.filings.sgml import read_submission

SEOUL: Final = ZoneInfo("Asia/Seoul")
_RECEIPT: Final = re.compile(r"(\d{8})\d{6}")
_ITEMS: Final[Mapping[str, str]] = {
    "entry into a material definitive agreement": "1.01",
    "completion of acquisition or disposition of assets": "2.01",
    "results of operations and financial condition": "2.02",
    "regulation fd disclosure": "7.01",
    "other events": "8.01",
    "financial statements and exhibits": "9.01",
}
"""Items of an 8-K by their names in lower case; the header has names, and the list of filings has numbers."""


def read_file(path: Path) -> tuple[Filing, tuple[RawDocument, ...]]:
    """The filing in a file, and its documents.

    Raises:
        InvalidRequestError: the file cannot be read, or does not say which filing it is.
        DataContractError: the file is cut off, or what it says of itself makes no sense.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise InvalidRequestError(message) from error
    if b"-HEADER>" in content[:20_000].upper():
        submission = read_submission(content)
        return _of_submission(path, submission), submission.documents
    return _of_report(path, content), (RawDocument("", path.name, content),)


def _of_submission(path: Path, submission: Submission) -> Filing:
    header = submission.header
    try:
        filed_on = day_of(header["FILED AS OF DATE"][0])
        number, name = header["CENTRAL INDEX KEY"][0], header["COMPANY CONFORMED NAME"][0]
        receipt, form = header["ACCESSION NUMBER"][0], header["CONFORMED SUBMISSION TYPE"][0]
    except KeyError as error:
        message = f"{path.name}: the header has no {error.args[0]}."
        raise DataContractError(message) from error
    period = header.get("CONFORMED PERIOD OF REPORT")
    items = [_ITEMS.get(item.lower(), item) for item in header.get("ITEM INFORMATION", ())]
    return Filing(
        source=FilingSource.EDGAR,
        receipt=receipt,
        company=Company(FilingSource.EDGAR, number, name),
        form=form,
        accepted_at=submission.accepted_at or end_of_day(filed_on, ZoneInfo("America/New_York")),
        filed_on=filed_on,
        period_end=day_of(period[0]) if period else None,
        items=tuple(items),
        main_document=submission.documents[0].name,
        is_amendment=form.endswith("/A"),
    )


def _of_report(path: Path, content: bytes) -> Filing:
    cover, receipt = read_cover(content), _RECEIPT.match(path.stem)
    if cover is None or receipt is None:
        message = (
            f"{path.name} does not say which filing it is. A full submission of the SEC can be read, and a report "
            "of DART that is named after its receipt number."
        )
        raise InvalidRequestError(message)
    filed_on = day_of(receipt.group(1))
    return Filing(
        source=FilingSource.DART,
        receipt=receipt.group(),
        company=Company(FilingSource.DART, cover.company, cover.name),
        form=cover.title,
        accepted_at=end_of_day(filed_on, SEOUL),
        filed_on=filed_on,
        period_end=day_of(cover.period[1]) if cover.period else None,
        main_document=path.name,
    )


def day_of(digits: str) -> date:
    """The day that eight digits name.

    Raises:
        DataContractError: they name none.
    """
    message = f"{digits!r} is no day; eight digits are expected."
    if not re.fullmatch(r"[0-9]{8}", digits):
        raise DataContractError(message)
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as error:
        raise DataContractError(message) from error


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) of the next day: the earliest at which a filing without a time surely was there."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
