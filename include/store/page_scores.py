"""The queries of the scoreboard: the methods side by side, day by day, and the best and the worst tickers.

They read views of schema ``bi`` and return rows with the views' names. CRPS is in basis points of log return. An empty
market means all markets together; simulated and real markets are never added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from include.store.reader import Engine, read_rows

WINDOWS = (7, 30, 90, None)
"""Days that can be chosen; None stands for all time."""

_METHODS = """
select
    is_simulated, calendar, horizon, method, ticker_count, day_count, forecast_count, mean_crps, crps_skill_ratio,
    crps_skill_error, coverage_90_ratio, place
from bi.leaderboard
where is_refresh = :is_refresh and window_days is not distinct from cast(:days as integer)
    and (horizon = :horizon or coalesce(calendar, '') = :calendar)
order by is_simulated, calendar nulls first, horizon, place, method
"""

_DAILY = """
select
    day_exchange, sum(forecast_count)::bigint as forecast_count,
    1 - sum(crps_beside_random_walk_sum) / nullif(sum(random_walk_crps_sum), 0) as crps_skill_ratio
from bi.market_daily
where is_refresh = :is_refresh and horizon = :horizon and is_simulated = :is_simulated
    and (cast(:calendar as text) = '' or calendar = :calendar)
    and (cast(:days as integer) is null or day_exchange > current_date - cast(:days as integer))
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
    """Which scores to show; ``days`` is one of ``WINDOWS``, ``is_simulated`` None for real markets if there are any."""

    days: int | None = 30
    horizon: int = 1
    is_refresh: bool = False
    calendar: str = ""
    is_simulated: bool | None = None


@dataclass(frozen=True)
class Scores:
    """The methods by market and by horizon, the chosen market by day, and its best and worst tickers by skill.

    ``ranked_count`` tickers have enough days to be ranked. Refreshed forecasts have no ranks.
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
        "days": choice.days,
        "horizon": choice.horizon,
        "is_refresh": choice.is_refresh,
        "calendar": choice.calendar,
        "limit": limit,
    }
    methods = read_rows(engine, _METHODS, values)
    is_simulated = choice.is_simulated
    if is_simulated is None:
        is_simulated = bool(methods) and all(row["is_simulated"] for row in methods)
    values["is_simulated"] = is_simulated
    ranked = [] if choice.is_refresh else read_rows(engine, _EXTREMES, values)
    return Scores(
        is_simulated=is_simulated,
        methods=methods,
        daily=read_rows(engine, _DAILY, values),
        best=[row for row in ranked if row["best_place"] <= limit],
        worst=[row for row in reversed(ranked) if row["worst_place"] <= limit],
        ranked_count=ranked[0]["ticker_count"] if ranked else 0,
    )
