"""What the stages of a pre-training read: the stored request, and the histories of its tickers.

Where next: ``requests.py`` for training, ``promotions.py`` for scores and promotion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from include.errors import DataContractError, RetryableError
from include.evaluation.history import History
from include.pipeline.data.histories import history_of
from include.pipeline.services import Services
from include.store import backbones as backbone_store
from include.store import bars as bar_store
from include.store import registry
from include.store.backbones import BackboneRow
from include.store.engine import transaction


def known_histories(services: Services, tickers: Sequence[str], as_of: datetime) -> dict[str, History]:
    """The tickers' histories as known at ``as_of`` (UTC), without those whose bars do not fit their calendar."""
    histories = {}
    with transaction(services.engine) as connection:
        tracked = registry.get_tickers(connection, tickers)
        for item in tracked:  # one at a time, since all bars at once are a frame of gigabytes
            bars = bar_store.load_bars(connection, [item.ticker], as_of)
            if item.profile is not None:
                with suppress(DataContractError):
                    histories[item.ticker] = history_of(bars, item.profile)
    return histories


def stored_request(services: Services, request_id: str) -> BackboneRow:
    """The request with this id.

    Raises:
        RetryableError: there is none yet.
    """
    with transaction(services.engine) as connection:
        row = backbone_store.find_backbone(connection, request_id)
    if row is None:
        message = f"No pre-training was asked for as {request_id}; clear its task `plan`."
        raise RetryableError(message)
    return row


def trained_request(services: Services, request_id: str) -> tuple[BackboneRow, str]:
    """The request with this id, and the version of its weights.

    Raises:
        RetryableError: there is none yet, or it is not trained yet.
    """
    row = stored_request(services, request_id)
    if row.model_version is None:
        message = f"{request_id} is not trained; clear its task `train`."
        raise RetryableError(message)
    return row, row.model_version


def finite_or_none(value: float) -> float | None:
    """The value; None for NaN and infinity, which a column of scores does not take."""
    return value if math.isfinite(value) else None
