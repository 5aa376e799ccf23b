"""Writing forecasts and their baseline twins into Postgres, new ones and the same ones again."""

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
    """Rows a second for an hour after another of so many tickers, each hour one transaction."""
    tickers = [f"T{k}" for k in range(ticker_count)]
    hours = [_hour(tickers, k) for k in range(hour_count)]
    rows = sum(len(own) + len(twins) for own, twins in hours)
    with temporary_product() as services:
        with transaction(services.engine) as connection:
            track(connection, *tickers)
        _write(services.engine, hours[:1])  # what only the first transaction pays
        new = machine.cost_of(lambda: _write(services.engine, hours))
        again = machine.cost_of(lambda: _write(services.engine, hours))
    return Section(
        [
            {"what": what, "rows": rows, "seconds": cost.wall_s, "rows_per_s": rows / cost.wall_s}
            for what, cost in (("new rows", new), ("the same rows again", again))
        ],
        [f"{ticker_count} tickers, {hour_count} hours, 7 horizons, each beside {len(_BASELINES)} baselines."],
    )


def _hour(tickers: list[str], number: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    as_of = _AS_OF + number * timedelta(hours=1)
    own = pd.concat([predictions(as_of, ticker) for ticker in tickers], ignore_index=True)
    twins = [prices(as_of, ticker).assign(baseline=name) for ticker in tickers for name in _BASELINES]
    return own, pd.concat(twins, ignore_index=True)


def _write(engine: Engine, hours: list[tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    for own, twins in hours:
        with transaction(engine) as connection:
            save_predictions(connection, own)
            save_baselines(connection, twins)
