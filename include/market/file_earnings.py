"""Days of companies' reports from a CSV file beside the bars of the source `files`.

The file is ``earnings.csv`` with the columns ticker, reported_on (YYYY-MM-DD, the day on the exchange's clock), timing
(before_open, after_close or unknown) and, if wanted, known_at (with a zone; without it a day counts as known 14 days
before) and is_confirmed (true or false; true without it). A bad row loses only itself. Days that become known after an
instant are handed over too: each has its ``known_at``, and the store reads by it.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from include.contracts import TickerFailure, require_utc
from include.earnings import EarningsDate, ReportTiming
from include.errors import DataContractError, InvalidRequestError
from include.market.file_table import quoted, require_size
from include.market.source import FILES, EarningsReport, normalise_ticker

FILE_NAME: Final = "earnings.csv"
KNOWN_BEFORE: Final = timedelta(days=14)
"""How long before its day a report counts as known where the file does not say so."""

_COLUMNS: Final = ("ticker", "reported_on", "timing")
_FLAGS: Final = {"true": True, "1": True, "yes": True, "": True, "false": False, "0": False, "no": False}
_HOW: Final = "correct the row, as in AAPL,2026-01-29,after_close"


def read_earnings(folder: Path, tickers: Collection[str]) -> EarningsReport:
    """The reports of these tickers in the folder's file; nothing is said of any ticker if there is no file.

    A bad row is a failure of its ticker, whose other rows count. A file that cannot be read is one of every ticker.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return EarningsReport(dates=(), answered=frozenset())
    try:
        rows = list(_rows(path))
    except DataContractError as error:
        reason = f"{path} cannot be read: {error}."
        return EarningsReport(
            (), frozenset(), tuple(TickerFailure(each, reason, is_retryable=False) for each in tickers)
        )
    dates: list[EarningsDate] = []
    failures: list[TickerFailure] = []
    for line, row in rows:
        named = row["ticker"].upper()
        try:
            item = _date(row)
        except (DataContractError, InvalidRequestError, ValueError) as error:
            if named in tickers or not named:
                reason = f"{path}, line {line}: {error}; {_HOW}."
                failures.append(TickerFailure(named or FILE_NAME, reason, is_retryable=False))
            continue
        if item.ticker in tickers:
            dates.append(item)
    return EarningsReport(tuple(dates), frozenset(tickers), tuple(failures), past_of=frozenset(tickers))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The file's rows, each with the number of its line; a cell that is missing is empty.

    Raises:
        DataContractError: it is no CSV file with the three columns.
    """
    require_size(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, strict=True)
            names = reader.fieldnames or ()
            missing = [name for name in _COLUMNS if name not in names]
            if missing:
                message = f"its first line lacks {', '.join(missing)}; write {','.join(_COLUMNS)} there"
                raise DataContractError(message)
            for row in reader:
                yield reader.line_num, {name: (row[name] or "").strip() for name in names}
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        message = f"it is no CSV file in UTF-8 ({error}); write it again"
        raise DataContractError(message) from error


def _date(cells: Mapping[str, str]) -> EarningsDate:
    """One row's report.

    Raises:
        DataContractError, InvalidRequestError: a value cannot be read; the message names it.
    """
    reported_on = _day(cells["reported_on"])
    timing = cells["timing"].lower() or ReportTiming.UNKNOWN.value
    if timing not in set(ReportTiming):
        message = f"timing {quoted(cells['timing'])} is none of {', '.join(ReportTiming)}"
        raise DataContractError(message)
    flag = cells.get("is_confirmed", "").lower()
    if flag not in _FLAGS:
        message = f"is_confirmed {quoted(flag)} is neither true nor false"
        raise DataContractError(message)
    return EarningsDate(
        ticker=normalise_ticker(cells["ticker"]),
        reported_on=reported_on,
        timing=ReportTiming(timing),
        is_confirmed=_FLAGS[flag],
        source=FILES,
        known_at=_known_at(cells.get("known_at", ""), reported_on),
    )


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        message = f"reported_on {quoted(text)} is no day"
        raise DataContractError(message) from error
    if not 1900 < day.year < 2200:
        message = f"reported_on {quoted(text)} is not between 1900 and 2200"
        raise DataContractError(message)
    return day


def _known_at(text: str, reported_on: date) -> datetime:
    if not text:
        return datetime.combine(reported_on - KNOWN_BEFORE, time(0), UTC)
    try:
        return require_utc(datetime.fromisoformat(text), "known_at")
    except ValueError as error:
        message = f"known_at {quoted(text)} is no instant"
        raise DataContractError(message) from error
