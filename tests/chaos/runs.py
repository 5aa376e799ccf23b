"""Runs of the DAGs, task by task, under Airflow's rules: tries, a retry policy, trigger rules, cleared tasks.

A task has three tries. A permanent error fails it at once; anything else, a kill too, is tried again. Tasks of a stage
run at the same time. A stage after the first two runs whatever became of those before it (``all_done``), unless the
task that names its shards failed. Clearing runs failed tasks again, and no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from include.pipeline import tasks
from include.pipeline.pretraining import tasks as backbone_tasks
from tests.chaos.processes import Attempt, Ended, Surroundings, Work, start

TRIES = 3
RETRY_SECONDS = 0.15
"""Airflow waits 20 s, then 40 s; here a second stands for some two minutes."""
LONGEST_ATTEMPT_SECONDS = 900.0

Values = Mapping[str, Any]
"""Task id -> what the task returned; absent if it did not succeed."""


@dataclass(frozen=True)
class Stage:
    """Tasks that run at the same time. ``make`` gives them by id, from the values of earlier tasks.

    ``needs``: tasks without which this stage is not run (``upstream_failed``).
    """

    name: str
    make: Callable[[Values], Mapping[str, Work]]
    needs: tuple[str, ...] = ()


@dataclass
class TaskState:
    """A task's tries, and what became of it: None while it is not finished."""

    work: Work
    attempts: list[Attempt] = field(default_factory=list)
    tries_used: int = 0
    not_before: float = 0.0
    ended: Ended | None = None

    @property
    def running(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts and self.ended is None else None


class Run:
    """One run of a DAG; ``step`` moves it on without waiting."""

    def __init__(self, name: str, stages: Sequence[Stage], surroundings: Surroundings, folder: Path) -> None:
        self.name = name
        self.surroundings = surroundings
        self.states: dict[str, TaskState] = {}
        self.values: dict[str, Any] = {}
        self.abandoned: list[Attempt] = []
        self.stage_number = 0
        self.retry_count = 0
        self._stages = list(stages)
        self._folder = folder / name
        self._current: dict[str, TaskState] = {}
        self._upstream_failed: set[str] = set()
        self._to_run: set[str] | None = None

    @property
    def is_over(self) -> bool:
        return self.stage_number >= len(self._stages)

    @property
    def failed(self) -> list[str]:
        """The failed tasks, and the stages that did not run because of one."""
        return [name for name, state in self.states.items() if state.ended and not state.ended.is_success] + sorted(
            self._upstream_failed
        )

    @property
    def stage_name(self) -> str | None:
        return None if self.is_over else self._stages[self.stage_number].name

    def running(self) -> list[Attempt]:
        """The attempts in progress."""
        return [state.running for state in self._current.values() if state.running and state.running.poll() is None]

    def step(self) -> bool:
        """Starts and finishes what can be; whether the run is over."""
        if self.is_over:
            return True
        if not self._current and not self._open():
            self.stage_number += 1
            return self.is_over
        for task_id, state in self._current.items():
            self._move(task_id, state)
        if all(state.ended for state in self._current.values()):
            self._current = {}
            self.stage_number += 1
        return self.is_over

    def clear_failed(self) -> None:
        """Clears the failed tasks: they run again, in their order, with all their tries."""
        again = {name for name, state in self.states.items() if state.ended and not state.ended.is_success}
        self._to_run = again | self._upstream_failed
        self._upstream_failed = set()
        for name in again:
            del self.states[name]
        self.stage_number = 0

    def abandon(self, attempt: Attempt) -> None:
        """Takes a running attempt for lost, as Airflow does without its heartbeat: it is tried again beside it."""
        state = self._current[attempt.task_id]
        self.abandoned.append(attempt)
        self._retry(state, Ended(error="HeartbeatLost"))

    def restart(self, attempt: Attempt) -> None:
        """A person clears a running task: it is ended, and starts anew with all its tries."""
        state = self._current[attempt.task_id]
        self.abandoned.append(attempt)
        state.attempts.append(self._start(attempt.task_id, state))
        state.tries_used = 1
        self.retry_count += 1

    def _open(self) -> bool:
        """Makes the tasks of the present stage; whether there is any to run."""
        stage = self._stages[self.stage_number]
        if any(name not in self.values for name in stage.needs):
            self._upstream_failed.add(stage.name)
            return False
        found = {name: work for name, work in stage.make(self.values).items() if name not in self.states}
        if self._to_run is not None and stage.name not in self._to_run:
            found = {name: work for name, work in found.items() if name in self._to_run}
        self._current = {name: TaskState(work) for name, work in found.items()}
        self.states |= self._current
        return bool(self._current)

    def _move(self, task_id: str, state: TaskState) -> None:
        if state.ended is not None:
            return
        if not state.attempts or (state.attempts[-1].ended and time.monotonic() >= state.not_before):
            state.tries_used += 1
            state.attempts.append(self._start(task_id, state))
            return
        attempt = state.attempts[-1]
        if attempt in self.abandoned:
            if time.monotonic() >= state.not_before:
                state.tries_used += 1
                state.attempts.append(self._start(task_id, state))
            return
        if attempt.ended is not None:
            return  # it waits for its next try
        ended = attempt.poll()
        if ended is None and time.monotonic() - attempt.started_at > LONGEST_ATTEMPT_SECONDS:
            message = f"{task_id} has not ended within {LONGEST_ATTEMPT_SECONDS:.0f} s"
            raise TimeoutError(message)
        if ended is not None and ended.is_success:
            state.ended = ended
            self.values[task_id] = ended.value
        elif ended is not None:
            self._retry(state, ended)

    def _retry(self, state: TaskState, ended: Ended) -> None:
        self.retry_count += 1
        if ended.is_permanent or state.tries_used >= TRIES:
            state.ended = ended
        else:
            state.not_before = time.monotonic() + RETRY_SECONDS * 2.0 ** (state.tries_used - 1)

    def _start(self, task_id: str, state: TaskState) -> Attempt:
        return start(task_id, len(state.attempts), state.work, self.surroundings, self._folder)


def hour_stages(as_of: datetime) -> list[Stage]:
    """The DAG ``hourly_forecast``."""

    def shards(name: str, work: Callable[[Any], Any]) -> Stage:
        def make(values: Values) -> dict[str, Work]:
            return {f"{name}[{shard['index']}]": _bound(work, shard) for shard in values["plan"]}

        return Stage(name, make, ("plan",))

    return [
        _single("plan", lambda _: tasks.plan_hour(as_of)),
        shards("fetch_bars", tasks.fetch_bars),
        shards("compute_features", tasks.compute_features),
        shards("fine_tune", tasks.fine_tune),
        shards("predict", tasks.predict),
        _single("score", lambda _: tasks.score(as_of)),
        _single("check_hour", lambda values: tasks.check_hour(as_of, values.get("plan"), values.get("score"))),
    ]


def onboarding_stages(request_id: str, as_of: datetime, tickers: Sequence[str]) -> list[Stage]:
    """The DAG ``onboard_ticker``."""
    form = {"tickers": list(tickers), "history_days": 45, "source": "automatic"}

    def shards(name: str, work: Callable[[str, Any], Any]) -> Stage:
        def make(values: Values) -> dict[str, Work]:
            return {f"{name}[{s['index']}]": _bound(work, request_id, s) for s in values["validate"]}

        return Stage(name, make, ("validate",))

    return [
        _single("validate", lambda _: tasks.validate(request_id, as_of, form)),
        shards("backfill_history", tasks.backfill_history),
        shards("first_training", tasks.first_training),
        shards("first_forecast", tasks.first_forecast),
        _single("activate", lambda _: tasks.activate(request_id)),
        _single("report", lambda values: tasks.report(request_id, values.get("validate"), None)),
    ]


def pretraining_stages(request_id: str, as_of: datetime) -> list[Stage]:
    """The DAG ``pretrain_backbone``."""
    form = {"simulated_tickers": 1, "held_out_days": 14}
    return [
        _single("plan", lambda _: backbone_tasks.plan(request_id, as_of, form)),
        _single("train", lambda _: backbone_tasks.train(request_id), ("plan",)),
        _single("score", lambda _: backbone_tasks.score(request_id), ("train",)),
        _single("promote", lambda _: backbone_tasks.promote(request_id), ("score",)),
    ]


def _single(name: str, work: Callable[[Values], Any], needs: tuple[str, ...] = ()) -> Stage:
    return Stage(name, lambda values: {name: lambda: work(values)}, needs)


def _bound(work: Callable[..., Any], *arguments: Any) -> Work:
    return lambda: work(*arguments)
