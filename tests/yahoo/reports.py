"""Companies' reports as Yahoo serves them: the calendar of the next one, and the page of all that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from tests.yahoo.faults import Document

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Reports:
    """One company's reports.

    ``coming``: instants of the next one, two for a range. ``past``: instants of the past ones, newest first. ``symbol``
    is what the page says; None for the ticker. Pages show the hour alone, so minutes are lost.
    """

    coming: Sequence[datetime] = ()
    past: Sequence[datetime] = ()
    is_estimate: bool = False
    symbol: str | None = None


def calendar(ticker: str, reports: Reports | None) -> tuple[int, Document]:
    """Status and document of ``quoteSummary`` with the module calendarEvents; None for a ticker without, as a fund."""
    if reports is None:
        error = {"code": "Not Found", "description": f"No fundamentals data found for symbol: {ticker}"}
        return 404, {"quoteSummary": {"result": None, "error": error}}
    earnings = {
        "earningsDate": [int(at.timestamp()) for at in reports.coming],
        "earningsCallDate": [],
        "isEarningsDateEstimate": reports.is_estimate,
        "earningsAverage": 2.1,
        "revenueAverage": 90_000_000_000,
    }
    events = {"maxAge": 1, "earnings": earnings, "exDividendDate": 1_739_145_600, "dividendDate": 1_739_404_800}
    return 200, {"quoteSummary": {"result": [{"calendarEvents": events}], "error": None}}


def page(ticker: str, reports: Reports) -> str:
    """The page of earnings dates: newest first, New York's clock, hours only."""
    rows = [(at, "2.10", "-", "-") for at in reports.coming] + [(at, "1.9", "2.0", "+5.2") for at in reports.past]
    if not rows:
        return "<html><body><p>We couldn't find any results.</p></body></html>"
    symbol = escape(reports.symbol or ticker)
    cells = "".join(
        f'<tr><td><a href="/quote/{symbol}/"> {symbol} </a></td><td>{symbol} Inc.</td><td>{_when(at)}</td>'
        f"<td>{estimate}</td><td>{reported}</td><td>{surprise}</td></tr>"
        for at, estimate, reported, surprise in rows
    )
    names = ("Symbol", "Company", "Earnings Date", "EPS Estimate", "Reported EPS", "Surprise (%)")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<html><body><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></body></html>"


def _when(at: datetime) -> str:
    local = at.astimezone(UTC).astimezone(NEW_YORK)
    hour = local.hour % 12 or 12
    return f"{local:%B} {local.day}, {local.year} at {hour} {local:%p} {local:%Z}"
