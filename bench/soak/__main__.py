"""`make soak`: accelerated hours of simulated tickers through the real Airflow; writes docs/soak.md with its curves."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.soak import samples
from bench.soak.chart import chart_of
from bench.soak.page import CHART, growing, page_of
from bench.soak.product import Product, opened_temporary_product
from bench.soak.sampling import cpu_seconds, sample
from bench.soak.trend import DAY_HOURS
from include.local.paths import PROJECT_DIR
from include.local.screen import Screen

_SAMPLES = PROJECT_DIR / ".local" / "soak" / "samples.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the hours and writes the page; 0 if nothing grows by more than is stated."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the installation is stopped
    console = Console(soft_wrap=True)
    if chosen.only_page and not chosen.samples.exists():
        message = f"{chosen.samples} does not exist; run a soak first, or name its file with --samples"
        raise SystemExit(message)
    if not chosen.only_page:
        chosen.samples.parent.mkdir(parents=True, exist_ok=True)
        chosen.samples.unlink(missing_ok=True)
        _soak(chosen, console)
    found = samples.read(chosen.samples)
    minutes = sum(found["elapsed"]) / 60.0
    (chosen.out / "soak.md").write_text(page_of(found, chosen.tickers, minutes), encoding="utf-8")
    (chosen.out / CHART).write_text(chart_of(found), encoding="utf-8")
    sentences = growing(found, chosen.tickers)
    for sentence in sentences:
        console.print(sentence)
    console.print(f"{len(found['seconds'])} hours; {chosen.out / 'soak.md'}, {chosen.samples}")
    return int(bool(sentences))


def _soak(chosen: argparse.Namespace, console: Console) -> None:
    """Runs the hours in an installation of its own and writes the samples of each."""
    deadline = time.monotonic() + 60.0 * chosen.minutes if chosen.minutes else float("inf")
    with Screen(console) as screen, opened_temporary_product(screen.progress) as product:
        screen.settle()
        product.onboard(chosen.tickers)
        for hour in range(chosen.hours):
            if time.monotonic() > deadline:
                return
            measures = _one_hour(product, hour)
            samples.append(chosen.samples, hour, measures)
            note = product.maintain(hour) if hour % DAY_HOURS == DAY_HOURS - 1 else ""
            console.print(f"{hour:5d}  {measures['seconds']:.1f} s  {note}")


def _one_hour(product: Product, hour: int) -> dict[str, float]:
    """Runs an hour; its measures."""
    began_at, cpu_before = time.monotonic(), cpu_seconds(product)
    seconds = product.run_hour(hour)
    cpu = cpu_seconds(product) - cpu_before
    measures = {"seconds": seconds, "CPU seconds": cpu, "load": os.getloadavg()[0]} | sample(product)
    return measures | {"elapsed": time.monotonic() - began_at}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="Does anything grow that should not?")
    parser.add_argument("--hours", type=int, default=1000, help="number of hours")
    parser.add_argument("--tickers", type=int, default=50, help="number of tickers")
    parser.add_argument("--minutes", type=float, help="no hour begins after so many minutes")
    parser.add_argument("--samples", type=Path, default=_SAMPLES, help="CSV file of the samples")
    parser.add_argument("--only-page", action="store_true", help="run nothing; write the page from the samples")
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "docs", help="folder of the page and its curves")
    return parser


if __name__ == "__main__":
    sys.exit(main())
