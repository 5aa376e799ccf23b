"""`make bench`: what the product costs on this machine, as JSON and as tables.

Each section can be run alone: `make bench ARGS="--only fine_tune --tickers 1,50"`. No network and no recorded bars are
needed. Sections that use a database start a temporary Postgres. Each process uses one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench import (
    bars,
    checkpoints,
    drift_looks,
    features,
    filings,
    hours,
    machine,
    onboarding,
    retrieval,
    shards,
    stored_forecasts,
    writes,
)
from bench.results import Row, Section, table
from include.filings.embedding import open_embedder
from include.settings import load_settings

_DEFAULT_JSON = Path(__file__).resolve().parent.parent / ".local" / "bench" / "bench.json"


@dataclass(frozen=True)
class Sizes:
    """The sizes of each section's measurements."""

    fine_tune_tickers: tuple[int, ...] = (1, 50, 500, 2000)
    distinct_tickers: int = 16
    feature_tickers: int = 32
    checkpoint_tickers: int = 500
    bars_tickers: int = 100
    bars_per_ticker: int = 5000
    write_tickers: int = 500
    write_hours: int = 4
    onboarding_tickers: int = 40
    hour_tickers: int = 100
    stored_tickers: int = 500
    stored_forecasts: int = 1_000_000
    look_tickers: tuple[int, ...] = (500, 2000)
    history_days: int = 729
    filings: int = 1000
    filing_paragraphs: int = 115
    filings_folder: Path = Path()


SMALLEST = Sizes(
    fine_tune_tickers=(2,),
    distinct_tickers=2,
    feature_tickers=2,
    checkpoint_tickers=3,
    bars_tickers=2,
    bars_per_ticker=10,
    write_tickers=2,
    write_hours=1,
    onboarding_tickers=2,
    hour_tickers=2,
    stored_tickers=2,
    stored_forecasts=1000,
    look_tickers=(2,),
    history_days=90,
    filings=3,
    filing_paragraphs=12,
)
"""The smallest sizes, to test that all sections run."""


RETRIEVAL = "retrieval"
"""The section that needs a folder of filings, so it runs only if it is named."""


def _bars(tickers: int, bars_each: int) -> Section:
    found = bars.measure(tickers, bars_each)
    ways = {
        "store": "upsert_bars, new bars",
        "compare": "compare_bars, new bars",
        "again": "upsert_bars, the same bars",
        "to_sql": "pandas' to_sql",
    }
    rows: list[Row] = [
        {
            "what": words,
            "rows": found["rows"],
            "seconds": found[f"{way}_seconds"],
            "rows_per_s": found[f"{way}_rows_per_second"],
        }
        for way, words in ways.items()
    ]
    return Section(rows, [f"{tickers} tickers with {bars_each} bars each, stored one after the other."])


SECTIONS: dict[str, Callable[[Sizes], Section]] = {
    "fine_tune": lambda sizes: shards.measure(sizes.fine_tune_tickers, sizes.distinct_tickers),
    "features": lambda sizes: features.measure(sizes.feature_tickers),
    "checkpoints": lambda sizes: checkpoints.measure(sizes.checkpoint_tickers),
    "bars": lambda sizes: _bars(sizes.bars_tickers, sizes.bars_per_ticker),
    "writes": lambda sizes: writes.measure(sizes.write_tickers, sizes.write_hours),
    "stored_forecasts": lambda sizes: stored_forecasts.measure(sizes.stored_tickers, sizes.stored_forecasts),
    "drift_look": lambda sizes: drift_looks.measure(sizes.look_tickers),
    "filings": lambda sizes: filings.measure(sizes.filings, sizes.filing_paragraphs),
    "onboarding": lambda sizes: onboarding.measure(sizes.onboarding_tickers, sizes.history_days),
    "hour": lambda sizes: hours.measure(sizes.hour_tickers, sizes.history_days),
}


def _retrieval(folder: Path) -> Section:
    """With the embedding model of the settings, if there is one; its vectors are kept beside the results."""
    embedder = open_embedder(load_settings().filings)
    return retrieval.measure(folder, embedder, _DEFAULT_JSON.parent / "vectors")


def run(names: Sequence[str], sizes: Sizes, report: Callable[[str], object]) -> dict[str, Any]:
    """Runs these sections and passes each table to ``report`` when it is ready; all results as plain JSON."""
    found: dict[str, Any] = {"machine": machine.describe(), "sections": {}}
    report("\n".join(f"{name}: {value}" for name, value in found["machine"].items()))
    for name in names:
        section = _retrieval(sizes.filings_folder) if name == RETRIEVAL else SECTIONS[name](sizes)
        found["sections"][name] = asdict(section)
        report("\n".join((f"\n{name}", table(section.rows), *section.notes)))
    found["load_1min_at_end"] = machine.describe()["load_1min"]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the tables and writes the JSON file; the exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measures what the product costs.")
    parser.add_argument(
        "--only", action="append", choices=sorted((*SECTIONS, RETRIEVAL)), help="a section; can be repeated"
    )
    parser.add_argument("--tickers", type=_numbers, help="numbers of tickers for fine_tune, for example 1,50,500")
    parser.add_argument("--forecasts", type=int, help="number of forecasts for stored_forecasts, for example 25000000")
    parser.add_argument("--filings", type=Path, help="folder of filings for retrieval, such as a download of yours")
    parser.add_argument("--smallest", action="store_true", help="the smallest sizes, to test that everything runs")
    parser.add_argument("--json", type=Path, default=_DEFAULT_JSON, help="file of the results")
    chosen = parser.parse_args(arguments)
    sizes = SMALLEST if chosen.smallest else Sizes()
    if chosen.tickers:
        sizes = Sizes(**{**asdict(sizes), "fine_tune_tickers": chosen.tickers})
    if chosen.forecasts:
        sizes = replace(sizes, stored_forecasts=chosen.forecasts)
    if (RETRIEVAL in (chosen.only or ())) != (chosen.filings is not None):
        parser.error("--only retrieval and --filings FOLDER go together")
    if chosen.filings:
        sizes = replace(sizes, filings_folder=chosen.filings)
    found = run(chosen.only or list(SECTIONS), sizes, lambda text: print(text, flush=True))  # noqa: T201  # the output of the command
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
