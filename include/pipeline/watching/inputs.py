"""How far the network's inputs of the last days are from those that the backbone was trained on, market by market.

Feature rows are read a few tickers at a time and only counted, so memory does not grow with the tickers. Where next:
``evaluation/shift.py`` for the distances, ``models/input_reference.py`` for the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from include.evaluation.shift import (
    LEAST_ROWS,
    SHIFTED_INDEX,
    IntArray,
    Reference,
    bin_counts,
    stability_index,
    wasserstein,
)
from include.features.windows import INPUT_NAMES, model_inputs
from include.model.backbone import read_certificate
from include.model.checkpoint import Backbone
from include.pipeline.models.input_reference import KEY, read_references
from include.pipeline.services import Services
from include.store import drift as drift_store
from include.store import features as feature_store
from include.store.drift import Market, ShiftRow
from include.store.engine import transaction

WINDOW_DAYS: Final = 28
"""Newest days whose inputs are compared with the training set's."""
_TICKERS_AT_ONCE: Final = 25


def input_shifts(services: Services, backbone: Backbone | None, as_of: datetime) -> list[ShiftRow]:
    """The distances of each input in each market of tracked tickers, as known at ``as_of`` (UTC).

    Empty without a backbone, or with one whose certificate has no reference: one that was trained by an older version.
    Inputs with fewer than ``LEAST_ROWS`` values are left out.
    """
    certificate = {} if backbone is None else read_certificate(backbone.store)
    if KEY not in certificate:
        return []
    with transaction(services.engine) as connection:
        tickers = drift_store.tracked_tickers(connection, as_of)
    rows: list[ShiftRow] = []
    for market, names in tickers.items():
        references = read_references(certificate, market.calendar)
        rows += _rows(market, _counted(services, names, references, as_of), references)
    return rows


def _counted(
    services: Services, tickers: Sequence[str], references: Mapping[str, Reference], as_of: datetime
) -> Mapping[str, IntArray]:
    """The number of values in each bin of each input's reference."""
    since = as_of - timedelta(days=WINDOW_DAYS)
    totals: dict[str, IntArray] = {name: np.zeros(len(one.shares), dtype=np.int64) for name, one in references.items()}
    for start in range(0, len(tickers), _TICKERS_AT_ONCE):
        chosen = tickers[start : start + _TICKERS_AT_ONCE]
        with transaction(services.engine) as connection:
            rows = feature_store.load_features(connection, chosen, as_of, WINDOW_DAYS * 24)
        inputs = model_inputs(rows[rows["closed_at"] >= since])
        for name in totals:
            values = inputs[:, INPUT_NAMES.index(name)].astype(np.float64)
            totals[name] += bin_counts(values, references[name].edges)
    return totals


def _rows(market: Market, counts: Mapping[str, IntArray], references: Mapping[str, Reference]) -> list[ShiftRow]:
    rows = []
    for name, found in counts.items():
        if found.sum() >= LEAST_ROWS:
            index = stability_index(found, references[name])
            distance = wasserstein(found, references[name])
            rows.append(ShiftRow(market, name, int(found.sum()), index, distance, index >= SHIFTED_INDEX))
    return rows
