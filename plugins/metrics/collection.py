"""Collects the metrics of the pipeline, of Airflow and of the disks; keeps them for 30 s.

A part that cannot be read is left out, and ``hourcast_up`` says so with 0: the endpoint still responds, so that an
alert can say what is down. Where next: ``include/store/metrics.py`` for the pipeline's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from include.errors import HourcastError
from include.settings import load_settings
from include.store import metrics as pipeline
from include.store.metrics import Sample
from include.store.reader import Engine, create_reader_engine
from plugins.metrics import airflow_state, disks
from plugins.metrics.exposition import render

KEPT_SECONDS = 30.0
UP: Final = "hourcast_up"
DESCRIPTIONS: Final[Mapping[str, str]] = {
    UP: "1 if the part could be read: the pipeline's database, Airflow's, the disks.",
    **pipeline.DESCRIPTIONS,
    **airflow_state.DESCRIPTIONS,
    **disks.DESCRIPTIONS,
}
_LOG: Final = logging.getLogger(__name__)

Part = Callable[[], Sequence[Sample]]


@cache
def _engine(url: str) -> Engine:
    return create_reader_engine(url)


def _pipeline() -> Sequence[Sample]:
    url = load_settings().store.reader_url
    return pipeline.read_metrics(_engine(url)) if url else []


def _disks() -> Sequence[Sample]:
    return disks.read_metrics(load_settings())


PARTS: Final[Mapping[str, Part]] = {"pipeline": _pipeline, "airflow": airflow_state.read_metrics, "disks": _disks}


class Collection:
    """The text of the metrics, made anew when it is older than 30 s; for several threads."""

    def __init__(self, parts: Mapping[str, Part] = PARTS, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._lock = threading.Lock()
        self._made_at_seconds = float("-inf")
        self._text = ""

    def text(self) -> str:
        """The metrics in Prometheus' text format."""
        with self._lock:
            if self._clock() - self._made_at_seconds > KEPT_SECONDS:
                self._text = render(self._samples(), DESCRIPTIONS)
                self._made_at_seconds = self._clock()
            return self._text

    def _samples(self) -> list[Sample]:
        samples: list[Sample] = []
        for name, part in self._parts.items():
            is_up, found = _read(name, part)
            samples += [*found, Sample(UP, float(is_up), {"part": name})]
        return samples


def _read(name: str, part: Part) -> tuple[bool, Sequence[Sample]]:
    try:
        found = part()
    except (HourcastError, OSError) as error:
        _LOG.warning("the metrics of %s cannot be read: %s", name, error)
        return False, []
    return bool(found), found
