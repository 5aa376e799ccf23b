"""One trial: an installation, something that runs in it, a fault at a random instant, and the judgement.

Everything that a trial draws at random comes from its seed and number. Its instant is drawn relative to a task, so the
same trial strikes the same task, at about the same place in it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import psycopg2.extensions

from tests.chaos.checker import LOST, Finding, check
from tests.chaos.comparison import Content, compare, content_of, without
from tests.chaos.faults import Fault
from tests.chaos.installation import (
    MISSING_HOUR,
    NEW_TICKERS,
    NEXT_HOUR,
    NIGHT_HOUR,
    Installation,
    Machine,
    Needs,
)
from tests.chaos.processes import Attempt, Work, start
from tests.chaos.runs import Run, Stage, hour_stages, onboarding_stages, pretraining_stages
from tests.support.databases import plain_url

TRIAL_SECONDS = 1800.0
"""A trial takes 5 s on an idle machine. At a load of 20 on two cores, a task once took more than 300 s."""
_RUNS_AGAIN_RATIO = 0.1
_STEP_SECONDS = 0.006
_SUMS = frozenset({"accuracy_day", "accuracy_total", "accuracy_market_day"})


_SHARED_FILE = ("artefact", "artefact_row")
"""Columns that change for all tickers of a shard when one of them gets other weights."""


@dataclass(frozen=True)
class Scenario:
    """What runs in a trial: the stages of each run, by name. Further runs begin after the first.

    ``orders``: in which order the runs are done one after the other, to learn what may be stored. ``unordered``:
    tables whose rows depend on which run came first.
    """

    name: str
    runs: Mapping[str, Sequence[Stage]]
    as_of: datetime
    orders: tuple[tuple[str, ...], ...] = ()
    unordered: frozenset[str] = frozenset()


def scenarios() -> dict[str, Scenario]:
    """All scenarios by name."""
    hour, night = hour_stages(NEXT_HOUR), hour_stages(NIGHT_HOUR)
    onboarding = onboarding_stages("second", NEXT_HOUR, NEW_TICKERS)
    found = [
        Scenario("hour", {"hour": hour}, NEXT_HOUR),
        Scenario("night", {"hour": night}, NIGHT_HOUR),
        Scenario("onboarding", {"onboarding": onboarding}, NEXT_HOUR),
        Scenario("pretraining", {"pretraining": pretraining_stages("backbone", NEXT_HOUR)}, NEXT_HOUR),
        Scenario("same hour twice", {"hour": hour, "again": hour_stages(NEXT_HOUR)}, NEXT_HOUR, (("hour",),)),
        Scenario(
            "backfill beside",
            {"hour": hour, "backfill": hour_stages(MISSING_HOUR)},
            NEXT_HOUR,
            (("hour", "backfill"), ("backfill", "hour")),
            _SUMS | {"score"},
        ),
        Scenario(
            "two onboardings",
            {"onboarding": onboarding, "third": onboarding_stages("third", NEXT_HOUR, NEW_TICKERS)},
            NEXT_HOUR,
            (("onboarding", "third"), ("third", "onboarding")),
            frozenset({"onboarding"}),
        ),
    ]
    return {scenario.name: scenario for scenario in found}


@dataclass(frozen=True)
class Undisturbed:
    """What a scenario stores without a fault: contents that are accepted, and the seconds of each task."""

    accepted: Sequence[Content]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """What became of a trial. ``healed``: ``at once``, ``after a retry`` or ``after clearing``."""

    number: int
    fault: str
    scenario: str
    healed: str
    has_struck: bool
    findings: tuple[Finding, ...]
    errors: tuple[str, ...]
    foreign_errors: tuple[str, ...]
    seconds: float


@dataclass
class Trial:
    """A trial in progress, as the faults see it."""

    machine: Machine
    installation: Installation
    random: Random
    runs: list[Run]
    stopped: Attempt | None = None
    session: psycopg2.extensions.connection | None = None
    beside: list[Attempt] = field(default_factory=list)
    damaged: str | None = None
    """The artefact that the fault has damaged."""

    def running(self) -> list[Attempt]:
        return [attempt for run in self.runs for attempt in run.running()]

    def random_running(self) -> Attempt | None:
        """A task that runs at this moment; None if there is none."""
        running = self.running()
        return self.random.choice(running) if running else None

    def run_of(self, attempt: Attempt) -> Run:
        """The run of a running attempt."""
        return next(run for run in self.runs if attempt in run.running())

    def start_beside(self, name: str, work: Work) -> None:
        """Starts work beside the runs, in a process of its own."""
        self.beside.append(start(name, 1, work, self.installation.surroundings(), self.installation.logs_dir))

    def wait_for_others(self) -> None:
        """Waits for attempts that were given up and for what runs beside."""
        for attempt in [*self.beside, *(gone for run in self.runs for gone in run.abandoned)]:
            attempt.signal(signal.SIGCONT)
            if not attempt.wait(30.0):
                attempt.signal(signal.SIGKILL)
                attempt.wait(5.0)


def undisturbed(machine: Machine, template: Installation, scenario: Scenario) -> Undisturbed:
    """Runs a scenario without a fault, in every order of its runs."""
    accepted, seconds = [], {}
    for order in scenario.orders or (tuple(scenario.runs),):
        installation = machine.copy(template)
        for name in order:
            run = Run(name, scenario.runs[name], installation.surroundings(), installation.logs_dir)
            while not run.step():
                time.sleep(_STEP_SECONDS)
            if run.failed:
                message = f"{scenario.name} fails without a fault: {run.failed}, {run.states[run.failed[0]].ended}"
                raise RuntimeError(message)
            if name == order[0]:
                seconds |= {
                    task: state.attempts[-1].ended_at - state.attempts[-1].started_at
                    for task, state in run.states.items()
                }
        url = plain_url(installation.url)
        accepted.append(content_of(url, installation.models_dir))
        findings = check(url, installation.models_dir)
        if findings and len(scenario.runs) == 1:
            message = f"{scenario.name} is not whole without a fault: {findings[:5]}"
            raise RuntimeError(message)
        machine.remove(installation)
    return Undisturbed(accepted, seconds)


def run_trial(
    machine: Machine,
    template: Installation,
    fault: Fault,
    scenario: Scenario,
    known: Undisturbed,
    number: int,
    random: Random,
) -> Result:
    """Runs one trial and judges it."""
    began_at = time.monotonic()
    needs = Needs(fault.needs_small_disk, fault.needs_small_folder, fault.needs_object_store)
    installation = machine.copy(template, needs)
    runs = [
        Run(name, stages, installation.surroundings(), installation.logs_dir) for name, stages in scenario.runs.items()
    ]
    trial = Trial(machine, installation, random, runs)
    has_struck, healed, findings = False, "", []
    try:
        has_struck = _disturb(trial, fault, known)
        healed = _clear(trial)
        if fault.runs_again or random.random() < _RUNS_AGAIN_RATIO:
            _run_again(trial, scenario)
        findings = [*_unhealed(trial), *_judge(trial, fault, scenario, known)]
    except TimeoutError as error:
        findings = [Finding(LOST, str(error))]
    finally:
        for attempt in [*trial.running(), *(gone for run in runs for gone in run.abandoned)]:
            attempt.signal(signal.SIGKILL)
            attempt.wait(5.0)
        machine.remove(installation)
    errors = _errors(trial)
    return Result(
        number=number,
        fault=fault.name,
        scenario=scenario.name,
        healed=healed,
        has_struck=has_struck,
        findings=tuple(findings),
        errors=tuple(sorted({error for error, is_foreign in errors if not is_foreign})),
        foreign_errors=tuple(sorted({error for error, is_foreign in errors if is_foreign})),
        seconds=time.monotonic() - began_at,
    )


def _disturb(trial: Trial, fault: Fault, known: Undisturbed) -> bool:
    """Runs everything once, with the fault; whether the fault struck."""
    random = trial.random
    task_id = random.choice(sorted(known.seconds))
    after = random.random() * known.seconds[task_id]
    is_lasting = fault.lasts and random.random() < 0.5
    hold = random.uniform(0.02, 0.6)
    delays = {id(run): random.random() * sum(known.seconds.values()) * 0.7 for run in trial.runs[1:]}
    started_at = time.monotonic()
    struck_at, is_over = None, fault.end is None
    while True:
        now = time.monotonic()
        ready = [run for run in trial.runs if now - started_at >= delays.get(id(run), 0.0)]
        is_done = sum(run.step() for run in ready) == len(ready) and len(ready) == len(trial.runs)
        if struck_at is None and _is_due(trial, task_id, after) and fault.begin(trial):
            struck_at = time.monotonic()
        if struck_at is not None and not is_over and not is_lasting and now - struck_at >= hold and fault.end:
            fault.end(trial)
            is_over = True
        if is_done:
            break
        if now - started_at > TRIAL_SECONDS:
            message = f"the trial has not ended within {TRIAL_SECONDS:.0f} s"
            raise TimeoutError(message)
        time.sleep(_STEP_SECONDS)
    if struck_at is not None and not is_over and fault.end:
        fault.end(trial)
    trial.wait_for_others()
    return struck_at is not None


def _is_due(trial: Trial, task_id: str, after: float) -> bool:
    """Whether the drawn instant has come: so long after the drawn task began, or as it ended."""
    state = trial.runs[0].states.get(task_id)
    if state is None or not state.attempts:
        return trial.runs[0].is_over
    return state.ended is not None or time.monotonic() - state.attempts[0].started_at >= after


def _clear(trial: Trial) -> str:
    """Clears failed tasks once the fault has gone; how the runs became whole."""
    failed = [run for run in trial.runs if run.failed]
    for run in failed:
        run.clear_failed()
        while not run.step():
            time.sleep(_STEP_SECONDS)
    if failed:
        return "after clearing"
    return "after a retry" if any(run.retry_count for run in trial.runs) else "at once"


def _run_again(trial: Trial, scenario: Scenario) -> None:
    """Everything once more, which must change no row."""
    for name in (run.name for run in list(trial.runs) if not run.failed):
        again = Run(f"{name}-again", scenario.runs[name], trial.runs[0].surroundings, trial.installation.logs_dir)
        trial.runs.append(again)
        while not again.step():
            time.sleep(_STEP_SECONDS)


def _unhealed(trial: Trial) -> list[Finding]:
    found = []
    for run in trial.runs:
        for name in run.failed:
            state = run.states.get(name)
            ended = state.ended if state else None
            words = f"{ended.error}: {ended.message[:300]}" if ended else "was not run"
            found.append(Finding(LOST, f"clearing the failed tasks did not repair {name} ({words})"))
    return found


def _judge(trial: Trial, fault: Fault, scenario: Scenario, known: Undisturbed) -> list[Finding]:
    url = plain_url(trial.installation.url)
    models_dir = trial.installation.models_dir
    columns = _SHARED_FILE if fault.is_damage else ()
    content = without(content_of(url, models_dir), scenario.unordered, columns)
    accepted = [without(other, scenario.unordered, columns) for other in known.accepted]
    excused = _excused(trial.installation) if fault.is_damage else frozenset()
    found = [*check(url, models_dir), *compare(content, accepted, excused)]
    return [finding for finding in found if trial.damaged is None or trial.damaged not in finding.words]


def _excused(installation: Installation) -> frozenset[str]:
    """Tickers whose outcome or whose restarted challenger says that an artefact could not be read."""
    rows = installation.query(
        """
        select ticker from forecast.outcome where reason is not null and status in ('forecast', 'refreshed', 'fallback')
        union select ticker from forecast.model_version where kind = 'restart'
        """
    )
    return frozenset(ticker for (ticker,) in rows)


def _errors(trial: Trial) -> list[tuple[str, bool]]:
    """Error and whether it is foreign, of every attempt that failed."""
    attempts: list[Any] = [a for run in trial.runs for state in run.states.values() for a in state.attempts]
    attempts += [*trial.beside, *(gone for run in trial.runs for gone in run.abandoned)]
    ended = [attempt.ended for attempt in attempts if attempt.ended is not None and attempt.ended.error]
    return [(f"{e.error}: {e.message[:200]}" if e.is_foreign else str(e.error), e.is_foreign) for e in ended]
