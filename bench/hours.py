"""One hour of the product by stage, on simulated tickers and a temporary Postgres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from bench import machine
from bench.database import temporary_product
from bench.market import AS_OF
from bench.results import Section
from include.contracts import Shard
from include.pipeline import hour, onboarding
from include.pipeline.onboarding_form import Request
from include.pipeline.services import Services

_STAGES: dict[str, Callable[[Services, Shard], object]] = {
    "fetch_bars": hour.fetch_bars,
    "compute_features": hour.compute_features,
    "fine_tune": hour.fine_tune,
    "predict": hour.predict,
}


def measure(ticker_count: int, history_days: int) -> Section:
    """Seconds by stage of an hour, for ``ticker_count`` tickers onboarded with ``history_days`` days of bars."""
    names = [f"BENCH{k}{'-USD' if k % 4 == 3 else ''}.SIM" for k in range(ticker_count)]
    params = {"tickers": names, "history_days": history_days}
    as_of = AS_OF + timedelta(hours=1)
    costs: dict[str, machine.Cost] = {}
    with temporary_product() as services:
        request = Request.from_params("bench", AS_OF, params)
        costs["onboarding"] = machine.cost_of(lambda: onboarding.onboard(services, request))
        shards: list[Shard] = []
        costs["plan"] = machine.cost_of(lambda: shards.extend(hour.plan_hour(services, as_of)))
        for name, stage in _STAGES.items():
            costs[name] = machine.cost_of(partial(_over, stage, services, shards))
        costs["score"] = machine.cost_of(lambda: hour.score(services, as_of))
        summary = hour.check_hour(services, as_of)
    if summary != {"forecast": ticker_count}:
        message = f"The hour gave {summary} instead of {ticker_count} forecasts; its costs cannot be compared."
        raise RuntimeError(message)
    return Section(
        [
            {
                "stage": name,
                "seconds": cost.wall_s,
                "ms_per_ticker": 1e3 * cost.wall_s / ticker_count,
                "python_cpu_s": cost.cpu_s,
            }
            for name, cost in costs.items()
        ],
        [
            f"{ticker_count} tickers with {history_days} days of bars, all of them fine-tuned; default settings. The "
            "shards run one after the other in one process, as in `run-hour`; a DAG runs a stage's shards in parallel. "
            "Onboarding is not part of the hour.",
        ],
    )


def _over(stage: Callable[[Services, Shard], object], services: Services, shards: Sequence[Shard]) -> None:
    for shard in shards:
        stage(services, shard)
