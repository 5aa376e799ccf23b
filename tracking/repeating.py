"""The mirror again and again, for a container: a failure is tried again soon, and a file says when it last succeeded.

It knows no MLflow. Where next: ``__main__.py``, which calls it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger("tracking")
RETRY_SECONDS: Final = 60.0
"""The longest wait after a failure."""


def run_again(
    action: Callable[[], object],
    every: float,
    failures: tuple[type[Exception], ...],
    mark: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
    rounds: Iterator[None] | None = None,
) -> None:
    """Calls ``action`` for ever (``rounds``: so often), ``every`` so many seconds; touches ``mark`` when it succeeded.

    One of ``failures`` is logged, and the next call comes after ``RETRY_SECONDS`` at the latest.
    """
    for _ in rounds or repeat(None):
        try:
            action()
        except failures as error:
            _LOG.warning("The mirror is tried again soon: %s: %s", type(error).__name__, error)
            sleep(min(every, RETRY_SECONDS))
            continue
        if mark is not None:
            mark.touch()
        sleep(every)
