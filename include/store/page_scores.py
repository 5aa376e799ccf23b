"""The queries of the scoreboard: the methods side by side, day by day, and the best and the worst tickers.

They read views of schema ``bi`` and return rows with the views' names. CRPS is in basis points of log return. An empty
market means all markets together; simulated and real markets are never added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from include.store.reader import Engine, read_rows

WINDOWS = (7, 30, 90, None)
"""Days that can be chosen up to today; None stands for all time."""

_METHODS = """
select
    is_simulated, calendar, horizon, method, ticker_count, day_count, forecast_count, mean_crps, crps_skill_ratio,
    crps_skill_error, coverage_90_ratio, place
from bi.leaderboard
where is_refresh = :is_refresh and window_days is not distinct from cast(:days as integer)
    and (horizon = :horizon or coalesce(calendar, '') = :calendar)
order by is_simulated, calendar nulls first, horizon, place, method
"""

_METHODS_OF_DAYS = """
with market_day as (
    select
        is_simulated, calendar, horizon, day_exchange, forecast_count, random_walk_count, har_count,
        crps_sum, random_walk_crps_sum, crps_beside_random_walk_sum, har_crps_sum, crps_beside_har_sum,
        coverage_90_ratio * forecast_count as inside_count,
        random_walk_coverage_90_ratio * random_walk_count as random_walk_inside_count,
        har_coverage_90_ratio * har_count as har_inside_count
    from bi.market_daily
    where is_refresh = :is_refresh and day_exchange between :since and :until
),

day as (
    select * from market_day
    union all
    select
        is_simulated, null as calendar, horizon, day_exchange, sum(forecast_count), sum(random_walk_count),
        sum(har_count), sum(crps_sum), sum(random_walk_crps_sum), sum(crps_beside_random_walk_sum), sum(har_crps_sum),
        sum(crps_beside_har_sum), sum(inside_count), sum(random_walk_inside_count), sum(har_inside_count)
    from market_day
    group by is_simulated, horizon, day_exchange
),

summed as (
    select
        day.is_simulated, day.calendar, day.horizon, scored.method, count(*) as day_count,
        sum(scored.forecast_count) as forecast_count, sum(scored.crps) as crps, sum(scored.ours) as ours,
        sum(scored.inside_count) as inside_count, sum(scored.crps ^ 2) as square,
        sum(scored.crps * scored.ours) as product, sum(scored.ours ^ 2) as ours_square
    from day
    cross join lateral (
        values
        ('hourcast', day.forecast_count, day.crps_sum, null, day.inside_count),
        (
            'random_walk', day.random_walk_count, day.random_walk_crps_sum, day.crps_beside_random_walk_sum,
            day.random_walk_inside_count
        ),
        ('seasonal_har', day.har_count, day.har_crps_sum, day.crps_beside_har_sum, day.har_inside_count)
    ) as scored (method, forecast_count, crps, ours, inside_count)
    where scored.forecast_count > 0
    group by day.is_simulated, day.calendar, day.horizon, scored.method
),

compared as (
    select *, 1 - ours / nullif(crps, 0) as skill from summed
)

select
    is_simulated, calendar, horizon, method, null as ticker_count, day_count, forecast_count::bigint as forecast_count,
    crps / forecast_count::double precision as mean_crps, skill as crps_skill_ratio,
    case when skill is not null then sqrt(
        greatest((1 - skill) ^ 2 * square - 2 * (1 - skill) * product + ours_square, 0)
        * day_count / nullif(day_count - 1, 0)
    ) / crps end as crps_skill_error,
    inside_count / forecast_count::double precision as coverage_90_ratio,
    rank() over (
        partition by is_simulated, calendar, horizon order by coalesce(crps / nullif(ours, 0), 1)
    ) as place
from compared
where horizon = :horizon or coalesce(calendar, '') = :calendar
order by is_simulated, calendar nulls first, horizon, place, method
"""
"""The same for the days from ``since`` to ``until``: what ``bi.leaderboard`` does for its windows."""

_DAILY = """
select
    day_exchange, sum(forecast_count)::bigint as forecast_count,
    1 - sum(crps_beside_random_walk_sum) / nullif(sum(random_walk_crps_sum), 0) as crps_skill_ratio
from bi.market_daily
where is_refresh = :is_refresh and horizon = :horizon and is_simulated = :is_simulated
    and (cast(:calendar as text) = '' or calendar = :calendar)
    and (cast(:days as integer) is null or day_exchange > current_date - cast(:days as integer))
    and (cast(:since as date) is null or day_exchange between :since and :until)
group by day_exchange
order by day_exchange
"""

_EXTREMES = """
with scored as (
    select
        ticker, calendar, day_count, forecast_count, crps_skill_ratio, crps_skill_error, har_crps_skill_ratio,
        har_crps_skill_error, coverage_90_ratio, verdict,
        row_number() over (order by crps_skill_ratio desc, ticker) as best_place,
        row_number() over (order by crps_skill_ratio, ticker) as worst_place,
        count(*) over () as ticker_count
    from bi.accuracy_window
    where horizon = :horizon and window_days is not distinct from cast(:days as integer)
        and is_simulated = :is_simulated and (cast(:calendar as text) = '' or calendar = :calendar)
        and crps_skill_ratio is not null and verdict <> 'too few days'
)

select * from scored
where best_place <= :limit or worst_place <= :limit
order by best_place
"""


@dataclass(frozen=True)
class ScoreChoice:
    """Which scores to show; ``is_simulated`` None for real markets if there are any.

    ``days`` is one of ``WINDOWS``. With ``since`` and ``until`` those days of the exchanges are shown instead.
    """

    days: int | None = 30
    horizon: int = 1
    is_refresh: bool = False
    calendar: str = ""
    is_simulated: bool | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Scores:
    """The methods by market and by horizon, the chosen market by day, and its best and worst tickers by skill.

    ``ranked_count`` tickers have enough days to be ranked. Refreshed forecasts and chosen days have no ranks.
    """

    is_simulated: bool
    methods: list[dict[str, Any]]
    daily: list[dict[str, Any]]
    best: list[dict[str, Any]]
    worst: list[dict[str, Any]]
    ranked_count: int


def read_scores(engine: Engine, choice: ScoreChoice, limit: int = 10) -> Scores:
    """The scores of a choice, with at most ``limit`` best and as many worst tickers.

    ``methods`` has the chosen horizon of every market, and every horizon of the chosen one.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    values: dict[str, Any] = {
        "days": choice.days if choice.since is None else None,
        "since": choice.since,
        "until": choice.until,
        "horizon": choice.horizon,
        "is_refresh": choice.is_refresh,
        "calendar": choice.calendar,
        "limit": limit,
    }
    methods = read_rows(engine, _METHODS if choice.since is None else _METHODS_OF_DAYS, values)
    is_simulated = choice.is_simulated
    if is_simulated is None:
        is_simulated = bool(methods) and all(row["is_simulated"] for row in methods)
    values["is_simulated"] = is_simulated
    is_ranked = not choice.is_refresh and choice.since is None
    ranked = read_rows(engine, _EXTREMES, values) if is_ranked else []
    return Scores(
        is_simulated=is_simulated,
        methods=methods,
        daily=read_rows(engine, _DAILY, values),
        best=[row for row in ranked if row["best_place"] <= limit],
        worst=[row for row in reversed(ranked) if row["worst_place"] <= limit],
        ranked_count=ranked[0]["ticker_count"] if ranked else 0,
    )
