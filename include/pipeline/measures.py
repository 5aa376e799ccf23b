"""Measures the stages of an hour: seconds, peak memory, and counts of what they did. Labels the lines of their logs.

A measurement is stored after its stage, in a transaction of its own. If it cannot be stored, a line in the log says so,
and the stage's result stays. Where next: ``bi.stage_run``, which shows the measurements.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import datetime
from typing import Final, TypeVar

from structlog.contextvars import bound_contextvars

from include.errors import HourcastError
from include.pipeline.services import Services
from include.store.engine import transaction
from include.store.stage_runs import WHOLE_HOUR, StageRun, save_stage_run

_LOG: Final = logging.getLogger(__name__)
_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
_COUNTS: Final[ContextVar[Counter[str] | None]] = ContextVar("counts", default=None)
Result = TypeVar("Result")


def count(name: str, number: int) -> None:
    """Adds to a count of the stage that runs; does nothing outside of one."""
    counts = _COUNTS.get()
    if counts is not None and number:
        counts[name] += number


def record(name: str, number: int) -> None:
    """Sets a number of the stage that runs, which may be 0 or less; does nothing outside of one."""
    counts = _COUNTS.get()
    if counts is not None:
        counts[name] = number


def measured(
    services: Services, stage: str, as_of: datetime, work: Callable[[], Result], shard_index: int = WHOLE_HOUR
) -> Result:
    """The result of ``work``, after its measurement was stored; also that of a failure.

    The counts are those of ``count`` and ``record``, and the numbers of the result if that is a mapping. Every line
    that ``work`` logs has the keys ``stage``, ``as_of`` and, for a shard, ``shard``; so has the line at its end.
    """
    counts: Counter[str] = Counter()
    token = _COUNTS.set(counts)
    started = time.monotonic()
    is_failed = True
    try:
        with labelled(stage, as_of, shard_index):
            result = work()
            counts.update(_numbers(result))
            done = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if number)
            _LOG.info("%s took %.1f s: %s", stage, time.monotonic() - started, done or "nothing to do")
        is_failed = False
        return result
    finally:
        _COUNTS.reset(token)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
        seconds = time.monotonic() - started
        _keep(services, StageRun(as_of, stage, shard_index, is_failed, seconds, peak, counts))


def labelled(stage: str, as_of: datetime, shard_index: int = WHOLE_HOUR, **more: str) -> AbstractContextManager[None]:
    """Gives every line that is logged in the block the keys ``stage``, ``as_of``, ``shard`` and those of ``more``.

    Airflow writes them as keys of the line's JSON.
    """
    shard = {} if shard_index == WHOLE_HOUR else {"shard": shard_index}
    return bound_contextvars(stage=stage, as_of=as_of.isoformat(), **shard, **more)


def _numbers(result: object) -> dict[str, int]:
    return {k: v for k, v in result.items() if isinstance(v, int)} if isinstance(result, Mapping) else {}


def _keep(services: Services, run: StageRun) -> None:
    try:
        with transaction(services.engine) as connection:
            save_stage_run(connection, run)
    except HourcastError as error:
        _LOG.warning("The measurement of %s of %s was not stored: %s", run.stage, run.as_of.isoformat(), error)
