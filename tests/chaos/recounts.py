"""Scores and their sums, computed again from forecasts and bars, without the product's code and views."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

_LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
_MEDIAN = 4
_INTERVALS = ((3, 5), (2, 6), (1, 7), (0, 8))
"""Places of the quantiles of the 50, 80, 90 and 95 % interval."""
_SEVEN_DIGITS = 2e-6

_ADDENDS = """
    select
        score.ticker, score.horizon, score.is_refresh, ticker.is_simulated, ticker.calendar,
        (prediction.target_at[score.horizon] at time zone ticker.timezone)::date as day_exchange,
        1 as forecast_count,
        case when prediction.is_fallback then 1 else 0 end as fallback_count,
        round(score.pinball::double precision * 1000000)::bigint as pinball,
        round(score.crps * 1000000)::bigint as crps,
        case when random_walk_crps is null then 0 else 1 end as random_walk_count,
        coalesce(round(random_walk_crps * 1000000), 0)::bigint as random_walk_crps,
        case when seasonal_har_crps is null then 0 else 1 end as har_count,
        coalesce(round(seasonal_har_crps * 1000000), 0)::bigint as har_crps,
        mod(score.inside, 2) as inside_50_count,
        mod(score.inside / 2, 2) as inside_80_count,
        mod(score.inside / 4, 2) as inside_90_count,
        mod(score.inside / 8, 2) as inside_95_count,
        case when score.actual_close <= prediction.quantiles[score.horizon][5] then 1 else 0 end as below_50_count
    from forecast.score
    inner join forecast.prediction using (ticker, as_of)
    inner join forecast.ticker using (ticker)
"""
_SUMS = (
    "forecast_count",
    "fallback_count",
    "pinball",
    "crps",
    "random_walk_count",
    "random_walk_crps",
    "har_count",
    "har_crps",
    "inside_50_count",
    "inside_80_count",
    "inside_90_count",
    "inside_95_count",
    "below_50_count",
)
_KEYS = {
    "accuracy_day": ("ticker", "horizon", "is_refresh", "day_exchange"),
    "accuracy_total": ("ticker", "horizon", "is_refresh"),
    "accuracy_market_day": ("is_simulated", "calendar", "horizon", "is_refresh", "day_exchange"),
}


def recount(query: Callable[[str], Sequence[tuple[Any, ...]]]) -> list[str]:
    """What of scores and sums differs from a recount, in words."""
    return [*_wrong_scores(query), *_wrong_sums(query), *_wrong_squares(query)]


def _wrong_scores(query: Callable[[str], Sequence[tuple[Any, ...]]]) -> list[str]:
    rows = query(
        """
        select score.ticker, score.as_of, score.horizon, score.actual_close, score.pinball, score.absolute_error,
            score.inside, prediction.quantiles
        from forecast.score inner join forecast.prediction using (ticker, as_of)
        """
    )
    found = []
    for ticker, as_of, horizon, close, pinball, error, inside, quantiles in rows:
        prices = quantiles[horizon - 1]
        mean = sum(map(_loss, _LEVELS, (math.log(close / price) for price in prices))) / len(_LEVELS) * 1e4
        bits = sum((prices[low] <= close <= prices[high]) << place for place, (low, high) in enumerate(_INTERVALS))
        if not math.isclose(mean, pinball, rel_tol=_SEVEN_DIGITS):
            found.append(f"the loss of {ticker} at {as_of}, horizon {horizon}, is {pinball}, not {mean}")
        if not math.isclose(abs(close - prices[_MEDIAN]), error, rel_tol=1e-9, abs_tol=1e-9) or inside % 16 != bits:
            found.append(f"the error or the intervals of {ticker} at {as_of}, horizon {horizon}, are wrong")
    return found


def _loss(level: float, error: float) -> float:
    return level * error if error > 0 else (level - 1) * error


def _wrong_sums(query: Callable[[str], Sequence[tuple[Any, ...]]]) -> list[str]:
    found = []
    for table, keys in _KEYS.items():
        columns = ", ".join((*keys, *_SUMS))
        counted = f"""
            select {", ".join(keys)}, {", ".join(f"sum({name})::numeric as {name}" for name in _SUMS)}
            from ({_ADDENDS}) as addend group by {", ".join(keys)}
        """
        stored = f"select {', '.join(keys)}, {', '.join(f'{name}::numeric' for name in _SUMS)} from forecast.{table}"
        for words, first, second in (("has", stored, counted), ("should have", counted, stored)):
            rows = query(f"select {columns} from (({first}) except all ({second})) as different limit 3")
            found += [f"{table} {words} {', '.join(map(str, row[: len(keys) + 1]))}, ..." for row in rows]
    return found


def _wrong_squares(query: Callable[[str], Sequence[tuple[Any, ...]]]) -> list[str]:
    rows = query(
        f"""
        with by_day as (
            select ticker, horizon, is_refresh, day_exchange,
                sum(random_walk_crps)::numeric as walk, sum(har_crps)::numeric as har
            from ({_ADDENDS}) as addend group by ticker, horizon, is_refresh, day_exchange
        ), counted as (
            select ticker, horizon, is_refresh, sum(walk * walk) as walk, sum(har * har) as har
            from by_day group by ticker, horizon, is_refresh
        )
        select ticker, horizon from forecast.accuracy_total left join counted using (ticker, horizon, is_refresh)
        where random_walk_crps_square is distinct from counted.walk or har_crps_square is distinct from counted.har
        """
    )
    return [f"accuracy_total of {ticker}, horizon {horizon}: its squares are wrong" for ticker, horizon in rows]
