"""`make leakcheck`: plants every leak, changes the future many times over the clean code, and writes docs/leaks.md."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from include.store.migrations import migrate
from tests.architecture.project import PROJECT_DIR
from tests.leaks.checks import CHECKS
from tests.leaks.closing_hours import ClosingHours, open_closing_hours
from tests.leaks.hours import Hours, open_hours
from tests.leaks.night_hours import NightHours, open_night_hours
from tests.leaks.planting import Caught, Plant, look_for
from tests.leaks.plants import HARMLESS, PLANTS
from tests.leaks.plants_calendar import CALENDAR_PLANTS
from tests.leaks.plants_night import NIGHT_PLANTS
from tests.leaks.plants_scale import SCALE_STORE_PLANTS
from tests.leaks.plants_store import STORE_PLANTS
from tests.support.databases import temporary_server

PAGE = "docs/leaks.md"
_LONGEST_CELL = 160
_HOURS_EVERY = 5
"""One random future of so many also goes through whole hours on Postgres, which take longest."""
_NIGHTS_EVERY = 20
"""As ``_HOURS_EVERY``, for the refreshes of a night."""
_CLOSINGS_EVERY = 100
"""As ``_HOURS_EVERY``, for what hours find in their own past: there only the number of later days is random."""

_HEAD = """# Leaks, planted and caught

Written by `make leakcheck`; do not edit. The detector (`tests/leaks`) computes everything twice, once with another
future, and demands that what was known before is the same to the last bit.

| check | what is changed, and what must stay as it is |
|---|---|
"""
_WHAT_CHECKS_DO = {
    "rows": "bars after a random one change or are not there, as do dividends: feature rows, inputs, targets stay",
    "calendar": "sessions beyond the horizons get days off, half days, another clock: slots, targets, features stay",
    "gate": "bars after a jump, which confirm it or not: what a backfill believes, and calls known by then, stays",
    "steps": "bars after a price step, that make it a change of scale or not: what a backfill calls known then stays",
    "answers": "what was not complete when an answer of Yahoo was made, or is another ticker's: believed bars stay",
    "network": "later bars of a window, and the bars that judge a training: its answers and the trained weights stay",
    "chain": "bars in progress and beyond, which the source shows: what the gate accepts, weights and forecasts stay",
    "rivals": "the second half of a fold (by `evaluation.leaderboard.find_leak`): forecasts of its first half stay",
    "hours": "a later hour and its rows are in Postgres before earlier hours run, and run again: their rows stay",
    "nights": "a later day corrects closes of a night and moves a report: what the night's hours store stays",
    "closings": "weeks later a feed serves other closing bars: what earlier hours request, expect and store stays",
}


@dataclass(frozen=True)
class Findings:
    """What the detector said: of each planted leak, of harmless changes, and of how many clean futures."""

    caught: dict[Plant, Caught | None]
    minded: dict[Plant, Caught | None]
    clean: Counter[str]
    alarms: list[str]


def main(arguments: list[str] | None = None) -> int:
    """Runs the detector; 0 if it caught everything and raised no false alarm."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaks", description="Does anything know the future?")
    parser.add_argument("--count", type=int, default=1000, help="random futures of the clean code")
    parser.add_argument("--seed", type=int, default=0, help="the first one's seed")
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / PAGE, help="where the page goes")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("error")
    with _opened_hours() as (hours, nights, closings):
        caught = {
            plant: look_for(plant, hours)
            for plant in track((*PLANTS, *STORE_PLANTS, *SCALE_STORE_PLANTS), "planted leaks  ")
        }
        caught |= {plant: look_for(plant, closings) for plant in track(CALENDAR_PLANTS, "in an hour's past")}
        caught |= {plant: look_for(plant, nights) for plant in track(NIGHT_PLANTS, "in a night     ")}
        minded = {plant: look_for(plant, hours, tries=3) for plant in HARMLESS}
        clean, alarms = _change_futures(hours, nights, closings, range(chosen.seed, chosen.seed + chosen.count))
    findings = Findings(caught, minded, clean, alarms)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(page_of(findings), encoding="utf-8")
    missed = [plant.name for plant, found in caught.items() if found is None]
    wrong = [*alarms, *(f"{plant.name}: {found.words}" for plant, found in minded.items() if found)]
    console = Console(soft_wrap=True)
    console.print(f"{len(caught) - len(missed)} of {len(caught)} planted leaks caught; {chosen.out}")
    console.print(f"{len(wrong)} false alarms in {chosen.count} random futures of the clean code ({dict(clean)})")
    for line in (*(f"missed: {name}" for name in missed), *(f"false alarm: {line}" for line in wrong)):
        console.print(line)
    return int(bool(missed or wrong))


def _change_futures(
    hours: Hours, nights: NightHours, closings: ClosingHours, seeds: range
) -> tuple[Counter[str], list[str]]:
    """How often each check ran on the clean code, and every alarm it raised there."""
    clean: Counter[str] = Counter()
    alarms: list[str] = []
    on_time = hours.on_time()
    for seed in track(seeds, "random futures"):
        found = {name: check(seed) for name, check in CHECKS.items()}
        if seed % _HOURS_EVERY == 0:
            found["hours"] = hours.check_against(on_time, seed)
        if seed % _NIGHTS_EVERY == 0:
            found["nights"] = nights.check(seed)
        if seed % _CLOSINGS_EVERY == 0:
            found["closings"] = closings.check(seed)
        clean.update(list(found))
        alarms += [f"{name} with seed {seed}: {words}" for name, words in found.items() if words]
    return clean, alarms


def page_of(findings: Findings) -> str:
    """The page, from the head to the table of leaks."""
    counts = ", ".join(f"`{name}` {count:,}" for name, count in findings.clean.items())
    hits = sum(found is not None for found in findings.caught.values())
    mistaken = sum(found is not None for found in findings.minded.values())
    lines = [
        _HEAD + "\n".join(f"| `{name}` | {words} |" for name, words in _WHAT_CHECKS_DO.items()),
        "",
        f"{hits} of {len(findings.caught)} planted leaks were caught. Over the clean code,",
        f"{max(findings.clean.values(), default=0):,} random futures ({counts})",
        f"raised {len(findings.alarms)} false alarms; {len(findings.minded)} harmless changes of it raised {mistaken}.",
        "",
        "*Tries* are the random futures that it took.",
        "",
        "| planted leak | caught by | tries | what changed first |",
        "|---|---|---|---|",
    ]
    for plant, found in findings.caught.items():
        cells = (f"`{found.check}`", found.tries, _short(found.words)) if found else ("**missed**", "", "")
        lines.append(f"| {plant.name} | {cells[0]} | {cells[1]} | {cells[2]} |")
    return "\n".join(lines) + "\n"


def _short(words: str) -> str:
    """Words that fit a cell: hashes cut, the end left off."""
    cut = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", words).replace("|", "/")
    return cut if len(cut) <= _LONGEST_CELL else f"{cut[:_LONGEST_CELL]} ..."


@contextmanager
def _opened_hours() -> Iterator[tuple[Hours, NightHours, ClosingHours]]:
    with tempfile.TemporaryDirectory() as folder, temporary_server() as server:
        migrate(server.migration_url())
        path = Path(folder)
        with (
            open_hours(server, path) as hours,
            open_night_hours(server, path / "nights") as nights,
            open_closing_hours(server, path) as closings,
        ):
            yield hours, nights, closings


if __name__ == "__main__":
    sys.exit(main())
