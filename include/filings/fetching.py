"""Lists and contents of filings from their sources into the database: the first two stages of ``filings_etl``.

What a list names is stored first, and what is stored without a content is fetched next. So a run that was ended goes on
where it stopped, and a filing that could not be fetched is tried again by the next run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from include.errors import FilingsUnavailableError, HourcastError
from include.filings import loading
from include.filings.contracts import Filing, FilingSource, RawDocument
from include.filings.edgar import Edgar
from include.filings.opendart import OpenDart
from include.store import filings as store
from include.store.engine import Engine, transaction

REPORTS: Final = ("사업보고서", "반기보고서", "분기보고서")
FORMS: Final = ("10-K", "10-Q", "8-K", "20-F", "6-K")
_MOST_FAILURES: Final = 5
"""Failures in a row after which a source is left alone."""
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Feed:
    """One source for a use case: its lists, its contents, and the forms that are wanted of it."""

    source: FilingSource
    forms: tuple[str, ...]
    listed: Callable[[str, date], Sequence[Filing]]
    """The filings of a company, by its number, from a day on."""
    fetch: Callable[[Filing], tuple[Filing, tuple[RawDocument, ...], bytes]]


def edgar_feed(edgar: Edgar, forms: Sequence[str] = FORMS) -> Feed:
    """The SEC as a feed; rows of its lists that make no sense are logged."""

    def listed(number: str, since: date) -> Sequence[Filing]:
        found = edgar.filings(number, since)
        for reason in found.skipped:
            _LOG.warning("left out: %s", reason)
        return found.filings

    return Feed(FilingSource.EDGAR, tuple(forms), listed, edgar.fetch)


def dart_feed(dart: OpenDart, until: date, forms: Sequence[str] = REPORTS) -> Feed:
    """OpenDART as a feed of filings up to the day ``until`` in Seoul."""
    return Feed(FilingSource.DART, tuple(forms), lambda number, since: dart.filings(number, since, until), dart.fetch)


def list_filings(engine: Engine, feed: Feed, numbers: Sequence[str], since: date) -> dict[str, int]:
    """Stores which filings the companies have filed from ``since`` on; counts of companies, new filings and failures.

    A company whose list cannot be read is logged, and the others are read nevertheless.

    Raises:
        FilingsUnavailableError: no list could be read.
    """
    counts = {"companies": 0, "new": 0, "failed": 0}
    for number in numbers:
        try:
            wanted = [each for each in feed.listed(number, since) if each.form.removesuffix("/A") in feed.forms]
        except HourcastError as error:
            _LOG.warning("%s %s: %s", feed.source, number, error)
            counts["failed"] += 1
            continue
        with transaction(engine) as connection:
            counts["new"] += store.save_listed(connection, [loading.row_of(filing) for filing in wanted])
        counts["companies"] += 1
    if counts["failed"] and not counts["companies"]:
        message = f"No list of {counts['failed']} companies could be read; the log says why. It is tried again."
        raise FilingsUnavailableError(message)
    return counts


def fetch_listed(
    engine: Engine, feed: Feed, numbers: Sequence[str] | None, clock: Callable[[], datetime]
) -> dict[str, int]:
    """Fetches the contents that are missing, newest first; counts of filings fetched, failed and left for later.

    ``numbers`` are the companies', None for all. ``clock`` gives the present instant (UTC).
    After some failures in a row the rest is left for later.

    Raises:
        FilingsUnavailableError: there were filings to fetch, and none could be.
    """
    with transaction(engine) as connection:
        waiting = store.load_unfetched(connection, feed.source.value, numbers, feed.forms)
    counts = {"fetched": 0, "failed": 0, "left": 0}
    in_a_row = 0
    for row in waiting:
        if in_a_row == _MOST_FAILURES:
            counts["left"] += 1
            continue
        try:
            filing, _, content = feed.fetch(loading.filing_of(row))
        except HourcastError as error:
            _LOG.warning("%s: %s", row.receipt, error)
            counts["failed"], in_a_row = counts["failed"] + 1, in_a_row + 1
            continue
        with transaction(engine) as connection:
            loading.keep(connection, filing, content, clock().astimezone(UTC))
        counts["fetched"], in_a_row = counts["fetched"] + 1, 0
    if counts["failed"] and not counts["fetched"]:
        message = f"None of {len(waiting)} filings could be fetched; the log says why. It is tried again."
        raise FilingsUnavailableError(message)
    return counts
