"""The onboarding of many simulated tickers by stage, on a temporary Postgres, with one process for each shard.

``python -m bench.onboarding`` prints a table.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import partial

from bench import machine
from bench.database import temporary_product
from bench.market import AS_OF
from bench.results import Row, Section, table
from include.contracts import Shard
from include.pipeline import onboarding
from include.pipeline.onboarding_form import Request
from include.pipeline.services import Services, open_services
from include.settings import Settings
from include.store.engine import fetch_rows, transaction

_REQUEST = "bench"
_SHARD_STAGES = ("backfill_history", "first_training", "first_forecast")


@dataclass(frozen=True)
class _Share:
    """One shard's part of a stage, for a process that opens its services itself."""

    settings: Settings
    stage: str
    shard: Shard


def measure(ticker_count: int, history_days: int) -> Section:
    """Seconds by stage of one request for ``ticker_count`` tickers with ``history_days`` days of bars."""
    names = [f"BENCH{k}{'-USD' if k % 4 == 3 else ''}.SIM" for k in range(ticker_count)]
    request = Request.from_params(_REQUEST, AS_OF, {"tickers": names, "history_days": history_days})
    with temporary_product() as services:
        shards: list[Shard] = []
        costs = {"validate": [machine.cost_of(lambda: shards.extend(onboarding.validate(services, request)))]}
        for stage in _SHARD_STAGES:
            shares = [_Share(services.settings, stage, shard) for shard in shards]
            costs[stage] = machine.on_every_core(_run, shares)
        costs["activate"] = [machine.cost_of(partial(onboarding.activate, services, _REQUEST))]
        counts = _row_counts(services)
        active = len(onboarding.report(services, _REQUEST).get("active", {}))
    if active != ticker_count:
        message = f"{active} of {ticker_count} tickers became active; the costs cannot be compared."
        raise RuntimeError(message)
    rows = [_row(stage, found, ticker_count) for stage, found in costs.items()]
    total = sum(float(row["seconds"]) for row in rows)
    return Section(
        [*rows, {"stage": "total", "seconds": total, "ms_per_ticker": 1e3 * total / ticker_count}],
        [
            f"{ticker_count} tickers with {history_days} days of bars in {len(shards)} processes: "
            f"{counts['bars']} bars and {counts['features']} feature rows. Default settings. The start of the "
            "processes is not counted.",
        ],
    )


def _run(share: _Share) -> machine.Cost:
    """The cost of one shard's part of a stage, in this process."""
    services = open_services(share.settings)
    try:
        return machine.cost_of(lambda: getattr(onboarding, share.stage)(services, _REQUEST, share.shard))
    finally:
        services.engine.dispose()


def _row(stage: str, costs: list[machine.Cost], ticker_count: int) -> Row:
    seconds = max(cost.wall_s for cost in costs)
    return {
        "stage": stage,
        "seconds": seconds,
        "ms_per_ticker": 1e3 * seconds / ticker_count,
        "python_cpu_s": sum(cost.cpu_s for cost in costs),
        "peak_rss_mb": max(cost.peak_rss_mb for cost in costs),
    }


def _row_counts(services: Services) -> dict[str, int]:
    counted = "select (select count(*) from forecast.bar) as bars, (select count(*) from forecast.feature) as features"
    with transaction(services.engine) as connection:
        return fetch_rows(connection, counted)[0]


def main(arguments: list[str]) -> int:
    """Measures and prints the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.onboarding", description=__doc__)
    parser.add_argument("--tickers", type=int, default=100)
    parser.add_argument("--days", type=int, default=729, help="days of history of each ticker")
    options = parser.parse_args(arguments)
    section = measure(options.tickers, options.days)
    print("\n".join((table(section.rows), *section.notes)))  # noqa: T201  # the output of the command
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
