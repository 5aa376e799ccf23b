"""How fast bars are stored: ``upsert_bars`` compared with pandas' ``to_sql(method="multi")`` in the same run.

``python -m bench.bars`` prints a table and a JSON line. Both store the same bars, ticker by ticker as a backfill does.
Their tables have the same columns, keys, checks and indexes. The embedded Postgres has the settings of `make run`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from include.local.postgres import EmbeddedPostgres
from include.store.bars import compare_bars, upsert_bars
from include.store.engine import Connection, Engine, create_store_engine, execute, transaction
from include.store.migrations import migrate

_FIRST_PORT = 54400
_TO_SQL_ROWS = 1000
"""Rows in one statement of ``to_sql``. With more rows it was slower."""
_OPENED = np.datetime64("2020-01-01T00:00:00", "us")


def measure(tickers: int, bars: int) -> dict[str, float]:
    """Seconds and rows per second for storing ``bars`` bars of each of ``tickers`` tickers.

    ``store_*``: ``upsert_bars`` into an empty table; ``again_*``: the same bars again, which changes nothing;
    ``compare_*``: ``compare_bars`` into an empty table; ``to_sql_*``: pandas, which cannot store the same bars twice.
    ``speedup``: ``to_sql_seconds / store_seconds``.
    """
    with _migrated_engine() as engine:
        compared = _seconds(tickers, bars, lambda frame: _store(engine, frame, compare_bars))
        with transaction(engine) as connection:
            execute(connection, "truncate forecast.bar")
        stored = _seconds(tickers, bars, lambda frame: _store(engine, frame, upsert_bars))
        again = _seconds(tickers, bars, lambda frame: _store(engine, frame, upsert_bars))
        with transaction(engine) as connection:
            execute(connection, "create table public.bar_by_pandas (like forecast.bar including all)")
        by_pandas = _seconds(tickers, bars, lambda frame: _store_with_pandas(engine, frame))
    rows = float(tickers * bars)
    return {
        "rows": rows,
        "store_seconds": stored,
        "store_rows_per_second": rows / stored,
        "compare_seconds": compared,
        "compare_rows_per_second": rows / compared,
        "again_seconds": again,
        "again_rows_per_second": rows / again,
        "to_sql_seconds": by_pandas,
        "to_sql_rows_per_second": rows / by_pandas,
        "speedup": by_pandas / stored,
    }


def _store(engine: Engine, frame: pd.DataFrame, store: Callable[[Connection, pd.DataFrame], object]) -> None:
    with transaction(engine) as connection:
        store(connection, frame)


def _store_with_pandas(engine: Engine, frame: pd.DataFrame) -> None:
    with transaction(engine) as connection:
        frame.to_sql(
            "bar_by_pandas",
            connection,
            schema="public",
            if_exists="append",
            index=False,
            method="multi",
            chunksize=_TO_SQL_ROWS,
        )


def _seconds(tickers: int, bars: int, store: Callable[[pd.DataFrame], None]) -> float:
    """Seconds for storing, without the time for generating the bars."""
    total = 0.0
    for number in range(tickers):
        frame = _random_bars(f"T{number:04d}", bars, number)
        started_at = time.perf_counter()
        store(frame)
        total += time.perf_counter() - started_at
    return total


def _random_bars(ticker: str, bars: int, seed: int) -> pd.DataFrame:
    """One ticker's bars, one each hour, with the columns that ``upsert_bars`` takes."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.004, bars)))
    opened_at = pd.DatetimeIndex(_OPENED + np.arange(bars) * np.timedelta64(1, "h")).tz_localize("UTC")
    return pd.DataFrame(
        {
            "ticker": ticker,
            "opened_at": opened_at,
            "closed_at": opened_at + timedelta(hours=1),
            "open": close * 1.001,
            "high": close * 1.002,
            "low": close * 0.998,
            "close": close,
            "volume": random.integers(1, 1_000_000, bars).astype("float64"),
            "known_at": opened_at + timedelta(hours=1, minutes=2),
        }
    )


@contextmanager
def _migrated_engine() -> Iterator[Engine]:
    """An engine over a temporary server and database, which are removed when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="hourcast-bench-"))
    folder.chmod(0o755)  # under root, the server runs as another user, which must be able to enter
    server = EmbeddedPostgres(folder / "local", _FIRST_PORT)
    try:
        server.start()
        url = server.migration_url()  # the product's role may not truncate
        migrate(url)
        engine = create_store_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def table_of(figures: dict[str, float]) -> str:
    """The figures as a table for a terminal."""
    lines = [f"{figures['rows']:,.0f} bars", f"{'':34}{'seconds':>9}{'rows per second':>17}"]
    for name, words in (
        ("store", "upsert_bars, empty table"),
        ("compare", "compare_bars, empty table"),
        ("again", "upsert_bars, same bars again"),
        ("to_sql", "DataFrame.to_sql(method='multi')"),
    ):
        lines.append(f"{words:34}{figures[f'{name}_seconds']:9.1f}{figures[f'{name}_rows_per_second']:17,.0f}")
    return "\n".join([*lines, f"{figures['speedup']:.1f} times as fast as to_sql"])


def main(arguments: list[str]) -> int:
    """Measures, and prints a table and a JSON line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.bars", description=__doc__)
    parser.add_argument("--tickers", type=int, default=500)
    parser.add_argument("--bars", type=int, default=5000, help="bars of each ticker")
    options = parser.parse_args(arguments)
    figures = measure(options.tickers, options.bars)
    print(table_of(figures))  # noqa: T201  # the output of the command
    print(json.dumps(figures))  # noqa: T201  # the same for programs
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
