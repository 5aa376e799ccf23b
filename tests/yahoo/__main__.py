"""The emulator by hand: ``python -m tests.yahoo --port 8443 --fault AAPL:429:3``; prints the environment to export."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.yahoo import faults
from tests.yahoo.providers import Provider, folder, invented
from tests.yahoo.server import YahooEmulator


def main(arguments: list[str]) -> int:
    """Serves until interrupted."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the end is the same, and tidy
    clock = options.clock.astimezone(UTC) if options.clock else None
    provider: Provider = folder(options.bars) if options.bars else _invented(clock, options.ticker)
    with YahooEmulator(provider, clock=clock, faults=options.fault, port=options.port, seed=options.seed) as emulator:
        lines = [f"export {name}={value}" for name, value in emulator.environment().items()]
        print("\n".join(lines), flush=True)  # noqa: T201  # what the caller evaluates
        seen = 0
        try:
            while True:
                time.sleep(1)
                seen = _report(emulator, seen)
        except KeyboardInterrupt:
            return 0


def _report(emulator: YahooEmulator, seen: int) -> int:
    """Writes the requests that came since to stderr, so that stdout stays what a shell can evaluate."""
    for asked in emulator.asked[seen:]:
        print(f"{asked.kind:8}{asked.ticker:12}{asked.fault or ''}", file=sys.stderr)  # noqa: T201  # for the person
        seen += 1
    return seen


def _invented(clock: datetime | None, tickers: list[str]) -> Provider:
    middle = clock or datetime.now(UTC)
    known = frozenset(tickers) or None
    return invented(middle - timedelta(days=760), middle + timedelta(days=30), known)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.yahoo", description=faults.__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--bars", type=Path, help="folder of TICKER.parquet files; default: prices invented by name")
    parser.add_argument("--ticker", action="append", default=[], help="known ticker (repeat); default: all with hours")
    parser.add_argument("--clock", type=datetime.fromisoformat, help="instant at which Yahoo stands; default: now")
    parser.add_argument("--fault", action="append", default=[], help="TARGET:KIND[:TIMES][@SECONDS] (repeat)")
    parser.add_argument("--seed", type=int, default=0, help="root of chance for faults with a share")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
