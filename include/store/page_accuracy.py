"""The queries of how good a ticker's forecasts were: by day, over windows of days, and by level of the quantiles.

Each reads views of schema ``bi`` and returns rows with the views' names and units.
"""

from __future__ import annotations

from typing import Any

from include.store.page_ticker import Days
from include.store.reader import Engine, read_rows

_DAILY = """
select
    day_exchange, horizon, is_refresh, forecast_count, fallback_count, mean_absolute_error, currency, mean_crps,
    random_walk_mean_crps, har_mean_crps, crps_skill_ratio, har_crps_skill_ratio, coverage_50_ratio,
    coverage_80_ratio, coverage_90_ratio, coverage_95_ratio, direction_count, direction_hit_ratio
from bi.accuracy_daily
where ticker = :ticker and horizon = :horizon
    and day_exchange >= coalesce(cast(:since as date), current_date - 30)
    and day_exchange <= coalesce(cast(:until as date), current_date + 30)
order by day_exchange desc, is_refresh
"""

_WINDOWS = """
select
    horizon, window_days, day_count, forecast_count, fallback_count, first_day_exchange, last_day_exchange,
    mean_absolute_error, last_close_mean_absolute_error, currency, mean_pinball, mean_crps, random_walk_mean_crps,
    har_mean_crps, crps_skill_ratio, crps_skill_error, har_crps_skill_ratio, har_crps_skill_error, coverage_50_ratio,
    coverage_80_ratio, coverage_90_ratio, coverage_95_ratio, direction_count, direction_hit_ratio,
    direction_hit_lower_ratio, direction_hit_upper_ratio, verdict
from bi.accuracy_window
where ticker = :ticker
order by horizon, window_days nulls last
"""

_CALIBRATION = """
with level as (
    select
        quantile.level as quantile_level,
        count(*) as forecast_count,
        count(*) filter (where stored.actual_close < quantile.price) as below_count
    from bi.forecast as stored
    cross join lateral (
        values
        (0.025, stored.q025), (0.05, stored.q05), (0.1, stored.q10), (0.25, stored.q25), (0.5, stored.q50),
        (0.75, stored.q75), (0.9, stored.q90), (0.95, stored.q95), (0.975, stored.q975)
    ) as quantile (level, price)
    where stored.ticker = :ticker and stored.horizon = :horizon and not stored.is_refresh
        and stored.actual_close is not null and stored.as_of > now() - :days * interval '1 day'
    group by quantile.level
),

market as (
    select view.quantile_level, view.forecast_count, view.observed_ratio
    from bi.calibration as view
    inner join bi.ticker_status as status using (calendar, is_simulated)
    where status.ticker = :ticker and view.horizon = :horizon and not view.is_refresh and view.window_days = :days
)

select
    level.quantile_level::double precision as quantile_level, level.forecast_count, level.below_count,
    level.below_count::double precision / level.forecast_count as observed_ratio,
    market.forecast_count as market_forecast_count, market.observed_ratio as market_observed_ratio
from level
left join market on level.quantile_level = market.quantile_level::numeric
order by level.quantile_level
"""


def read_daily(engine: Engine, ticker: str, horizon: int, days: Days) -> list[dict[str, Any]]:
    """Accuracy by day, regular and refreshed forecasts apart, newest day first: rows of bi.accuracy_daily.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _DAILY, {"ticker": ticker, "horizon": horizon, **vars(days)})


def read_windows(engine: Engine, ticker: str) -> list[dict[str, Any]]:
    """Accuracy over the last days: rows of bi.accuracy_window, by horizon and then by window, all time last.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _WINDOWS, {"ticker": ticker})


def read_calibration(engine: Engine, ticker: str, horizon: int, days: int) -> list[dict[str, Any]]:
    """For each quantile the share of closes below it, over the last days, and beside it that of the ticker's market.

    Of regular forecasts; none if no forecast was scored.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _CALIBRATION, {"ticker": ticker, "horizon": horizon, "days": days})
