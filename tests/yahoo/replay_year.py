"""A year of hourly updates of 20 tickers through the emulator, by hand: ``python -m tests.yahoo.replay_year``.

Ends with a JSON line: what was injected, what was found, and every bar that differs from the market's truth.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.store.app_rights import APP_ROLE
from include.store.migrations import migrate
from tests.support.databases import fresh_database, temporary_server
from tests.yahoo import replay
from tests.yahoo.moving_market import make_market
from tests.yahoo.server import YahooEmulator

SINCE = datetime(2025, 9, 1, 20, 35, tzinfo=UTC)
NEW_YORK = tuple(f"NY{letter}" for letter in "ABCDEFGHIJKL")
ELSEWHERE = ("SAP.DE", "VOD.L", "MC.PA", "0700.HK", "2330.TW", "7203.T", "BTC-USD", "EURUSD=X")


def main(arguments: list[str]) -> int:
    """Runs the replay; 0 when the store equals the truth and all was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.yahoo.replay_year", description=__doc__)
    parser.add_argument("--tickers", type=int, default=20, help="how many, at most 20")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--faults", default="10%", help="share of requests that a fault befalls")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    tickers = [*ELSEWHERE, *NEW_YORK][: options.tickers]
    until = SINCE + timedelta(days=options.days)
    started_at = time.monotonic()
    with temporary_server() as server, tempfile.TemporaryDirectory() as folder:
        migrate(server.migration_url())
        with fresh_database(server) as name:
            market = make_market(tickers, SINCE, until, lambda: SINCE, options.seed)
            with YahooEmulator(market, clock=SINCE, seed=options.seed) as emulator:
                market.clock = emulator.now
                os.environ.update(emulator.environment())
                with replay.yahoo_services(server.url(APP_ROLE, name), Path(folder)) as services:
                    findings = replay.run(services, emulator, market, SINCE, until, options.faults)
    report = {**vars(findings), "differences": findings.differences[:50], "seconds": time.monotonic() - started_at}
    print(json.dumps(report, indent=2))  # noqa: T201  # what the person asked for
    return int(bool(findings.differences) or findings.found != findings.injected)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
