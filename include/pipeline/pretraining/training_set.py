"""The bars that train every network of a request, the backbone and those that are compared with it.

Where next: ``requests.py`` for the backbone, ``comparison.py`` for the other methods.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from include.evaluation.history import History
from include.evaluation.walkforward import instant
from include.model.pretrain import PretrainConfig
from include.pipeline.data.histories import simulated_histories
from include.pipeline.pretraining.stored import known_histories
from include.pipeline.services import Services
from include.store.backbones import BackboneRow

_SIMULATED_DAYS = 729
_LEAST_RECENT_WINDOWS: Final = 50
"""Windows that a ticker needs where only the newest weeks teach: those of two weeks and a half of a US share."""


def training_set(services: Services, row: BackboneRow) -> tuple[dict[str, History], dict[str, History]]:
    """The histories of the request's tickers, and of its simulated ones, of bars that closed before its cut-off."""
    known = known_histories(services, row.tickers, row.as_of)
    histories = {ticker: found.until(instant(row.cutoff_at)) for ticker, found in known.items()}
    since = row.cutoff_at - timedelta(days=_SIMULATED_DAYS)
    return histories, simulated_histories(row.simulated_count, since, row.cutoff_at)


def training_config(row: BackboneRow, usual: PretrainConfig) -> PretrainConfig:
    """How the request is trained: as usual, but with fewer windows of a ticker where only the newest weeks teach."""
    return usual if row.taught_since_at is None else replace(usual, minimum_windows=_LEAST_RECENT_WINDOWS)
