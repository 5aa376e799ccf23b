"""What a backbone's certificate keeps of its training inputs, by kind of market: the reference that drift is told from.

The key ``inputs`` holds, for each kind of market and for ``all``, a ``Reference`` for each input that follows from
prices. Inputs of the calendar are left out: they change with the tickers that are tracked, and with nothing else. A
backbone that was trained before there were references has none. Where next: ``evaluation/shift.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from include.evaluation.shift import Reference
from include.features.windows import CALENDAR_INPUTS, INPUT_NAMES, Series
from include.market.grid import ALWAYS_OPEN, CURRENCIES, NEW_YORK

KEY = "inputs"
ALL = "all"
WATCHED = tuple(name for name in INPUT_NAMES if name not in CALENDAR_INPUTS)
"""The inputs that follow from prices and volumes."""
_KINDS = {ALWAYS_OPEN: "crypto", CURRENCIES: "currency", NEW_YORK: "US equity"}


def references_of(series: Mapping[str, Series], markets: Mapping[str, str]) -> dict[str, Any]:
    """The references as plain JSON values: kind of market (and ``all``) -> input -> reference.

    Args:
        series: the training set's arrays by ticker.
        markets: the kind of market of each of these tickers, as in ``History.market``.
    """
    kinds = sorted(set(markets.values()))
    groups = {kind: [series[ticker].x for ticker in series if markets[ticker] == kind] for kind in kinds}
    return {
        kind: {name: Reference.of(inputs[:, INPUT_NAMES.index(name)].astype(np.float64)).to_dict() for name in WATCHED}
        for kind, parts in {**groups, ALL: [one.x for one in series.values()]}.items()
        if len(inputs := np.concatenate(parts))
    }


def read_references(certificate: Mapping[str, Any], calendar: str) -> dict[str, Reference]:
    """The reference of each input for tickers of a calendar; empty if the certificate has none.

    It is that of the calendar's kind of market, or of all markets if the training set had none of the kind.

    Raises:
        DataContractError: the certificate's references make no sense.
    """
    by_kind = certificate.get(KEY, {})
    found = by_kind.get(_KINDS.get(calendar, "other equity"), by_kind.get(ALL, {}))
    return {name: Reference.from_dict(found[name]) for name in WATCHED if name in found}
