"""The queries of the page in Airflow: each reads views of schema ``bi`` and returns rows with the views' names.

Only ``freshness`` is defined here. It says what a person should think of a ticker's newest forecast at this moment:

* ``no_data``: there is no forecast yet;
* ``current``: the first bar that it forecasts is trading;
* ``market_closed``: that bar has not opened;
* ``due``: that bar closed less than an hour ago, and the next hour's run follows;
* ``late``: it closed longer ago, so a run is missing;
* ``stale``, ``failed``, ``rejected``, ``retired``: the ticker's status.

The overview reads the states and the skills of all tickers, chooses some (``overview.py``), and reads their details.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from include.store.reader import Engine, read_rows

FRESHNESS = ("no_data", "current", "market_closed", "due", "late", "stale", "failed", "rejected", "retired")
SPARKLINE_BARS = 40
SCORED_DAYS = 30
WITHOUT_SCORES: dict[str, Any] = {
    "scored_count": 0,
    "scored_day_count": 0,
    "coverage_90_ratio": None,
    "crps_skill_ratio": None,
    "crps_skill_error": None,
    "har_crps_skill_ratio": None,
    "har_crps_skill_error": None,
    "verdict": None,
}
"""What a ticker has that no forecast was scored of."""

_LISTED = """
with ahead as (
    select distinct on (ticker)
        *, min(target_at) over (partition by ticker) as first_target_at
    from bi.latest_forecast
    where (is_next or horizon = 1) and (cast(:tickers as text[]) is null or ticker = any(:tickers))
    order by ticker, is_next desc, horizon
),

listed as (
    select
        status.*,
        ahead.as_of, ahead.target_at_exchange, ahead.price_at, ahead.is_refresh, ahead.is_fallback,
        ahead.fallback_reason, ahead.reasons, ahead.q05, ahead.q50, ahead.q95,
        coalesce(ahead.believed_price, ahead.last_close) as price,
        ahead.q50 / coalesce(ahead.believed_price, ahead.last_close) - 1 as median_move_ratio,
        (ahead.q95 - ahead.q05) / coalesce(ahead.believed_price, ahead.last_close) as interval_90_ratio,
        case
            when status.status in ('stale', 'failed', 'rejected', 'retired') then status.status
            when ahead.first_target_at is null then 'no_data'
            when ahead.first_target_at > now() + interval '1 hour' then 'market_closed'
            when ahead.first_target_at > now() then 'current'
            when ahead.first_target_at > now() - interval '1 hour' then 'due'
            else 'late'
        end as freshness
    from bi.ticker_status as status
    left join ahead using (ticker)
    where cast(:tickers as text[]) is null or status.ticker = any(:tickers)
)
"""

_LISTING = """
select
    ticker, name, calendar, status, freshness, next_target_at, last_bar_closed_at, median_move_ratio, interval_90_ratio
from listed
order by ticker
"""

_ROWS = "select * from listed"

_SKILLS = """
select
    ticker, forecast_count as scored_count, day_count as scored_day_count, coverage_90_ratio,
    crps_skill_ratio, crps_skill_error, har_crps_skill_ratio, har_crps_skill_error, verdict
from bi.accuracy_window
where horizon = 1 and window_days = :days
    and (cast(:tickers as text[]) is null or ticker = any(:tickers))
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


def read_states(engine: Engine) -> list[dict[str, Any]]:
    """Every ticker that was ever requested, in their order: its state, and the moves that its newest forecast expects.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _LISTED + _LISTING, {"tickers": None})


def read_skills(engine: Engine, tickers: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """The scores of ``SCORED_DAYS`` days by ticker, one bar ahead; a ticker without scores is left out.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    values = {"tickers": None if tickers is None else list(tickers), "days": SCORED_DAYS}
    return {row["ticker"]: row for row in read_rows(engine, _SKILLS, values)}


def read_tickers(
    engine: Engine, tickers: Sequence[str], skills: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of these tickers, in the given order; one that was never requested is left out.

    Each has its state, its newest forecast with the fan, its newest closes, and its scores from ``skills``
    (``WITHOUT_SCORES`` if it has none there).

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    if not tickers:
        return []
    chosen = {"tickers": list(tickers)}
    rows = {row["ticker"]: row for row in read_rows(engine, _LISTED + _ROWS, chosen)}
    fans = _grouped(read_rows(engine, _FANS, chosen))
    closes = _grouped(read_rows(engine, _CLOSES, chosen | {"bars": SPARKLINE_BARS}))
    return [
        {**rows[name], **skills.get(name, WITHOUT_SCORES), "closes": closes[name], "fan": fans[name]}
        for name in tickers
        if name in rows
    ]


def read_ticker(engine: Engine, ticker: str) -> dict[str, Any] | None:
    """The same row for one ticker; None if it was never requested.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return next(iter(read_tickers(engine, [ticker], read_skills(engine, [ticker]))), None)


def _grouped(rows: Sequence[dict[str, Any]]) -> defaultdict[str, list[dict[str, Any]]]:
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["ticker"]].append(row)
    return groups
