"""Weights that an hour cannot read: a line in the log, a mark on the version, and a note for the ticker's outcome.

Where next: ``networks.py``, which finds them, and ``store/unreadable.py`` for the marks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from structlog.contextvars import bound_contextvars

from include.pipeline.models.networks import LoadedModels
from include.pipeline.services import Services
from include.store import unreadable as mark_store
from include.store.engine import transaction
from include.store.models import RESTART

_LOG: Final = logging.getLogger(__name__)


def mark(services: Services, loaded: LoadedModels, as_of: datetime) -> None:
    """Logs and marks the versions that could not be read, and removes the marks of those that could."""
    for ref, reason in loaded.unreadable:
        with bound_contextvars(ticker=ref.ticker):
            _LOG.warning("%s at %s: the weights %s: %s", ref.ticker, as_of.isoformat(), ref.model_version[:12], reason)
    with transaction(services.engine) as connection:
        mark_store.mark_readable(connection, list(loaded.refs.values()))
        mark_store.mark_unreadable(connection, loaded.unreadable, as_of)


def notes(services: Services, tickers: Sequence[str], as_of: datetime) -> dict[str, str]:
    """For tickers whose challenger did not go on from its newest version in this hour: from where, and why."""
    with transaction(services.engine) as connection:
        found = mark_store.passed_over(connection, tickers, as_of)
    return {
        each.ticker: (
            f"its challenger {_continuation(each)}, because the weights of {each.as_of.isoformat()} cannot be read: "
            f"{each.reason}"
        )
        for each in reversed(found)  # the newest of a ticker's versions counts
    }


def _continuation(found: mark_store.PassedOver) -> str:
    if found.made_kind == RESTART or found.parent_at is None:
        return "starts again"
    return f"goes on from the weights of {found.parent_at.isoformat()}"
