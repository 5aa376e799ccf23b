"""Leaks in what reads and writes Postgres: bounds that are missing, instants that are wrong. Each a small patch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.contracts import PRICE_COLUMNS, QUANTILE_COLUMNS
from include.pipeline.data import featuring
from include.pipeline.models import backbones, challengers, forecasting, training
from include.store import bars, dividends, features, forecasts, models, registry, splits
from include.store.engine import execute, fetch_rows
from tests.leaks.material import HOUR
from tests.leaks.planting import Plant
from tests.support.products import Product

Patch = pytest.MonkeyPatch
LONG_AGO = datetime.fromisoformat("2025-01-01T00:00:00+00:00")
EVER = datetime.fromisoformat("2031-01-01T00:00:00+00:00")


def unbounded(owner: Any, name: str, position: int = 2, moment: datetime | timedelta = EVER) -> Callable[[Patch], None]:
    """A patch that gives a function of the store another instant than its ``as_of``: far later, or a little."""

    def plant(patch: Patch) -> None:
        original = getattr(owner, name)

        def reaching(*args: Any, **kwargs: Any) -> Any:
            values = list(args)
            key = "before" if "before" in kwargs else "as_of"
            own = kwargs[key] if key in kwargs else values[position]
            reached = moment if isinstance(moment, datetime) else own + moment
            if key in kwargs:
                kwargs[key] = reached
            else:
                values[position] = reached
            return original(*values, **kwargs)

        patch.setattr(owner, name, reaching)

    return plant


def revised_bars_before_they_were_known(patch: Patch) -> None:
    original = bars.newest_bars

    def by_close(moment: str, limit: str) -> str:
        current, _ = original(moment, limit).split(" union all ")
        current = current.replace("part.known_at <=", "part.closed_at <=")
        return f"select * from {current} as newest order by opened_at desc limit {limit}"

    patch.setattr(bars, "newest_bars", by_close)


def newest_rows_of_known_bars(patch: Patch) -> None:
    original = features.load_features

    def newest(connection: Any, tickers: Any, as_of: datetime, row_limit: int | None = None) -> pd.DataFrame:
        rows = original(connection, tickers, EVER)
        rows = rows.loc[rows["closed_at"] <= as_of]
        return (rows if row_limit is None else rows.groupby("ticker").tail(row_limit)).reset_index(drop=True)

    patch.setattr(features, "load_features", newest)


def plan_by_todays_tickers(patch: Patch) -> None:
    original = registry.plan_hour

    def plan(connection: Any, as_of: datetime, *rest: int) -> Any:
        execute(connection, "update forecast.ticker set activated_as_of = '2015-01-01' where status = 'active'")
        return original(connection, as_of, *rest)

    patch.setattr(registry, "plan_hour", plan)


def bars_dated_by_their_close(patch: Patch) -> None:
    original = bars.upsert_bars

    def dated(connection: Any, frame: pd.DataFrame) -> Any:
        return original(connection, frame.assign(known_at=frame["closed_at"] + timedelta(minutes=2)))

    patch.setattr(bars, "upsert_bars", dated)


def revisions_in_place(patch: Patch) -> None:
    original = bars.upsert_bars
    settings = ", ".join(f"{name} = :{name}" for name in PRICE_COLUMNS)

    def in_place(connection: Any, frame: pd.DataFrame) -> Any:
        for row in frame[["ticker", "opened_at", *PRICE_COLUMNS]].to_dict("records"):
            execute(
                connection,
                f"update forecast.bar set {settings} where ticker = :ticker and opened_at = :opened_at",
                row,
            )
        return original(connection, frame)

    patch.setattr(bars, "upsert_bars", in_place)


def split_without_the_old_scale(patch: Patch) -> None:
    patch.setattr(splits, "_KEEP_OLD_SCALE", f"{splits._KEEP_OLD_SCALE} and false")


def features_dated_by_their_bar(patch: Patch) -> None:
    original = features.save_features

    def dated(connection: Any, frame: pd.DataFrame) -> int:
        return original(connection, frame.assign(known_at=frame["closed_at"] + timedelta(minutes=3)))

    patch.setattr(features, "save_features", dated)


def dividends_dated_by_their_day(patch: Patch) -> None:
    original = dividends.save_dividends

    def dated(connection: Any, told: Sequence[dividends.KnownDividend], as_of: datetime) -> int:
        return original(connection, [replace(item, known_at=item.dividend.ex_at) for item in told], as_of)

    patch.setattr(dividends, "save_dividends", dated)


def scored_before_the_bar_is_known(patch: Patch) -> None:
    original = forecasts.matured_unscored
    patch.setattr(forecasts, "matured_unscored", lambda connection, *_: original(connection, EVER, EVER - LONG_AGO))


def bars_as_of_today(product: Product) -> None:
    product.query(
        """
        create or replace function forecast.bars_known_at(moment timestamptz)
        returns table (
            ticker text, opened_at timestamptz, closed_at timestamptz, open double precision, high double precision,
            low double precision, close double precision, volume double precision, known_at timestamptz
        )
        language sql stable as $$
            select ticker, opened_at, closed_at, open, high, low, close, volume, known_at from forecast.bar
        $$; commit
        """
    )


def scores_used_early(patch: Patch) -> None:
    original = forecasts.calibration_history

    def with_scores(connection: Any, tickers: Sequence[str], as_of: datetime, **rest: Any) -> pd.DataFrame:
        known = original(connection, tickers, as_of, **rest)
        rows = fetch_rows(
            connection,
            """
            select prediction.*, score.actual_close from forecast.prediction_by_horizon as prediction
            inner join forecast.score_by_method as score using (ticker, as_of, horizon)
            where method = 'hourcast' and as_of < :as_of order by ticker, as_of, horizon
            """,
            {"as_of": as_of},
        )
        scored = pd.DataFrame(rows)
        if scored.empty:
            return known
        last = scored["last_close"].to_numpy()
        values = {name: np.log(scored[name].to_numpy() / last) for name in QUANTILE_COLUMNS}
        scored = scored[["ticker", "as_of", "horizon"]].assign(**values, outcome=np.log(scored["actual_close"] / last))
        return pd.concat([known, scored], ignore_index=True).drop_duplicates(["ticker", "as_of", "horizon"])

    patch.setattr(forecasts, "calibration_history", with_scores)


def a_later_backbone(patch: Patch) -> None:
    original = backbones.backbone_at
    patch.setattr(backbones, "backbone_at", lambda services, _as_of: original(services, EVER))


def series_of_the_next_hour(patch: Patch) -> None:
    for module in (training, challengers, forecasting):
        unbounded(module, "load_series", moment=HOUR)(patch)
    unbounded(featuring.feature_store, "load_features", moment=HOUR)(patch)


def _in_store(name: str, plant: Callable[[Patch], None] | None, plant_sql: Any = None) -> Plant:
    return Plant(name, plant, plant_sql, in_store=True)


STORE_PLANTS = (
    _in_store("bars are read without as_of", unbounded(bars, "load_bars")),
    _in_store("a revised bar is used before the revision was known", revised_bars_before_they_were_known),
    _in_store("feature rows are read without as_of", unbounded(features, "load_features")),
    _in_store("of a bar's feature rows the newest is read, known or not", newest_rows_of_known_bars),
    _in_store("the newest bar is asked for without as_of", unbounded(bars, "newest_closed_at")),
    _in_store("changed bars are looked for without as_of", unbounded(bars, "earliest_changes")),
    _in_store("training goes on from a later version", unbounded(models, "heads")),
    _in_store("a model serves that was trained later", unbounded(models, "serving_versions")),
    _in_store("new tickers start from, and are pulled to, a backbone that learnt later", a_later_backbone),
    _in_store("calibration reads without as_of", unbounded(forecasts, "calibration_history")),
    _in_store("calibration reads the forecast's own hour", unbounded(forecasts, "calibration_history", moment=HOUR)),
    _in_store("calibration reads scores before they were given", scores_used_early),
    _in_store("windows are joined with the next hour's bar", series_of_the_next_hour),
    _in_store("the last forecast is asked for without as_of", unbounded(forecasts, "last_anchored")),
    _in_store("forecasts are scored before their bar is known", scored_before_the_bar_is_known),
    _in_store("an hour plans tickers that were onboarded later", plan_by_todays_tickers),
    _in_store("an hour's bars count as known since they closed", bars_dated_by_their_close),
    _in_store("a later correction overwrites a bar in place", revisions_in_place),
    _in_store("a split rescales what hours before it had read", split_without_the_old_scale),
    _in_store("an hour's feature rows count as known since their bar closed", features_dated_by_their_bar),
    _in_store("dividends are read without as_of", unbounded(dividends, "load_dividends")),
    _in_store("a dividend that is told late counts as known since its day", dividends_dated_by_their_day),
    _in_store("SQL: the bars of a moment are those of today", None, bars_as_of_today),
)
