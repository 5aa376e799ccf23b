"""`make loop`: drift, another backbone, its promotion and a rollback in a simulated market; writes docs/loop.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.loop.installation import settings_of
from bench.loop.market import Regime
from bench.loop.page import missing, page_of, read
from bench.loop.trial import CHANGE, START, TRIAL, Trial
from bench.machine import describe
from bench.soak.product import opened_temporary_product
from include.local.paths import PROJECT_DIR
from include.local.screen import Screen

_RECORD = PROJECT_DIR / ".local" / "loop" / "record.json"
_LONGEST = timedelta(days=150)
"""Days after a change within which the backbone must have been renewed."""
_WEEKS = timedelta(days=28)
_SIX_WEEKS = timedelta(days=40)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the trial and writes the page; 0 if every step of the loop was seen."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the installation is stopped
    console = Console(soft_wrap=True)
    if not chosen.only_page:
        _run(chosen, console)
    record = read(chosen.record)
    (chosen.out / "loop.md").write_text(page_of(record), encoding="utf-8")
    sentences = missing(record)
    for sentence in sentences:
        console.print(sentence)
    console.print(f"{chosen.out / 'loop.md'}, {chosen.record}")
    return int(bool(sentences))


def _run(chosen: argparse.Namespace, console: Console) -> None:
    began = time.monotonic()
    with Screen(console) as screen, opened_temporary_product(screen.progress, settings_of) as product:
        screen.settle()
        folder = product.paths.local_dir.parent
        trial = Trial(product, folder, Regime(echo=chosen.echo), Regime(echo=-chosen.echo), chosen.seed, console.print)
        facts: dict[str, Any] = {**describe(), "seed": chosen.seed, "echo": chosen.echo}
        trial.record.facts |= facts | {"start_seconds": time.monotonic() - began}
        trial.record.path = chosen.record
        try:
            run_trial(trial)
        finally:
            trial.record.facts["minutes"] = (time.monotonic() - began) / 60.0
            trial.record.write(chosen.record)


def run_trial(trial: Trial) -> None:
    """Runs the market through two changes: one that lasts, and one that is over when its backbone serves."""
    trial.prepare()
    trial.run_until(lambda session: session.look_at >= CHANGE - timedelta(days=2), CHANGE)
    trial.measure("before the change", START, CHANGE)
    trial.change_to(trial.changed, CHANGE)
    first = _until(trial, "promote", 2, CHANGE)
    if first is None:
        return
    trial.measure("after the change, until the new backbone serves", CHANGE, first)
    trial.measure("the four weeks before it serves", max(CHANGE, first - _WEEKS), first)
    trial.run_until(lambda session: session.look_at >= first + TRIAL, first + 2 * TRIAL)
    trial.measure("the two weeks in which it serves", first, first + TRIAL)
    back = _monday_after(first + TRIAL)
    trial.change_to(trial.usual, back)
    last = trial.run_until(lambda session: session.look_at >= back + _SIX_WEEKS, back + _LONGEST)
    run_rollback(trial, back, last.look_at)


def run_rollback(trial: Trial, back: datetime, second: datetime) -> None:
    """A person asks for a third backbone as of ``second``; from that day on the market is one that it does not know.

    ``back`` is when the present regime began.
    """
    trial.ask_for_another(second)
    trial.measure("after the change back, until a third backbone serves", back, second)
    trial.change_to(trial.changed, second.replace(hour=0, minute=0))  # no bar of that day is read yet
    before = trial.champion_at(second - timedelta(hours=1))
    trial.run_until(lambda _: bool(trial.operations("roll back")), second + 2 * TRIAL)
    done = trial.operations("roll back")
    if done:
        at: datetime = done[0]["as_of"]
        trial.measure("while the third backbone serves, which is wrong now", second, at)
        served = trial.champion_at(at + timedelta(hours=12))
        trial.record.facts["rolled_back_to_the_one_before"] = served == before
        trial.run_until(lambda session: session.look_at >= at + timedelta(days=7), at + timedelta(days=10))
        trial.measure("the week after it was taken back", at, at + timedelta(days=7))


def _until(trial: Trial, operation: str, count: int, since: datetime) -> datetime | None:
    """Runs sessions until so many operations of a kind are stored; the instant of the last one, None if never."""
    trial.run_until(lambda _: len(trial.operations(operation)) >= count, since + _LONGEST)
    found = trial.operations(operation)
    return found[count - 1]["as_of"] if len(found) >= count else None


def _monday_after(moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0)
    return midnight + timedelta(days=7 - midnight.weekday())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.loop", description="Does the loop of drift close?")
    parser.add_argument("--echo", type=float, default=0.9, help="share of a move that goes on in the next hour")
    parser.add_argument("--seed", type=int, default=1, help="of the market's noise")
    parser.add_argument("--record", type=Path, default=_RECORD, help="JSON file of what happened")
    parser.add_argument("--only-page", action="store_true", help="run nothing; write the page from the record")
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "docs", help="folder of the page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
