"""The queries of a ticker's page: its bars, its forecasts with what came of them, and what became of it each hour.

Each reads views of schema ``bi`` and returns rows with the views' names and units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from include.store.reader import Engine, read_rows

_BARS = """
select opened_at, closed_at, closed_at_exchange, open, high, low, close, volume
from bi.bar
where ticker = :ticker
    and (cast(:since as timestamptz) is null or closed_at >= :since)
    and (cast(:until as timestamptz) is null or closed_at <= :until)
order by closed_at desc
limit :limit
"""

_FORECASTS = """
with hours as (
    select as_of from bi.forecast
    where ticker = :ticker and horizon = 1
        and (cast(:since as timestamptz) is null or as_of >= :since)
        and (cast(:until as timestamptz) is null or as_of <= :until)
    order by as_of desc
    limit :limit
)

select
    as_of, horizon, target_at, anchored_at, last_close, is_refresh, believed_price, believed_at,
    q05, q25, q50, q75, q95, actual_close, is_inside_50, is_inside_90, is_fallback, model_version
from bi.forecast
where ticker = :ticker
    and as_of between (select min(as_of) from hours) and (select max(as_of) from hours)
    and (cast(:horizon as integer) is null or horizon = :horizon)
order by as_of desc, horizon
"""

_SHARED = (
    "as_of", "anchored_at", "last_close", "is_refresh", "believed_price", "believed_at", "is_fallback", "model_version",
)  # fmt: skip
"""What all bars of a forecast have in common."""

_OUTCOMES = """
select as_of, shard_index, stage, status, reason, anchored_at, believed_at, model_version, updated_at
from bi.hour_outcome
where ticker = :ticker
order by as_of desc
limit :limit
"""

_EVENTS = """
select
    kind, effective_at, day_exchange, timing, is_confirmed, known_at, factor, amount, is_open, null as description,
    reported_at, receipt, address, named_by
from bi.event
where ticker = :ticker
    and day_exchange >= coalesce(cast(:since as date), current_date - 30)
    and day_exchange <= coalesce(cast(:until as date), current_date + 30)
union all
select 'announcement', min(named.target_at), min(named.target_at_exchange)::date, null, null, min(named.as_of),
    null, null, false, named.text, null, null, null, null
from (
    select stored.as_of, stored.target_at, reason.value ->> 'text' as text,
        stored.target_at at time zone coalesce(status.exchange_timezone, 'UTC') as target_at_exchange
    from bi.forecast as stored
    inner join bi.ticker_status as status using (ticker)
    cross join lateral jsonb_array_elements(stored.reasons) as reason
    where stored.ticker = :ticker and reason.value ->> 'kind' = 'announcement'
        and (stored.horizon = 1 or stored.as_of = (select max(as_of) from bi.latest_forecast where ticker = :ticker))
        and stored.as_of between coalesce(cast(:since as date), current_date - 30) - 1
            and coalesce(cast(:until as date), current_date + 30) + 1
) as named
group by named.text
having min(named.target_at_exchange)::date >= coalesce(cast(:since as date), current_date - 30)
    and min(named.target_at_exchange)::date <= coalesce(cast(:until as date), current_date + 30)
order by day_exchange desc, kind
limit :limit
"""

_VERSIONS = """
select
    as_of, model_version, parent_version, kind, step_count, reason, is_promoted, until_as_of,
    is_serving, window_count, loss_before, loss_after, challenger_number, bar_count, e_value, is_proven
from bi.model_history
where ticker = :ticker and (is_promoted or not :is_promoted)
    and (cast(:until as timestamptz) is null or as_of <= :until)
order by as_of desc
limit :limit
"""

_QUALITY = """
select
    day_exchange, expected_count, bar_count, missing_count, late_count, revision_count, rejection_count,
    rejection_reasons, scale_change_count, scale_question_count
from bi.data_quality
where ticker = :ticker
    and day_exchange >= coalesce(cast(:since as date), current_date - 30)
    and day_exchange <= coalesce(cast(:until as date), current_date + 30)
order by day_exchange desc
"""


@dataclass(frozen=True)
class Period:
    """Which rows to read: at most ``limit``, the newest, from ``since`` to ``until`` (UTC; None for no bound)."""

    limit: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Days:
    """Days on the exchange's clock, both included; None for 30 days before today (UTC), or after it."""

    since: date | None = None
    until: date | None = None


def read_bars(engine: Engine, ticker: str, period: Period) -> list[dict[str, Any]]:
    """The newest bars of a ticker that closed in the period, oldest first.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _BARS, {"ticker": ticker, **vars(period)})[::-1]


def read_forecasts(engine: Engine, ticker: str, period: Period, horizon: int | None = None) -> list[dict[str, Any]]:
    """The newest forecasts of a ticker made in the period, newest first: what they have in common, and their bars.

    With a ``horizon`` each has only the bar that is so many bars ahead.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    rows = read_rows(engine, _FORECASTS, {"ticker": ticker, "horizon": horizon, **vars(period)})
    forecasts = (list(bars) for _, bars in groupby(rows, itemgetter("as_of")))
    return [{name: bars[0][name] for name in _SHARED} | {"bars": bars} for bars in forecasts]


def read_outcomes(engine: Engine, ticker: str, limit: int) -> list[dict[str, Any]]:
    """What became of a ticker in the newest hours that planned it, newest first.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _OUTCOMES, {"ticker": ticker, "limit": limit})


def read_events(engine: Engine, ticker: str, days: Days, limit: int) -> list[dict[str, Any]]:
    """Events beside a ticker's bars, newest first: those of bi.event, and the announcements that forecasts name.

    An announcement is placed at the end of the bar that spans it.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _EVENTS, {"ticker": ticker, "limit": limit, **vars(days)})


def read_versions(engine: Engine, ticker: str, period: Period, is_promoted: bool) -> list[dict[str, Any]]:
    """The versions of a ticker's model, newest first; with ``is_promoted`` only those that may serve.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    values = {"ticker": ticker, "limit": period.limit, "until": period.until, "is_promoted": is_promoted}
    return read_rows(engine, _VERSIONS, values)


def read_quality(engine: Engine, ticker: str, days: Days) -> list[dict[str, Any]]:
    """The quality of a ticker's bars by day, newest first.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _QUALITY, {"ticker": ticker, **vars(days)})
