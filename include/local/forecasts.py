"""What the launcher reads from Postgres for the terminal: states of tickers and hours, and the newest forecasts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from include.contracts import OutcomeStatus, TickerStatus
from include.local.hours import Hour, count_statuses
from include.local.reasons import Finding, format_instant
from include.store.engine import create_store_engine, fetch_rows, transaction

_TIME = "%a %d %b %H:%M %Z"

_ONBOARDING_STAGES = """
select coalesce(result, stage) as name
from forecast.onboarding
where request_id = :request_id
"""

_NEWEST_HOUR = """
select as_of, ticker, status, stage, reason
from forecast.outcome
where as_of = (select max(as_of) from forecast.outcome)
order by ticker
"""

_TICKERS = """
select ticker, status, status_reason
from bi.ticker_status
order by ticker
"""

_LATEST = """
select *
from bi.latest_forecast
where is_next and status = 'active'
order by is_simulated, ticker
"""

_PAST = """
select ticker, max(target_at) as target_at
from bi.latest_forecast
where status = 'active'
group by ticker
having bool_and(is_past)
order by ticker
"""


class ForecastReader:
    """Reads from the Hourcast database at ``url``."""

    def __init__(self, url: str) -> None:
        self._engine = create_store_engine(url)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def tickers(self) -> list[Finding]:
        """Status and reason of every ticker that was ever onboarded, in alphabetical order, from bi.ticker_status."""
        return [Finding(row["ticker"], row["status"], row["status_reason"]) for row in self._rows(_TICKERS)]

    def statuses(self) -> dict[str, TickerStatus]:
        """The status of each of these tickers."""
        return {item.ticker: TickerStatus(item.status) for item in self.tickers()}

    def unfinished(self, tickers: Collection[str]) -> list[Finding]:
        """Status and reason of those of ``tickers`` that are not active."""
        return [item for item in self.tickers() if item.ticker in tickers and item.status != TickerStatus.ACTIVE]

    def describe_request(self, run_id: str) -> str:
        """How far the tickers of an onboarding run are: "3 backfilled, 2 trained"."""
        return count_statuses(row["name"] for row in self._rows(_ONBOARDING_STAGES, {"request_id": run_id}))

    def describe_hour(self, since: datetime, until: datetime) -> str:
        """How far the tickers of the newest hour between two instants are; empty where there is no such hour."""
        newest = self.newest_hour()
        if newest is None or not since <= newest.as_of <= until:
            return ""
        return count_statuses(finding.status for finding in newest.findings)

    def newest_hour(self) -> Hour | None:
        """The newest hour of all tickers; None before the first."""
        rows = self._rows(_NEWEST_HOUR)
        if not rows:
            return None
        is_finished = all(row["status"] != OutcomeStatus.PLANNED for row in rows)
        return Hour(rows[0]["as_of"], tuple(_finding(row) for row in rows), is_finished)

    def latest(self) -> list[dict[str, Any]]:
        """The newest forecast of every ticker's next bar that has not closed: rows of bi.latest_forecast."""
        return self._rows(_LATEST)

    def past(self) -> list[Finding]:
        """The active tickers whose newest forecast has no bar ahead, and when its last one closed."""
        return [
            Finding(row["ticker"], "past", f"the last bar closed {format_instant(row['target_at'])}")
            for row in self._rows(_PAST)
        ]

    def _rows(self, query: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        with transaction(self._engine) as connection:
            return fetch_rows(connection, query, values or {})


@contextmanager
def open_reader(url: str) -> Iterator[ForecastReader]:
    """A reader whose connections are closed when the block ends."""
    reader = ForecastReader(url)
    try:
        yield reader
    finally:
        reader.close()


def forecast_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The forecasts for a terminal; prices in the ticker's currency, times in the exchange's time zone.

    ``price`` is the one that the forecast starts from, ``of`` when it is from: the last close, or at night a price of
    the extended hours.

    A cell that is too wide is wrapped at its spaces, so that 80 columns show every digit.
    """
    table = Table(
        title="The next bar's close, by ticker; times are the exchange's",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    table.add_column("ticker", no_wrap=True)
    table.add_column("source", min_width=9)
    table.add_column("price", justify="right", min_width=9)
    table.add_column("of", min_width=10)
    table.add_column("target", min_width=10)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("90 % interval", justify="right", min_width=9)
    table.add_column("width", justify="right", no_wrap=True)
    table.add_column("random walk's", justify="right", min_width=6)
    for row in rows:
        table.add_row(*(escape(cell) for cell in forecast_cells(row)))
    return table


def forecast_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row of the table as text: widths are shares of the price that the forecast starts from."""
    price = float(row["last_close"] if row["believed_price"] is None else row["believed_price"])
    zone = ZoneInfo(row["exchange_timezone"])
    low, middle, high = (float(row[name]) for name in ("q05", "q50", "q95"))
    source = "SIMULATED" if row["is_simulated"] else str(row["source"])
    return (
        str(row["ticker"]),
        source + (" fallback" if row["is_fallback"] else ""),
        format_price(price),
        row["price_at"].astimezone(zone).strftime(_TIME),
        row["target_at"].astimezone(zone).strftime(_TIME),
        format_price(middle),
        f"{format_price(low)} to {format_price(high)}",
        format_ratio(high - low, price),
        _random_walk_width(row, price),
    )


def reason_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why forecasts are as wide as they are or where they start from, a line for each ticker with a reason."""
    return [f"{row['ticker']}: {row['reasons']}" for row in rows if row["reasons"]]


def format_price(price: float) -> str:
    """Two decimals, or as many as show four digits of a small price."""
    if price >= 1:
        return f"{price:,.2f}"
    return f"{price:.4g}"


def format_ratio(difference: float, whole: float) -> str:
    """A share of a price, in percent, for people."""
    return f"{100 * difference / whole:.2f}%"


def _random_walk_width(row: Mapping[str, Any], price: float) -> str:
    low, high = row.get("random_walk_q05"), row.get("random_walk_q95")
    return "-" if low is None or high is None else format_ratio(float(high) - float(low), price)


def _finding(row: Mapping[str, Any]) -> Finding:
    """A ticker's outcome of an hour, or its stage where it has none yet."""
    name = row["stage"] if row["status"] == OutcomeStatus.PLANNED else row["status"]
    return Finding(row["ticker"], name, row["reason"])
