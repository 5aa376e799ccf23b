"""Storing forecasts and their baselines in Postgres: new rows, and the same rows again."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from bench import machine
from bench.database import temporary_product
from bench.results import Section
from include.store.engine import Engine, transaction
from include.store.forecasts import save_baselines, save_predictions
from tests.support.rows import START, predictions, prices, track

_BASELINES = ("random_walk", "seasonal_har")
_AS_OF = START + timedelta(minutes=35)


def measure(ticker_count: int, hour_count: int) -> Section:
    """Rows per second for some hours of ``ticker_count`` tickers, with one transaction for each hour."""
    tickers = [f"T{k}" for k in range(ticker_count)]
    hours = [_hour(tickers, k) for k in range(hour_count)]
    rows = sum(len(forecasts) + len(baselines) for forecasts, baselines in hours)
    with temporary_product() as services:
        with transaction(services.engine) as connection:
            track(connection, *tickers)
        _write(services.engine, hours[:1])  # the first transaction includes the start of the connection
        new = machine.cost_of(lambda: _write(services.engine, hours))
        again = machine.cost_of(lambda: _write(services.engine, hours))
    return Section(
        [
            {"what": what, "rows": rows, "seconds": cost.wall_s, "rows_per_s": rows / cost.wall_s}
            for what, cost in (("new rows", new), ("the same rows again", again))
        ],
        [f"{ticker_count} tickers, {hour_count} hours, 7 horizons, {len(_BASELINES)} baselines for each forecast."],
    )


def _hour(tickers: list[str], number: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    as_of = _AS_OF + number * timedelta(hours=1)
    forecasts = pd.concat([predictions(as_of, ticker) for ticker in tickers], ignore_index=True)
    baselines = [prices(as_of, ticker).assign(baseline=name) for ticker in tickers for name in _BASELINES]
    return forecasts, pd.concat(baselines, ignore_index=True)


def _write(engine: Engine, hours: list[tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    for forecasts, baselines in hours:
        with transaction(engine) as connection:
            save_predictions(connection, forecasts)
            save_baselines(connection, baselines)
