"""`make chaos`: faults at random instants of hours, onboardings and pre-trainings; writes docs/chaos.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random

from rich.console import Console

from bench.soak.product import environment_of, opened_temporary_product
from include.local.screen import Screen
from tests.architecture.project import PROJECT_DIR
from tests.chaos.components import AIRFLOW_TICKERS, AirflowSeries
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.filing_faults import FAULTS as FILING_FAULTS
from tests.chaos.filing_faults import FilingSeries
from tests.chaos.filing_sources import ONE_OF, opened_sources
from tests.chaos.installation import Installation, Machine, first_installation, opened_machine
from tests.chaos.page import AIRFLOW_FOOT, AIRFLOW_HEAD, FOOT, HEAD, filings_page_of, page_of
from tests.chaos.record import Record
from tests.chaos.trials import Result, Scenario, Undisturbed, run_trial, scenarios, undisturbed

PAGE = "docs/chaos.md"
AIRFLOW_PAGE = "docs/chaos-airflow.md"
FILINGS_PAGE = "docs/chaos-filings.md"
STEP = ONE_OF
"""Filings that each trial of faults of filings adds."""
_WEIGHTS = {"hour": 12, "night": 7, "onboarding": 7, "pretraining": 1}


class Series:
    """Trials on one machine; what a scenario stores without a fault is learnt when it is first needed."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self.machine = machine
        self._seed = seed
        self.template: Installation = first_installation(machine)
        self._scenarios: dict[str, Scenario] = scenarios()
        self._known: dict[str, Undisturbed] = {}

    def run(self, number: int, only: str | None = None, only_scenario: str | None = None) -> Result:
        """The trial of this number: the same fault, scenario and instant for the same seed."""
        random = Random(f"{self._seed}/{number}")
        faults = self._faults(only)
        fault = faults[number % len(faults)]
        name = random.choices(fault.scenarios, [_WEIGHTS.get(name, 1) for name in fault.scenarios])[0]
        name = only_scenario or name
        scenario = self._scenarios[name]
        if name not in self._known:
            self._known[name] = undisturbed(self.machine, self.template, scenario)
        return run_trial(self.machine, self.template, fault, scenario, self._known[name], number, random)

    def _faults(self, only: str | None) -> list[Fault]:
        found = [fault for fault in FAULTS if only is None or only in fault.name]
        if not found:
            message = f"no fault has {only!r} in its name; there are {', '.join(fault.name for fault in FAULTS)}"
            raise SystemExit(message)
        if self.machine.can_mount:
            return found
        return [fault for fault in found if not fault.needs_small_disk and not fault.needs_small_folder]


def main(arguments: list[str] | None = None) -> int:
    """Runs the trials; 0 if nothing was lost, doubled, half written or wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Is every hour whole after a fault?")
    parser.add_argument("--trials", type=int, default=200, help="number of trials")
    parser.add_argument("--seed", type=int, default=0, help="seed of all trials")
    parser.add_argument("--trial", type=int, help="only the trial of this number")
    parser.add_argument("--only", help="only faults with these words in their name")
    parser.add_argument("--minutes", type=float, help="no trial begins after so many minutes")
    parser.add_argument("--record", type=Path, help="file that every result is added to; trials in it are not repeated")
    parser.add_argument("--airflow", action="store_true", help="kill processes of a real Airflow instead")
    parser.add_argument(
        "--filings", type=int, metavar="COUNT", help="so many filings and faults of their sources instead"
    )
    parser.add_argument("--out", type=Path, help="where the page goes")
    chosen = parser.parse_args(arguments)
    if chosen.filings:
        return _run_filings(chosen)
    out = chosen.out or PROJECT_DIR / (AIRFLOW_PAGE if chosen.airflow else PAGE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    console = Console(soft_wrap=True)
    record = Record(chosen.record, chosen.seed)
    results = record.results()
    done = {result.number for result in results}
    numbers = range(chosen.trials) if chosen.trial is None else [chosen.trial]
    deadline = time.monotonic() + 60.0 * chosen.minutes if chosen.minutes else float("inf")
    run_all = _run_in_airflow if chosen.airflow else _run_all
    for result in run_all([number for number in numbers if number not in done], chosen, deadline):
        record.append(result)
        results.append(result)
        console.print(_line(result))
    if chosen.trial is None and chosen.only is None:
        head, foot = (AIRFLOW_HEAD, AIRFLOW_FOOT) if chosen.airflow else (HEAD, FOOT)
        out.write_text(page_of(results, chosen.seed, head, foot), encoding="utf-8")
    failed = [result for result in results if result.findings or result.foreign_errors]
    console.print(f"{len(results) - len(failed)} of {len(results)} trials whole; {out}")
    for result in failed:
        mode = " --airflow" if chosen.airflow else ""
        console.print(f"again: python -m tests.chaos{mode} --seed {chosen.seed} --trial {result.number}")
    return int(bool(failed))


def _run_all(numbers: Sequence[int], chosen: argparse.Namespace, deadline: float) -> Iterator[Result]:
    """The trials of these numbers, one after the other; none begins after the deadline, in monotonic seconds."""
    if not numbers:
        return
    with opened_machine() as machine:
        series = Series(machine, chosen.seed)
        for number in numbers:
            if time.monotonic() > deadline:
                return
            yield series.run(number, chosen.only)


def _run_in_airflow(numbers: Sequence[int], chosen: argparse.Namespace, deadline: float) -> Iterator[Result]:
    """The same for trials in a real Airflow, one hour each; two hours without a fault come before them."""
    if not numbers:
        return
    with Screen() as screen, opened_temporary_product(screen.progress) as product:
        screen.settle()
        product.onboard(AIRFLOW_TICKERS)
        seconds = [product.run_hour(number) for number in range(2)]
        series = AirflowSeries(product, chosen.seed, next_hour=2, seconds=seconds[-1])
        for number in numbers:
            if time.monotonic() > deadline:
                return
            yield series.run(number)


def _run_filings(chosen: argparse.Namespace) -> int:
    """Reads filings through a real Airflow, with a fault a run; 0 if everything was whole."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the installation is stopped
    console = Console(soft_wrap=True)
    numbers = [number for number, fault in enumerate(FILING_FAULTS) if chosen.only is None or chosen.only in fault.name]
    if chosen.trial is not None:
        numbers = [chosen.trial]
    first = max(1, chosen.filings - STEP * len(numbers))
    with opened_sources(first + STEP * len(numbers)) as sources:
        results: list[Result] = []

        def settings_of(inherited: Mapping[str, str], local_dir: Path) -> dict[str, str]:
            return environment_of(inherited, local_dir) | sources.settings()

        with Screen(console) as screen, opened_temporary_product(screen.progress, settings_of) as product:
            screen.settle()
            series = FilingSeries(product, sources, chosen.seed, STEP)
            steps = [
                lambda: series.first_run(first),
                *(partial(series.run, number) for number in numbers),
                series.finish,
            ]
            for step in steps:
                results.append(step())
                console.print(_line(results[-1]))
    if len(numbers) == len(FILING_FAULTS):
        out = chosen.out or PROJECT_DIR / FILINGS_PAGE
        out.write_text(filings_page_of(results, chosen.seed, series.facts), encoding="utf-8")
    whole = sum(not result.findings for result in results)
    console.print(f"{whole} of {len(results)} runs whole; {series.facts}")
    return int(whole < len(results))


def _line(result: Result) -> str:
    words = [f"{result.number:5d}  {result.fault}, {result.scenario}: {result.healed}  {result.seconds:.1f} s"]
    if not result.has_struck:
        words[0] += "  (did not strike)"
    words += [f"       {finding.kind}: {finding.words}" for finding in result.findings[:8]]
    words += [f"       foreign error: {error}" for error in result.foreign_errors]
    return "\n".join(words)


if __name__ == "__main__":
    sys.exit(main())
