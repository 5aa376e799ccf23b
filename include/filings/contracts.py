"""What a filing is: who filed which form, for which period, and since when everybody could read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from include.contracts import require_utc


class FilingSource(StrEnum):
    """Where filings come from."""

    EDGAR = "edgar"
    DART = "dart"


@dataclass(frozen=True)
class Company:
    """A company as a source knows it: ``number`` is its CIK in ten digits or its DART code in eight."""

    source: FilingSource
    number: str
    name: str
    tickers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filing:
    """One filing of the list of a company.

    ``receipt`` is the accession number or DART's receipt number, and is unique within a source. ``accepted_at`` (UTC)
    is the earliest instant at which it may count as known: never earlier than the source took it. ``items`` are those
    of an 8-K, such as ``2.02``. ``period_end`` is the last day that it reports on, None if it reports on none.
    ``is_amendment`` says that it corrects an earlier filing.
    """

    source: FilingSource
    receipt: str
    company: Company
    form: str
    accepted_at: datetime
    filed_on: date
    period_end: date | None = None
    items: tuple[str, ...] = ()
    main_document: str = ""
    address: str = ""
    is_amendment: bool = False

    def __post_init__(self) -> None:
        require_utc(self.accepted_at, "accepted_at")


@dataclass(frozen=True)
class RawDocument:
    """A document of a filing as it came: ``kind`` is its type, such as ``10-K`` or ``EX-99.1``."""

    kind: str
    name: str
    content: bytes
    description: str = ""


@dataclass(frozen=True)
class Submission:
    """All documents of a filing, and what its header says."""

    documents: tuple[RawDocument, ...]
    header: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accepted_at: datetime | None = None
    """From the header; None if it has no instant of acceptance."""
