"""Rows of forecasts, baselines and scores as the tables store them, from rows by horizon or by method.

A stored forecast is one row for all horizons, with arrays; a stored score is one row for all methods. The views
``forecast.prediction_by_horizon``, ``baseline_by_horizon`` and ``score_by_method`` are the way back. Pure functions of
frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from include.contracts import QUANTILE_COLUMNS, require_utc
from include.errors import DataContractError
from include.store.engine import rows_of
from include.store.tables import BASELINE_PREDICTION, BASELINES, OURS, PREDICTION, SCORE, STORED_PREDICTION

Row = dict[str, Any]

INSIDE_BITS = {50: 1, 80: 2, 90: 4, 95: 8}
"""Interval in percent -> its bit in ``forecast.score.inside``; for each baseline shifted by four more."""

_SHARED = tuple(name for name in STORED_PREDICTION.values if name in PREDICTION.values)
_BY_HORIZON = ("target_at", "width_factor", "tail_width_factor", "reasons")
_HASH = re.compile("[0-9a-f]{64}")


def prediction_rows(predictions: pd.DataFrame) -> list[tuple[Any, ...]]:
    """One row in the order of STORED_PREDICTION for each (ticker, as_of) of a frame with PREDICTION_COLUMNS.

    Raises:
        DataContractError: a column is missing, horizons are not 1, 2, ..., or a value that all horizons of a forecast
            share differs between them.
    """
    found = []
    for key, rows in _forecasts(predictions, PREDICTION.columns, ("ticker", "as_of")):
        first = rows[0]
        for name in _SHARED:
            if name not in _BY_HORIZON and any(row[name] != first[name] for row in rows):
                message = f"The forecast of {_named(key)} has more than one {name}; all its horizons share one."
                raise DataContractError(message)
        stored = {name: first[name] for name in _SHARED}
        reasons = [row["reasons"] for row in rows]
        stored |= {
            "target_at": _array([row["target_at"] for row in rows]),
            "quantiles": _quantiles(rows),
            "width_factor": _array([row["width_factor"] for row in rows]),
            "tail_width_factor": _array_or_null([row["tail_width_factor"] for row in rows]),
            "model_version": _model_bytes(first["model_version"]),
            "reasons": reasons if any(reasons) else None,
        }
        found.append((*key, *(stored[name] for name in STORED_PREDICTION.values)))
    return found


def baseline_rows(baselines: pd.DataFrame) -> list[tuple[Any, ...]]:
    """One row in the order of STORED_BASELINE for each (ticker, as_of) of a frame with BASELINE_COLUMNS.

    A baseline that the frame does not have is None.

    Raises:
        DataContractError: a column is missing, a baseline is unknown, or horizons are not 1, 2, ....
    """
    found: dict[tuple[Any, ...], dict[str, str]] = {}
    for (*key, name), rows in _forecasts(baselines, BASELINE_PREDICTION.columns, ("ticker", "as_of", "baseline")):
        if name not in BASELINES:
            message = f"{name} is no baseline; those that can be stored are {', '.join(BASELINES)}."
            raise DataContractError(message)
        found.setdefault(tuple(key), {})[name] = _quantiles(rows)
    return [(*key, *(arrays.get(name) for name in BASELINES)) for key, arrays in found.items()]


def score_rows(scores: pd.DataFrame) -> list[tuple[Any, ...]]:
    """One row in the order of STORED_SCORE for each (ticker, horizon, as_of) of a frame with SCORE_COLUMNS.

    Raises:
        DataContractError: a column is missing, or a forecast's own score is.
    """
    found: dict[tuple[Any, ...], dict[str, Row]] = {}
    for values in rows_of(scores, SCORE.columns):
        row = dict(zip(SCORE.columns, values, strict=True))
        found.setdefault((row["ticker"], row["horizon"], row["as_of"]), {})[row["method"]] = row
    return [(*key, *_score_values(key, methods)) for key, methods in found.items()]


def _score_values(key: tuple[Any, ...], methods: Mapping[str, Row]) -> tuple[Any, ...]:
    if OURS not in methods:
        message = f"The forecast of {_named(key)} has scores of {', '.join(methods)}, but none of its own."
        raise DataContractError(message)
    ours = methods[OURS]
    shared = ("actual_close", "actual_known_at", "scored_as_of", "dividend_gap", "is_refresh", "pinball")
    losses = (methods.get(name, {}).get("crps") for name in BASELINES)
    inside = sum(
        bit << 4 * place
        for place, name in enumerate((OURS, *BASELINES))
        for interval, bit in INSIDE_BITS.items()
        if methods.get(name, {}).get(f"is_inside_{interval}")
    )
    return (*(ours[name] for name in shared), ours["absolute_error"], ours["crps"], *losses, inside)


def _forecasts(
    frame: pd.DataFrame, columns: Sequence[str], keys: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """Each forecast's key and its rows in the order of their horizons, which must be 1, 2, ...."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for values in rows_of(frame, columns):
        row = dict(zip(columns, values, strict=True))
        found.setdefault(tuple(row[name] for name in keys), []).append(row)
    for key, rows in found.items():
        rows.sort(key=lambda row: int(row["horizon"]))
        horizons = [int(row["horizon"]) for row in rows]
        if horizons != list(range(1, len(rows) + 1)):
            message = f"The forecast of {_named(key)} has the horizons {horizons}; they must be 1, 2, ... in full."
            raise DataContractError(message)
        yield key, rows


def _named(key: Sequence[Any]) -> str:
    return " ".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in key)


def _model_bytes(name: str | None) -> str | None:
    """A model_version as Postgres reads a bytea: see ``forecast.model_bytes``."""
    if name is None:
        return None
    return rf"\x{name if _HASH.fullmatch(name) else name.encode().hex()}"


def _quantiles(rows: Sequence[Row]) -> str:
    """The quantiles [H, Q] as Postgres reads an array."""
    return f"{{{','.join(_array([row[name] for name in QUANTILE_COLUMNS]) for row in rows)}}}"


def _array_or_null(values: Sequence[Any]) -> str | None:
    """The same for values of which some may be missing; None if all are."""
    if all(value is None for value in values):
        return None
    return f"{{{','.join('NULL' if value is None else _element(value) for value in values)}}}"


def _array(values: Sequence[Any]) -> str:
    """Numbers or times as Postgres reads an array; a float keeps every bit."""
    if any(value is None for value in values):
        message = "A forecast has a horizon without a value; its times, prices and widths must be known."
        raise DataContractError(message)
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: datetime | float) -> str:
    if isinstance(value, datetime):
        return require_utc(value, "a time to be stored").isoformat()
    return repr(float(value))
