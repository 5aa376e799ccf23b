"""The list of a company's filings as the SEC publishes it, in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from include.errors import DataContractError
from include.filings.acceptance import from_list
from include.filings.contracts import Company, Filing, FilingSource

_COLUMNS: Final = (
    "accessionNumber",
    "filingDate",
    "reportDate",
    "acceptanceDateTime",
    "form",
    "items",
    "primaryDocument",
)
_RECEIPT: Final = re.compile(r"\d{10}-\d{2}-\d{6}")


@dataclass(frozen=True)
class OlderList:
    """A further file of the list, and the days of the filings in it."""

    name: str
    first: date
    last: date


@dataclass(frozen=True)
class FilingList:
    """A company's newest filings, newest first, and the files with its older ones."""

    company: Company
    filings: tuple[Filing, ...]
    older: tuple[OlderList, ...]
    skipped: tuple[str, ...]
    """Why rows were left out, one text a row."""


def read_list(listing: object, archives: str) -> FilingList:
    """The list from ``CIK##########.json``; ``archives`` is the address that documents lie below.

    Raises:
        DataContractError: it is no such list.
    """
    try:
        found: Mapping[str, Any] = listing  # type: ignore[assignment]  # JSON of anybody; what is no list fails below
        number = str(found["cik"]).zfill(10)
        company = Company(
            FilingSource.EDGAR, number, str(found["name"]), tuple(str(ticker) for ticker in found["tickers"])
        )
        recent, files = found["filings"]["recent"], found["filings"]["files"]
        older = tuple(OlderList(str(file["name"]), _day(file["filingFrom"]), _day(file["filingTo"])) for file in files)
    except (KeyError, TypeError, ValueError) as error:
        message = f"The SEC's list of filings has another form: {type(error).__name__} {error}."
        raise DataContractError(message) from error
    filings, skipped = read_rows(recent, company, archives)
    return FilingList(company, filings, older, skipped)


def read_rows(columns: object, company: Company, archives: str) -> tuple[tuple[Filing, ...], tuple[str, ...]]:
    """The filings in columns of equal length, and why rows were left out. An older file holds nothing but columns.

    Raises:
        DataContractError: a column is missing or has another length.
    """
    if not isinstance(columns, Mapping):
        message = f"{company.number}: the SEC's list of filings has no columns."
        raise DataContractError(message)
    missing = [name for name in _COLUMNS if not isinstance(columns.get(name), Sequence)]
    lengths = {len(columns[name]) for name in _COLUMNS if name not in missing}
    if missing or len(lengths) != 1:
        message = f"{company.number}: columns of the SEC's list are missing ({', '.join(missing)}) or differ in length."
        raise DataContractError(message)
    filings: list[Filing] = []
    skipped: list[str] = []
    for row in zip(*(columns[name] for name in _COLUMNS), strict=True):
        try:
            filings.append(_filing(row, company, archives))
        except (DataContractError, TypeError, ValueError) as error:
            skipped.append(f"{company.number} {row[0]}: {error}")
    return tuple(filings), tuple(skipped)


def _filing(row: Sequence[Any], company: Company, archives: str) -> Filing:
    receipt, filed_on, period, accepted, form, items, document = (str(value or "") for value in row)
    if not _RECEIPT.fullmatch(receipt):
        message = "is no accession number"
        raise ValueError(message)
    folder = f"{archives.rstrip('/')}/{int(company.number)}/{receipt.replace('-', '')}"
    return Filing(
        source=FilingSource.EDGAR,
        receipt=receipt,
        company=company,
        form=form,
        accepted_at=from_list(accepted),
        filed_on=_day(filed_on),
        period_end=_day(period) if period else None,
        items=tuple(item.strip() for item in items.split(",") if item.strip()),
        main_document=document.rpartition("/")[2],
        address=f"{folder}/{receipt}.txt",
        is_amendment=form.endswith("/A"),
    )


def _day(text: object) -> date:
    return date.fromisoformat(str(text))
