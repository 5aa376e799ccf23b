"""One hour's fetch of many tickers, many of them failing: ``python -m tests.yahoo.many --tickers 500 --failing 20%``.

As in production: the hour is planned in Postgres, every shard is fetched by a process of its own through the task's
body, and all of them share the request budget. Prints what became of the tickers, and how long it took beside the time
that the budget allows; the end status says whether every ticker without a fault is complete.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from include.contracts import BAR_COLUMNS, PRICE_COLUMNS, OutcomeStatus, TickerProfile
from include.local.postgres import HOURCAST_DATABASE
from include.market.sessions import calendar_of, feed_delay_minutes, timezone_of
from include.pipeline import hour, tasks
from include.pipeline.services import Services, open_services
from include.settings import load_settings
from include.store import registry
from include.store.app_rights import APP_ROLE
from include.store.bars import load_bars, upsert_bars
from include.store.engine import fetch_rows, transaction
from include.store.migrations import migrate
from tests.support.databases import temporary_server
from tests.yahoo.providers import invented, invented_bars
from tests.yahoo.server import YahooEmulator

AS_OF = datetime.fromisoformat("2026-10-14T16:35:00+00:00")
"""A Wednesday, 12:35 in New York."""
_HISTORY = timedelta(days=20)
_HOUR = timedelta(hours=1)

FAILING_KINDS = (
    "500",
    "404",
    "429",
    "hang",
    "empty-result",
    "html",
    "truncated",
    "401",
    "reset",
    "closed",
    "429-after",
    "broken-json",
    "null-result",
    "no-quotes",
    "other-symbol",
    "no-trading-periods",
    "null-closes",
    "stale",
    "off-grid",
    "502",
)
"""What the failing tickers fail with, in turn, at every request of the hour."""
_GENERAL_LIMIT = "*:429-after:1@10"
"""And once everybody is asked to wait."""


@dataclass(frozen=True)
class Findings:
    """What one hour's fetch came to.

    ``complete_count``: tickers without a fault whose stored bars are the market's, all of them.
    ``wrong_count``: tickers with a stored bar that is not the market's.
    ``seconds``: from the first request until the last shard had ended; ``start_seconds``: until that first request, as
    processes start; ``last_good_seconds``: from it until the last ticker without a fault was asked.
    ``floor_seconds``: what one request a ticker takes at the budget's pace; ``request_floor_seconds``: what all
    requests take that were made.
    """

    ticker_count: int
    good_count: int
    complete_count: int
    wrong_count: int
    start_seconds: float
    seconds: float
    last_good_seconds: float
    floor_seconds: float
    request_floor_seconds: float
    requests: dict[str, int]
    outcomes: dict[str, int]


def measure(ticker_count: int, failing_share: float, per_second: float, shard_count: int) -> Findings:
    """Lets that many tickers go through the fetch of one hour and looks at what is stored then."""
    tickers = [f"Q{number:04d}" for number in range(ticker_count)]
    every = round(1 / failing_share) if failing_share else ticker_count + 1
    failing = {ticker: FAILING_KINDS[n % len(FAILING_KINDS)] for n, ticker in enumerate(tickers[every - 1 :: every])}
    rules = [f"{ticker}:{kind}{'@5' if kind == '429-after' else ''}" for ticker, kind in failing.items()]
    market = invented(AS_OF - _HISTORY, AS_OF + timedelta(days=1))
    with temporary_server() as server, tempfile.TemporaryDirectory() as folder:
        url = server.url(APP_ROLE, HOURCAST_DATABASE)
        migrate(server.migration_url())
        with YahooEmulator(market, clock=AS_OF, faults=[*rules, _GENERAL_LIMIT]) as emulator:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("HOURCAST_")},
                **emulator.environment(),
                "HOURCAST_DATABASE_URL": url,
                "HOURCAST_CACHE_DIR": folder,
                "HOURCAST_YAHOO_REQUESTS_PER_SECOND": str(per_second),
                "HOURCAST_SHARD_COUNT": str(shard_count),
            }
            own = {name: value for name, value in environment.items() if name.startswith("HOURCAST_")}
            services = open_services(load_settings(own))
            try:
                _track(services, tickers)
                started_at = time.monotonic()
                _fetch_all(services, environment)
                return _look(services, emulator, tickers, failing, per_second, (started_at, time.monotonic()))
            finally:
                services.engine.dispose()


def _track(services: Services, tickers: Sequence[str]) -> None:
    """Makes tickers active, with their bars up to the hour before, as if every earlier hour had gone well."""
    before = AS_OF - _HOUR
    for ticker in tickers:
        calendar = calendar_of(ticker)
        profile = TickerProfile(
            ticker, "yahoo", calendar, timezone_of(calendar), "USD", None, feed_delay_minutes(calendar)
        )
        bars = truth_of(ticker, before)
        with transaction(services.engine) as connection:
            registry.upsert_pending(connection, [(ticker, "yahoo", _HISTORY.days)], None, before)
            registry.set_profile(connection, profile)
            registry.activate(connection, [ticker], before)
            upsert_bars(connection, bars.assign(known_at=bars["closed_at"] + timedelta(minutes=2)))


def truth_of(ticker: str, as_of: datetime) -> pd.DataFrame:
    """A ticker's bars that could be known at ``as_of``: a BarFrame."""
    bars = invented_bars(ticker, AS_OF - _HISTORY, AS_OF + timedelta(days=1))
    delay = pd.Timedelta(minutes=feed_delay_minutes(calendar_of(ticker)))
    return bars.loc[bars["closed_at"] + delay <= as_of, list(BAR_COLUMNS)].reset_index(drop=True)


def _fetch_all(services: Services, environment: Mapping[str, str]) -> None:
    """Plans the hour, and fetches every shard in a process of its own, as Airflow does."""
    shards = [json.dumps(shard.to_dict()) for shard in hour.plan_hour(services, AS_OF)]
    command = [sys.executable, "-m", "tests.yahoo.many", "--shard"]
    processes = [subprocess.Popen([*command, shard], env=dict(environment)) for shard in shards]
    for process in processes:
        if process.wait() != 0:
            message = "a shard ended in an error; see above"
            raise RuntimeError(message)


def _look(
    services: Services,
    emulator: YahooEmulator,
    tickers: Sequence[str],
    failing: Mapping[str, str],
    per_second: float,
    span: tuple[float, float],
) -> Findings:
    with transaction(services.engine) as connection:
        stored = dict(iter(load_bars(connection, tickers, AS_OF).groupby("ticker")))
        rows = fetch_rows(connection, "select ticker, stage, status, reason from forecast.outcome")
    judged = {ticker: compare(stored[ticker], truth_of(ticker, AS_OF)) for ticker in tickers}
    good = [ticker for ticker in tickers if ticker not in failing]
    requests = emulator.counts()
    first = emulator.asked[0].second
    last_good = max(request.second for request in emulator.asked if request.ticker in set(good))
    return Findings(
        ticker_count=len(tickers),
        good_count=len(good),
        complete_count=sum(judged[ticker] == (True, True) for ticker in good),
        wrong_count=sum(not is_right for is_right, _ in judged.values()),
        start_seconds=first - span[0],
        seconds=span[1] - first,
        last_good_seconds=last_good - first,
        floor_seconds=len(tickers) / per_second,
        request_floor_seconds=sum(requests.values()) / per_second,
        requests=dict(requests),
        outcomes=dict(Counter(_outcome(row, failing) for row in rows)),
    )


def compare(stored: pd.DataFrame, truth: pd.DataFrame) -> tuple[bool, bool]:
    """Whether every stored bar is the market's (a volume may be unknown), and whether all of the market's are there."""
    both = stored.merge(truth, on="opened_at", suffixes=("", "_true"))
    prices = np.allclose(both[list(PRICE_COLUMNS)], both[[f"{name}_true" for name in PRICE_COLUMNS]], rtol=2e-6)
    volume, true_volume = both["volume"], both["volume_true"]
    volumes = bool((volume.isna() | np.isclose(volume, true_volume, atol=1.0)).all())
    is_right = len(both) == len(stored) and prices and volumes
    return is_right, len(both) == len(truth) and bool((volume.notna() | true_volume.isna()).all())


def _outcome(row: Mapping[str, str], failing: Mapping[str, str]) -> str:
    fault = failing.get(row["ticker"], "no fault")
    if row["status"] != OutcomeStatus.FAILED:
        return f"{fault}: {row['stage']}"
    return f"{fault}: {row['status']}: {row['reason'].replace(row['ticker'], 'TICKER')}"


def main(arguments: list[str]) -> int:
    """Measures and prints; 0 when every ticker without a fault is complete, and no wrong bar is stored."""
    parser = argparse.ArgumentParser(prog="python -m tests.yahoo.many", description=__doc__)
    parser.add_argument("--tickers", type=int, default=500)
    parser.add_argument("--failing", default="20%", help="share of the tickers that fail for the whole hour")
    parser.add_argument("--rate", type=float, default=load_settings({}).market.yahoo_requests_per_second)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--shard", help=argparse.SUPPRESS)  # the other end of _fetch_all
    options = parser.parse_args(arguments)
    if options.shard:
        tasks.fetch_bars(json.loads(options.shard))
        return 0
    found = measure(options.tickers, float(options.failing.rstrip("%")) / 100, options.rate, options.shards)
    print(json.dumps(asdict(found), indent=2))  # noqa: T201  # what the person asked for
    return int(found.complete_count < found.good_count or found.wrong_count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
