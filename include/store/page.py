"""The queries of the page in Airflow: each reads views of schema ``bi`` and returns rows with the views' names.

Only ``freshness`` is defined here. It says what a person should think of a ticker's newest forecast at this moment:

* ``no_data``: there is no forecast yet;
* ``current``: the first bar that it forecasts is trading;
* ``market_closed``: that bar has not opened;
* ``due``: that bar closed less than an hour ago, and the next hour's run follows;
* ``late``: it closed longer ago, so a run is missing;
* ``stale``, ``failed``, ``rejected``, ``retired``: the ticker's status.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.store.reader import Engine, read_rows

FRESHNESS = ("no_data", "current", "market_closed", "due", "late", "stale", "failed", "rejected", "retired")
SPARKLINE_BARS = 40
COVERAGE_DAYS = 30

SORTS = {
    "ticker": "ticker",
    "status": "status",
    "freshness": "freshness",
    "target_at": "next_target_at",
    "last_bar_closed_at": "last_bar_closed_at",
    "median_move_ratio": "median_move_ratio",
    "interval_90_ratio": "interval_90_ratio",
}
"""What the tickers can be sorted by, and the column that it means."""

_LISTED = """
with listed as (
    select
        status.*,
        next.as_of, next.target_at_exchange, next.price_at, next.is_refresh, next.is_fallback, next.fallback_reason,
        next.reasons, next.q05, next.q50, next.q95,
        coalesce(next.believed_price, next.last_close) as price,
        next.q50 / coalesce(next.believed_price, next.last_close) - 1 as median_move_ratio,
        (next.q95 - next.q05) / coalesce(next.believed_price, next.last_close) as interval_90_ratio,
        case
            when status.status in ('stale', 'failed', 'rejected', 'retired') then status.status
            when nearest.target_at is null then 'no_data'
            when nearest.target_at > now() + interval '1 hour' then 'market_closed'
            when nearest.target_at > now() then 'current'
            when nearest.target_at > now() - interval '1 hour' then 'due'
            else 'late'
        end as freshness
    from bi.ticker_status as status
    left join bi.latest_forecast as nearest on status.ticker = nearest.ticker and nearest.horizon = 1
    left join bi.latest_forecast as next
        on status.ticker = next.ticker
            and (next.is_next or (next.horizon = 1 and status.next_target_at is null))
)
"""

_OVERVIEW = """,
chosen as (
    select * from listed
    where (cast(:search as text) = '' or position(lower(:search) in lower(ticker || ' ' || coalesce(name, ''))) > 0)
        and (cast(:calendar as text) = '' or calendar = :calendar)
        and (cast(:freshness as text) = '' or freshness = :freshness)
)

select
    total.chosen_count as ticker_count,
    total.calendars,
    paged.*
from (
    select
        (select count(*) from chosen) as chosen_count,
        (select array_agg(distinct calendar order by calendar) from listed where calendar is not null) as calendars
) as total
left join (
    select * from chosen
    order by {order} nulls last, ticker
    limit :limit offset :offset
) as paged on true
order by {order} nulls last, ticker
"""

_ONE_TICKER = """
select * from listed
where ticker = :ticker
"""

_FANS = """
select ticker, as_of, horizon, target_at, target_at_exchange, q025, q05, q10, q25, q50, q75, q90, q95, q975
from bi.latest_forecast
where ticker = any(:tickers)
order by ticker, horizon
"""

_CLOSES = """
select given.ticker, newest.closed_at, newest.close
from unnest(cast(:tickers as text[])) as given (ticker)
cross join lateral (
    select bar.closed_at, bar.close from bi.bar
    where bar.ticker = given.ticker
    order by bar.closed_at desc
    limit :bars
) as newest
order by given.ticker, newest.closed_at
"""

_COVERAGE = """
select ticker, count(*) as scored_count, avg(is_inside_90::integer)::double precision as coverage_90_ratio
from bi.forecast
where ticker = any(:tickers) and horizon = 1 and not is_refresh and is_inside_90 is not null
    and as_of > now() - :days * interval '1 day'
group by ticker
"""


@dataclass(frozen=True)
class OverviewQuery:
    """Which tickers to list: ``sort`` is a key of ``SORTS``, ``page`` counts from 1, an empty filter keeps all."""

    search: str = ""
    calendar: str = ""
    freshness: str = ""
    sort: str = "ticker"
    is_descending: bool = False
    page: int = 1
    page_size: int = 50


@dataclass(frozen=True)
class Overview:
    """One page of tickers; ``ticker_count`` counts those of all pages, ``calendars`` are all there are."""

    tickers: list[dict[str, Any]]
    ticker_count: int
    calendars: list[str]


def read_overview(engine: Engine, query: OverviewQuery) -> Overview:
    """The tickers of one page, each with its newest closes, its forecast's fan and its coverage of 30 days.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    order = SORTS[query.sort] + (" desc" if query.is_descending else "")
    values = {
        "search": query.search,
        "calendar": query.calendar,
        "freshness": query.freshness,
        "limit": query.page_size,
        "offset": (query.page - 1) * query.page_size,
    }
    rows = read_rows(engine, _LISTED + _OVERVIEW.format(order=order), values)
    tickers = [row for row in rows if row["ticker"] is not None]
    return Overview(_with_details(engine, tickers), int(rows[0]["ticker_count"]), rows[0]["calendars"] or [])


def read_ticker(engine: Engine, ticker: str) -> dict[str, Any] | None:
    """The same row for one ticker; None if it was never requested.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    rows = read_rows(engine, _LISTED + _ONE_TICKER, {"ticker": ticker})
    return _with_details(engine, rows)[0] if rows else None


def _with_details(engine: Engine, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    tickers = [row["ticker"] for row in rows]
    if not tickers:
        return []
    fans = _grouped(read_rows(engine, _FANS, {"tickers": tickers}), "ticker")
    closes = _grouped(read_rows(engine, _CLOSES, {"tickers": tickers, "bars": SPARKLINE_BARS}), "ticker")
    covered = {row["ticker"]: row for row in read_rows(engine, _COVERAGE, {"tickers": tickers, "days": COVERAGE_DAYS})}
    nothing = {"scored_count": 0, "coverage_90_ratio": None}
    return [
        row
        | {name: covered.get(row["ticker"], nothing)[name] for name in nothing}
        | {"closes": closes[row["ticker"]], "fan": fans[row["ticker"]]}
        for row in rows
    ]


def _grouped(rows: Sequence[dict[str, Any]], key: str) -> defaultdict[Any, list[dict[str, Any]]]:
    groups: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups
