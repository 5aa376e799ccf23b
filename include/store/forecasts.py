"""Forecasts, the baselines' forecasts of the same bars, and scores: written once, read as of an instant.

Prices are in the ticker's currency, losses in basis points of log return. An actual close is that of the bar as known
at the caller's ``as_of``. A forecast from before a split is divided by the split factor, to be on the scale of the
actual close. The columns are in ``tables.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from include.contracts import QUANTILE_COLUMNS, WIDTH_POWERS, require_utc
from include.store import accuracy
from include.store.by_horizon import INSIDE_BITS, baseline_rows, prediction_rows, score_rows
from include.store.engine import Connection, execute, fetch_frame, fetch_rows, stage_rows, upsert
from include.store.tables import BASELINES, OURS, STORED_BASELINE, STORED_PREDICTION, STORED_SCORE

Row = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """Scores of a ticker's newest forecasts one bar ahead, compared with those of the seasonal HAR baseline."""

    count: int
    """Number of scored forecasts."""
    inside_ratio: float
    """Share (0..1) of outcomes inside the 80 % interval."""
    har_count: int
    """Number of them that have a scored forecast of the seasonal HAR."""
    har_difference: float | None
    """Mean of our CRPS less the HAR's, in basis points of log return; above 0: ours is worse."""
    har_deviation: float | None
    """Standard deviation of that difference, in basis points of log return."""


@dataclass(frozen=True)
class Anchored:
    """What a ticker's newest forecast started from (UTC): its newest bar and, if it was refreshed, the price's time."""

    anchored_at: datetime
    believed_at: datetime | None


SCORING_REACH = timedelta(days=30)
"""A forecast whose actual close is not known this long after its target is never scored."""

_MATURED_COLUMNS = (
    "ticker",
    "as_of",
    "horizon",
    "method",
    "target_at",
    "last_close",
    "actual_close",
    "actual_known_at",
    "dividend_gap",
    "is_refresh",
)
_NUMBERED = tuple(enumerate(QUANTILE_COLUMNS, start=1))
"""Number of a quantile in the stored arrays, from 1, and its column."""
_HISTORY_KINDS = {
    "as_of": "time",
    "horizon": "i4",
    **dict.fromkeys(QUANTILE_COLUMNS, "f8"),
    "last_close": "f8",
    "width_factor": "f8",
    "tail_width_factor": "f8",
    "actual_close": "f8",
}


def save_predictions(connection: Connection, predictions: pd.DataFrame) -> int:
    """Stores forecasts (PREDICTION_COLUMNS, all horizons of each); the count of (ticker, as_of) that changed."""
    if predictions.empty:
        return 0
    return upsert(connection, STORED_PREDICTION, prediction_rows(predictions))


def save_baselines(connection: Connection, baselines: pd.DataFrame) -> int:
    """Stores the given baselines' forecasts (BASELINE_COLUMNS); the count of (ticker, as_of) that changed."""
    if baselines.empty:
        return 0
    staged = stage_rows(connection, STORED_BASELINE, baseline_rows(baselines))
    columns = ", ".join(STORED_BASELINE.columns)
    merged = {name: f"coalesce(excluded.{name}, stored.{name})" for name in BASELINES}
    return execute(
        connection,
        f"""
        insert into forecast.baseline_prediction as stored ({columns})
        select {columns} from {staged}
        on conflict (ticker, as_of) do update
        set {", ".join(f"{name} = {value}" for name, value in merged.items())}, made_at = now()
        where {" or ".join(f"{value} is distinct from stored.{name}" for name, value in merged.items())}
        """,  # noqa: S608  # names from tables.py
    )


def load_forecast(connection: Connection, ticker: str, as_of: datetime) -> tuple[list[Row], list[Row]]:
    """One stored forecast and the baselines' forecasts of it: rows (column -> value, with ``made_at``) by horizon."""
    key = {"ticker": ticker, "as_of": require_utc(as_of, "as_of")}
    predictions, baselines = (
        fetch_rows(connection, f"select * from forecast.{view} where ticker = :ticker and as_of = :as_of {order}", key)  # noqa: S608  # two names
        for view, order in (
            ("prediction_by_horizon", "order by horizon"),
            ("baseline_by_horizon", "order by baseline, horizon"),
        )
    )
    return predictions, baselines


def sample_forecasts(connection: Connection, count: int, seed: int) -> list[tuple[str, datetime]]:
    """Ticker and as_of (UTC) of a random sample of at most ``count`` stored forecasts: the same for the same seed."""
    rows = fetch_rows(
        connection,
        """
        select ticker, as_of
        from forecast.prediction
        order by md5(ticker || extract(epoch from as_of)::text || cast(:seed as text)), ticker, as_of
        limit :count
        """,
        {"count": count, "seed": seed},
    )
    return [(row["ticker"], row["as_of"]) for row in rows]


def newest_read_at(connection: Connection, ticker: str) -> datetime | None:
    """The newest ``as_of`` (UTC) of an hour or forecast that has read the ticker's bars; None if there is none."""
    (row,) = fetch_rows(
        connection,
        """
        select greatest(
            (select max(as_of) from forecast.outcome where ticker = :ticker and stage <> 'planned'),
            (select max(as_of) from forecast.prediction where ticker = :ticker)
        ) as read_at
        """,
        {"ticker": ticker},
    )
    read_at: datetime | None = row["read_at"]
    return read_at


def last_anchored(connection: Connection, tickers: Sequence[str], before: datetime) -> dict[str, Anchored]:
    """What each ticker's newest forecast with an as_of before ``before`` started from; others are absent."""
    rows = fetch_rows(
        connection,
        """
        select wanted.ticker, newest.anchored_at, newest.believed_at
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral (
            select prediction.anchored_at, prediction.believed_at
            from forecast.prediction
            where prediction.ticker = wanted.ticker and prediction.as_of < :before
            order by prediction.as_of desc
            limit 1
        ) as newest
        """,
        {"tickers": list(tickers), "before": require_utc(before, "before")},
    )
    return {row["ticker"]: Anchored(row["anchored_at"], row["believed_at"]) for row in rows}


def matured_unscored(
    connection: Connection, as_of: datetime, reach: timedelta = SCORING_REACH, latest_at: datetime | None = None
) -> pd.DataFrame:
    """Forecasts of all methods whose target bar is known at ``as_of`` and that have no score yet, by key.

    Columns: ticker, as_of, horizon, method (``hourcast`` or the baseline's name), target_at, last_close, actual_close,
    actual_known_at, dividend_gap (log return by which dividends between the last close and the target moved the price,
    as known at ``as_of``; 0 without a dividend), is_refresh and QUANTILE_COLUMNS. Prices are on the scale of ``as_of``.
    Left out are targets older than ``reach``, forecasts with an as_of after ``latest_at``, and forecasts across a
    step of which it is not settled whether it is a move.
    """
    rows = fetch_rows(
        connection,
        f"""
        with unscored as materialized (
            select
                prediction.ticker, prediction.as_of, prediction.anchored_at, ahead.target_at,
                ahead.horizon::integer as horizon
            from forecast.prediction
            cross join lateral unnest(prediction.target_at) with ordinality as ahead (target_at, horizon)
            where prediction.target_at[cardinality(prediction.target_at)] >= cast(:since as timestamptz)
                and ahead.target_at between cast(:since as timestamptz) and :as_of
                and prediction.as_of < :as_of
                and (cast(:latest_at as timestamptz) is null or prediction.as_of <= :latest_at)
                and not exists (
                    select from forecast.score
                    where score.ticker = prediction.ticker
                        and score.as_of = prediction.as_of
                        and score.as_of > cast(:since as timestamptz) - interval '30 days'  -- few others; below all
                        and score.horizon = ahead.horizon
                )
        )

        select
            unscored.ticker, unscored.as_of, unscored.horizon, method.method, unscored.target_at,
            prediction.last_close / scale.factor as last_close,
            actual.close as actual_close, actual.known_at as actual_known_at,
            dividend.dividend_gap, prediction.is_refresh,
            {", ".join(f"method.quantiles[unscored.horizon][{k}] / scale.factor as {name}" for k, name in _NUMBERED)}
        from unscored
        cross join lateral (
            select bar.close, bar.known_at from forecast.bars_known_at(:as_of) as bar
            where bar.ticker = unscored.ticker and bar.closed_at = unscored.target_at
            offset 0  -- as many lookups by index as there are rows
        ) as actual
        inner join forecast.prediction on prediction.ticker = unscored.ticker and prediction.as_of = unscored.as_of
        left join forecast.baseline_prediction as other
            on other.ticker = unscored.ticker and other.as_of = unscored.as_of
        cross join lateral forecast.split_factor_between(
            unscored.ticker, unscored.as_of, :as_of, unscored.anchored_at
        ) as scale
        cross join lateral forecast.dividend_gap_between(
            unscored.ticker, unscored.anchored_at, unscored.target_at, :as_of
        ) as dividend
        cross join lateral (
            values ('{OURS}', prediction.quantiles), {", ".join(f"('{name}', other.{name})" for name in BASELINES)}
        ) as method (method, quantiles)
        where method.quantiles[unscored.horizon][1] is not null
            and not exists (
                select from forecast.score
                where score.ticker = unscored.ticker
                    and score.as_of = unscored.as_of
                    and score.horizon = unscored.horizon
            )
            and not exists (
                select from forecast.scale_question as question
                where question.ticker = unscored.ticker and question.kind = 'step'
                    and question.opened_at >= unscored.anchored_at
                    and question.opened_at < unscored.target_at
                    and question.known_at <= :as_of
                    and (question.settled_at is null or question.settled_at > :as_of)
            )
        order by ticker, as_of, horizon, method
        """,  # noqa: S608  # names from contracts.py and tables.py
        {"as_of": require_utc(as_of, "as_of"), "since": as_of - reach, "latest_at": latest_at},
    )
    return pd.DataFrame(rows, columns=[*_MATURED_COLUMNS, *QUANTILE_COLUMNS])


def save_scores(connection: Connection, scores: pd.DataFrame) -> int:
    """Stores scores (SCORE_COLUMNS, all methods of a forecast at once); the count of forecasts that had none.

    A stored score is never changed. New ones are added to the sums of ``accuracy.py``.
    """
    if scores.empty:
        return 0
    return accuracy.add_scores(connection, stage_rows(connection, STORED_SCORE, score_rows(scores)))


def recent_records(connection: Connection, tickers: Sequence[str], as_of: datetime, limit: int) -> dict[str, Record]:
    """The record of each ticker's newest ``limit`` forecasts one bar ahead that were scored before ``as_of`` (UTC).

    Refreshed forecasts do not count.
    """
    rows = fetch_rows(
        connection,
        """
        select
            wanted.ticker,
            count(*) as count,
            avg((newest.inside & :inside_80 <> 0)::integer)::double precision as inside_ratio,
            count(newest.seasonal_har_crps) as har_count,
            avg(newest.crps - newest.seasonal_har_crps) as har_difference,
            stddev_samp(newest.crps - newest.seasonal_har_crps) as har_deviation
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral (
            select score.crps, score.seasonal_har_crps, score.inside
            from forecast.score
            where score.ticker = wanted.ticker and score.as_of < :as_of and score.horizon = 1
                and score.scored_as_of < :as_of and not score.is_refresh
            order by score.as_of desc
            limit :limit
        ) as newest
        group by wanted.ticker
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of"), "limit": limit, "inside_80": INSIDE_BITS[80]},
    )
    return {row.pop("ticker"): Record(**row) for row in rows}


def forecast_tickers(connection: Connection, tickers: Sequence[str], as_of: datetime) -> set[str]:
    """The given tickers that have a stored forecast with this ``as_of`` (UTC)."""
    query = "select ticker from forecast.prediction where ticker = any(:tickers) and as_of = :as_of"
    rows = fetch_rows(connection, query, {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")})
    return {row["ticker"] for row in rows}


def calibration_history(connection: Connection, tickers: Sequence[str], as_of: datetime, limit: int) -> pd.DataFrame:
    """The models' uncalibrated quantiles and the outcomes of the newest ``limit`` forecasts of each ticker.

    Columns: ticker, as_of, horizon, QUANTILE_COLUMNS (log returns, with the width factors divided out about the
    median) and ``outcome`` (log return); ordered by the first three. Included are forecasts by a model with an as_of
    before ``as_of`` whose target bar is known at ``as_of``. Left out are refreshed forecasts, and those written after
    the ticker's stored forecast as of ``as_of``, by hours that ran late: an hour that runs again reads the same ones.
    """
    names = sorted(set(tickers))
    rows = fetch_frame(
        connection,
        f"""
        select
            wanted.position::integer, forecast.as_of, ahead.horizon::integer,
            {", ".join(f"forecast.quantiles[ahead.horizon][{k}]" for k, _ in _NUMBERED)},
            forecast.last_close, forecast.width_factor[ahead.horizon],
            coalesce(forecast.tail_width_factor[ahead.horizon], forecast.width_factor[ahead.horizon]),
            actual.close * scale.factor
        from unnest(%(tickers)s::text[]) with ordinality as wanted (ticker, position)
        left join forecast.prediction as stored on stored.ticker = wanted.ticker and stored.as_of = %(as_of)s
        cross join lateral (
            select prediction.*
            from forecast.prediction
            where prediction.ticker = wanted.ticker
                and prediction.as_of < %(as_of)s
                and not prediction.is_fallback and not prediction.is_refresh
                and (stored.as_of is null or coalesce(
                    coalesce(prediction.written_number, 0) < stored.written_number,
                    prediction.written_number is null and prediction.made_at <= stored.made_at
                ))
            order by prediction.as_of desc
            limit %(limit)s
        ) as forecast
        cross join lateral unnest(forecast.target_at) with ordinality as ahead (target_at, horizon)
        inner join forecast.bars_known_at(%(as_of)s) as actual
            on actual.ticker = wanted.ticker and actual.closed_at = ahead.target_at
        cross join lateral forecast.split_factor_between(
            forecast.ticker, forecast.as_of, %(as_of)s, forecast.anchored_at
        ) as scale
        order by wanted.position, forecast.as_of, ahead.horizon
        """,  # noqa: S608  # numbers of columns
        {"tickers": names, "as_of": require_utc(as_of, "as_of"), "limit": limit},
        names,
        _HISTORY_KINDS,
    )
    last_close = rows["last_close"].to_numpy(dtype=np.float64)
    log_returns = np.log(rows[list(QUANTILE_COLUMNS)].to_numpy(dtype=np.float64) / last_close[:, None])
    median = log_returns[:, QUANTILE_COLUMNS.index("q50"), None]
    factors = np.log(rows[["width_factor", "tail_width_factor"]].to_numpy(dtype=np.float64))
    stretch = np.exp(factors @ np.asarray(WIDTH_POWERS, dtype=np.float64).T)
    raw = pd.DataFrame(median + (log_returns - median) / stretch, columns=list(QUANTILE_COLUMNS))
    outcome = np.log(rows["actual_close"].to_numpy(dtype=np.float64) / last_close)
    return pd.concat([rows[["ticker", "as_of", "horizon"]], raw], axis=1).assign(outcome=outcome)
