"""What stored forecasts take, and how fast they are read: bytes, the documented queries, and an hour's scores."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from bench import machine
from bench.database import temporary_product
from bench.made_forecasts import make_forecasts
from bench.results import Row, Section
from include.pipeline import scoring
from include.store import page, page_scores
from include.store.engine import Connection, Engine, fetch_rows, transaction
from include.store.migrations import SQL_DIR

REPEATS = 20
_TABLES = ("prediction", "baseline_prediction", "score")
_MONTH = "interval '30 days'"
_READS = {
    "latest_forecast": "",
    "latest_forecast, one ticker": "where ticker = '{ticker}'",
    "ticker_status": "",
    "forecast, a month of a ticker": "where ticker = '{ticker}' and target_at > now() - " + _MONTH,
    "forecast_interval, a month of a ticker": "where ticker = '{ticker}' and target_at > now() - " + _MONTH,
    "superset_forecast, a month of a ticker": "where ticker = '{ticker}' and closed_at > now() - " + _MONTH,
    "bar, a month of a ticker": "where ticker = '{ticker}' and closed_at > now() - " + _MONTH,
    "hour_outcome, a ticker's newest": "where ticker = '{ticker}' order by as_of desc limit 24",
    "hour_outcome, a day": "where as_of > now() - interval '1 day'",
    "pipeline_freshness, the newest": "where is_newest",
    "accuracy": "",
    "accuracy_window, 30 days": "where window_days = 30 and horizon = 1",
    "accuracy_window, one ticker": "where ticker = '{ticker}'",
    "accuracy_daily, one ticker": "where ticker = '{ticker}' and horizon = 1",
    "market_daily, one market": "where calendar = 'XNYS' and horizon = 1 and not is_refresh",
    "calibration, 90 days": "where window_days = 90 and horizon = 1 and not is_refresh",
    "leaderboard, 30 days": "where window_days = 30 and horizon = 1 and not is_refresh",
    "leaderboard, all time": "where window_days is null and horizon = 1 and not is_refresh",
}
"""Views with the filters that the documentation names; a view's name ends at a comma."""


def measure(ticker_count: int, forecast_count: int) -> Section:
    """Bytes of a forecast, milliseconds of each documented query (warm), and seconds of the newest hour's scores."""
    with temporary_product() as services:
        engine = services.engine
        made = machine.cost_of(lambda: make_forecasts(engine, ticker_count, forecast_count))
        with transaction(engine) as connection:
            (stored,) = fetch_rows(
                connection, "select 7 * count(*) as count, max(as_of) as at from forecast.prediction"
            )
            rows: list[Row] = _sizes(connection, int(stored["count"]))
        scored = machine.cost_of(lambda: scoring.score_matured(engine, stored["at"]))
        rows.append({"what": "scores of the newest hour", "s": scored.wall_s})
        rows += _reads(engine, ticker_count)
        rows += _page_reads(engine)
    notes = [
        f"{stored['count']} forecasts of {ticker_count} tickers, made in {made.wall_s:.0f} s.",
        f"A forecast is one horizon, with its baselines and scores. Times are of {REPEATS} runs within the server.",
    ]
    return Section(rows, notes)


def _sizes(connection: Connection, forecast_count: int) -> list[Row]:
    """Bytes a forecast of each table with its indexes, and of all together."""
    sizes = {
        name: fetch_rows(
            connection, "select pg_total_relation_size(cast(:t as regclass)) as n", {"t": f"forecast.{name}"}
        )
        for name in _TABLES
    }
    found: list[Row] = [
        {"what": name, "bytes_a_forecast": size["n"] / forecast_count} for name, (size,) in sizes.items()
    ]
    total = sum(size["n"] for (size,) in sizes.values()) / forecast_count
    return [*found, {"what": "all three", "bytes_a_forecast": total}]


def _reads(engine: Engine, ticker_count: int) -> list[Row]:
    queries = {name: f"select * from bi.{name.partition(',')[0]} {condition}" for name, condition in _READS.items()}  # noqa: S608  # names and conditions of this file
    for path in sorted((SQL_DIR / "queries").glob("*.sql")):
        queries[path.name] = path.read_text(encoding="utf-8").replace("'AAPL'", "'{ticker}'")
    with engine.connect() as connection:
        return [{"what": name, **_times(connection, query, ticker_count)} for name, query in queries.items()]


def _page_reads(engine: Engine) -> list[Row]:
    """What the page in Airflow reads: for its overview the states and skills of all tickers and 50 rows, and scores."""
    skills = page.read_skills(engine)
    tickers = sorted(skills)[:50]
    reads: dict[str, Callable[[], object]] = {
        "page, states of all tickers": lambda: page.read_states(engine),
        "page, skills of all tickers": lambda: page.read_skills(engine),
        "page, 50 rows of the overview": lambda: page.read_tickers(engine, tickers, skills),
        "page, scoreboard": lambda: page_scores.read_scores(engine, page_scores.ScoreChoice()),
    }
    rows: list[Row] = []
    for name, read in reads.items():
        costs = sorted(1000 * machine.cost_of(read).wall_s for _ in range(REPEATS))
        rows.append({"what": name, "p50_ms": statistics.median(costs), "p95_ms": costs[int(0.95 * (REPEATS - 1))]})
    return rows


def _times(connection: Connection, query: str, ticker_count: int) -> dict[str, float]:
    """Median and 95th percentile in ms of planning, running and writing out the rows; of another ticker in each run."""
    found = []
    for number in range(REPEATS + 1):
        named = query.replace("{ticker}", f"T{number * 7 % ticker_count + 1:04d}")
        found.append(_milliseconds(connection, named))
    warm = sorted(found[1:])
    return {"p50_ms": statistics.median(warm), "p95_ms": warm[int(0.95 * (len(warm) - 1))]}


def _milliseconds(connection: Connection, query: str) -> float:
    explained = f"explain (analyze, serialize text, timing off, format json) {query.replace('%', '%%')}"
    plan: Any = connection.exec_driver_sql(explained).scalar_one()
    return float(plan[0]["Planning Time"] + plan[0]["Execution Time"])
