"""The facts of the weekly report, read from the views of schema bi; the report's text is made elsewhere.

Rows have the views' names and units. Where next: ``pipeline/weekly``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from include.store.engine import Connection, fetch_rows

Rows = list[dict[str, Any]]

QUERIES: Final[Mapping[str, str]] = {
    "outcomes": """
        select status, count(*) as outcome_count, count(distinct ticker) as ticker_count
        from bi.hour_outcome
        where as_of > :since and as_of <= :until
        group by status
        order by outcome_count desc
    """,
    "hours": """
        select
            count(*) as hour_count, count(*) filter (where failed_count > 0) as failed_count,
            count(*) filter (where finished_at is null) as unfinished_count,
            count(*) filter (where finished_at > as_of + interval '1 hour') as late_count,
            max(extract(epoch from finished_at - as_of))::double precision as longest_seconds
        from bi.pipeline_freshness
        where as_of > :since and as_of <= :until
    """,
    "missing_hours": """
        select count(*) as hour_count, min(as_of) as first_at, max(as_of) as last_at
        from bi.missing_hour
        where as_of > :since and as_of <= :until
    """,
    "reasons": """
        select
            status, reason, count(*) as outcome_count, count(distinct ticker) as ticker_count, min(ticker) as ticker,
            max(as_of) as last_at
        from bi.hour_outcome
        where as_of > :since and as_of <= :until and status in ('failed', 'fallback', 'planned')
        group by status, reason
        order by outcome_count desc, reason
        limit 6
    """,
    "market_days": """
        select
            is_simulated, calendar, horizon, day_exchange, forecast_count, random_walk_count, har_count, crps_sum,
            crps_beside_random_walk_sum, random_walk_crps_sum, crps_beside_har_sum, har_crps_sum,
            coverage_50_ratio, coverage_80_ratio, coverage_90_ratio, coverage_95_ratio, direction_count,
            direction_hit_ratio
        from bi.market_daily
        where not is_refresh
            and day_exchange > cast(:until as timestamptz)::date - 90
            and day_exchange <= cast(:until as timestamptz)::date
        order by is_simulated, calendar, horizon, day_exchange
    """,
    "tickers": """
        select
            ticker, is_simulated, calendar, day_count, forecast_count, crps_skill_ratio, crps_skill_error,
            har_crps_skill_ratio, har_crps_skill_error, coverage_90_ratio, verdict
        from bi.accuracy_window
        where horizon = 1 and window_days = 90 and crps_skill_ratio is not null
        order by crps_skill_ratio desc, ticker
    """,
    "quality": """
        select
            sum(expected_count)::bigint as expected_count, sum(missing_count)::bigint as missing_count,
            sum(late_count)::bigint as late_count, sum(revision_count)::bigint as revision_count,
            sum(rejection_count)::bigint as rejection_count
        from bi.data_quality
        where day_exchange > cast(:since as timestamptz)::date and day_exchange <= cast(:until as timestamptz)::date
    """,
    "unreadable": """
        select count(*) as version_count, count(distinct ticker) as ticker_count, min(unreadable_reason) as reason
        from bi.model_history
        where unreadable_at > :since and unreadable_at <= :until
    """,
    "held": """
        select ticker, min(known_at) as since_at from bi.event where is_open group by ticker order by ticker
    """,
    "lists": """
        select labels ->> 'kind' as kind, labels ->> 'name' as name, value::integer as known_days
        from bi.metric
        where metric = 'hourcast_known_days' and value < 60
        order by value
    """,
    "trainings": """
        select
            kind, count(*) as version_count, count(distinct ticker) as ticker_count,
            count(*) filter (where is_promoted) as promoted_count, count(*) filter (where is_proven) as proven_count
        from bi.model_history
        where as_of > :since and as_of <= :until
        group by kind
        order by kind
    """,
    "backbones": """
        select
            request_id, is_shipped, as_of, model_version, ticker_count, bar_count, crps_skill_ratio,
            present_crps_skill_ratio, scale_crps_skill_ratio, is_promoted, reason
        from bi.backbone
        where as_of <= :until
        order by is_shipped, as_of desc
        limit 3
    """,
    "margins": """
        with scored as (
            select
                made.is_simulated,
                (made.target_at at time zone 'UTC')::date as day,
                ln(made.actual_close / made.last_close) as log_return,
                ln(made.q05 / made.last_close) as ours,
                ln(baseline.random_walk[1][2] / (made.last_close * made.split_factor)) as random_walk,
                sign(made.q50 - made.last_close) as side
            from bi.forecast as made
            inner join forecast.baseline_prediction as baseline using (ticker, as_of)
            where made.horizon = 1 and not made.is_refresh and made.actual_close > 0 and made.q05 > 0
                and made.as_of > cast(:until as timestamptz) - interval '28 days' and made.as_of <= :until
        )

        select
            is_simulated, day, count(*) as forecast_count,
            -sum(ours)::double precision as margin_sum, -sum(random_walk)::double precision as walk_margin_sum,
            count(*) filter (where log_return < ours) as breach_count,
            count(*) filter (where log_return < random_walk) as walk_breach_count,
            sum(greatest(0.05 * (log_return - ours), -0.95 * (log_return - ours)))::double precision as cost_sum,
            sum(greatest(0.05 * (log_return - random_walk), -0.95 * (log_return - random_walk)))::double precision
                as walk_cost_sum,
            count(*) filter (where side <> 0) as trade_count,
            coalesce(sum(side * log_return), 0)::double precision as gain_sum
        from scored
        group by is_simulated, day
        order by is_simulated, day
    """,
    "drift": """
        select is_simulated, calendar, kind, as_of, is_drifted, status, reason
        from bi.drift
        where is_newest and as_of <= :until
        order by is_drifted desc, is_simulated, calendar, kind
    """,
    "operations": """
        select as_of, operation, model_version, reason, decided_by, happened_at
        from bi.model_operation
        where as_of > :since and as_of <= :until
        order by as_of desc, happened_at desc
    """,
}
"""Every query that needs no ticker, by the name of its rows; ``:since`` and ``:until`` are instants."""

_RESIDUALS: Final = """
select
    (ln(actual_close / last_close) / nullif((ln(q75 / last_close) - ln(q25 / last_close)) / 1.349, 0))
        ::double precision as residual
from bi.forecast
where ticker = :ticker and horizon = 1 and not is_refresh and actual_close > 0
    and as_of <= :until and as_of > cast(:until as timestamptz) - interval '180 days'
order by as_of
"""

_RANGES: Final = """
select * from (
    select
        closed_at, opened_at_exchange::time as slot,
        ln(greatest(high / low - 1, 1e-6))::double precision as log_range
    from bi.bar
    where ticker = :ticker and closed_at <= :until and low > 0
    order by closed_at desc
    limit 1000
) as newest
order by closed_at
"""


def read_facts(connection: Connection, since: datetime, until: datetime) -> dict[str, Rows]:
    """The rows of each query by its name, of the time after ``since`` up to ``until`` (UTC)."""
    values = {"since": since, "until": until}
    return {name: fetch_rows(connection, query, values) for name, query in QUERIES.items()}


def read_residuals(connection: Connection, ticker: str, until: datetime) -> list[float]:
    """Outcomes one bar ahead over the forecasts' widths, of 180 days, in order; without those of no width."""
    rows = fetch_rows(connection, _RESIDUALS, {"ticker": ticker, "until": until})
    return [float(row["residual"]) for row in rows if row["residual"] is not None]


def read_ranges(connection: Connection, ticker: str, until: datetime) -> Rows:
    """The newest 1,000 bars of a ticker in order: ``slot`` (exchange time of the open) and ``log_range``, its log."""
    return fetch_rows(connection, _RANGES, {"ticker": ticker, "until": until})


def busiest_tickers(facts: Mapping[str, Rows], count: int) -> Sequence[str]:
    """For each of the largest markets the ticker with the most scored forecasts, real markets first."""
    best: dict[tuple[bool, str], dict[str, Any]] = {}
    for row in sorted(facts["tickers"], key=lambda row: (-row["forecast_count"], row["ticker"])):
        best.setdefault((row["is_simulated"], row["calendar"]), row)
    chosen = sorted(best.values(), key=lambda row: (row["is_simulated"], -row["forecast_count"], row["ticker"]))
    return [row["ticker"] for row in chosen[:count]]
