"""What the launcher reads from Postgres for the terminal: how tickers fare, and the newest forecasts as a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from include.contracts import TickerStatus, TrackedTicker
from include.store import registry
from include.store.engine import create_store_engine, fetch_rows, transaction

_TIME = "%a %d %b %H:%M %Z"

_ONBOARDING_COUNTS = """
select coalesce(result, stage) as name, count(*) as count
from forecast.onboarding
where request_id = :request_id
group by 1
order by count desc, name
"""

_HOUR_COUNTS = """
select case status when 'planned' then stage else status end as name, count(*) as count
from forecast.outcome
where as_of = (select max(as_of) from forecast.outcome where as_of between :since and :until)
group by 1
order by count desc, name
"""

_LATEST = """
select *
from bi.latest_forecast
where horizon = 1 and status = 'active'
order by is_simulated, ticker
"""


class ForecastReader:
    """Reads from the Hourcast database at ``url``."""

    def __init__(self, url: str) -> None:
        self._engine = create_store_engine(url)

    def close(self) -> None:
        """Lets the connections go."""
        self._engine.dispose()

    def tracked(self) -> list[TrackedTicker]:
        """Every ticker that was ever asked for."""
        with transaction(self._engine) as connection:
            return registry.get_tickers(connection)

    def statuses(self) -> dict[str, TickerStatus]:
        """Where each ticker's life stands."""
        return {item.ticker: item.status for item in self.tracked()}

    def describe_request(self, run_id: str) -> str:
        """How the tickers of an onboarding run fare: "3 backfilled, 2 trained"."""
        return _join_counts(self._rows(_ONBOARDING_COUNTS, {"request_id": run_id}))

    def describe_hour(self, since: datetime, until: datetime) -> str:
        """How the tickers of the newest hour between two instants fare."""
        return _join_counts(self._rows(_HOUR_COUNTS, {"since": since, "until": until}))

    def latest(self) -> list[dict[str, Any]]:
        """The newest forecast of every ticker's next bar: rows of bi.latest_forecast."""
        with transaction(self._engine) as connection:
            return fetch_rows(connection, _LATEST)

    def _rows(self, query: str, values: Mapping[str, Any]) -> list[tuple[str, int]]:
        with transaction(self._engine) as connection:
            return [(str(row["name"]), int(row["count"])) for row in fetch_rows(connection, query, values)]


@contextmanager
def open_reader(url: str) -> Iterator[ForecastReader]:
    """A reader whose connections end with the block."""
    reader = ForecastReader(url)
    try:
        yield reader
    finally:
        reader.close()


def forecast_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The forecasts for a terminal; prices in the ticker's currency, target times in the exchange's time zone.

    Wide rows fold at their spaces, so that no digit is lost on 80 columns.
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
    table.add_column("last close", justify="right", min_width=9)
    table.add_column("target", min_width=10)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("90 % interval", justify="right", min_width=9)
    table.add_column("width", justify="right", no_wrap=True)
    table.add_column("random walk's", justify="right", min_width=6)
    for row in rows:
        table.add_row(*(escape(cell) for cell in forecast_cells(row)))
    return table


def forecast_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row of the table as text: widths are shares of the last close."""
    last_close = float(row["last_close"])
    low, middle, high = (float(row[name]) for name in ("q05", "q50", "q95"))
    target_at = row["target_at"].astimezone(ZoneInfo(row["exchange_timezone"]))
    source = "SIMULATED" if row["is_simulated"] else str(row["source"])
    return (
        str(row["ticker"]),
        source + (" fallback" if row["is_fallback"] else ""),
        format_price(last_close),
        target_at.strftime(_TIME),
        format_price(middle),
        f"{format_price(low)} to {format_price(high)}",
        format_ratio(high - low, last_close),
        _random_walk_width(row, last_close),
    )


def format_price(price: float) -> str:
    """Two decimals, or as many as show four digits of a small price."""
    if price >= 1:
        return f"{price:,.2f}"
    return f"{price:.4g}"


def format_ratio(difference: float, whole: float) -> str:
    """A share of the last close, in percent, for people."""
    return f"{100 * difference / whole:.2f}%"


def _random_walk_width(row: Mapping[str, Any], last_close: float) -> str:
    low, high = row.get("random_walk_q05"), row.get("random_walk_q95")
    return "-" if low is None or high is None else format_ratio(float(high) - float(low), last_close)


def describe_unfinished(tracked: Sequence[TrackedTicker], tickers: Collection[str]) -> list[str]:
    """One line for those of ``tickers`` that are not active, for the same reason: their status and the reason."""
    groups: dict[str, list[str]] = {}
    for item in tracked:
        if item.ticker in tickers and item.status is not TickerStatus.ACTIVE:
            reason = (item.status_reason or "").removeprefix(f"{item.ticker}: ")
            groups.setdefault(f"{item.status.value}{f' ({reason})' if reason else ''}", []).append(item.ticker)
    return [f"{', '.join(names)}: {story}" for story, names in groups.items()]


def _join_counts(rows: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {name}" for name, count in rows)
