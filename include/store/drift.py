"""Looks at drift: the results of a look with the state for the next one, and the newest look.

A look that is stored is never changed, so that the looks after it go on from what they went on from. Where next:
``drift_days.py`` for what a look counts, ``pipeline/watching`` for the look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows

ALL = "all"
"""The calendar that stands for all markets together."""
OUTCOME_KINDS: Final = ("coverage", "pit", "shape", "skill")
"""The kinds of drift of the forecasts; the others are those of the bars."""


class Market(NamedTuple):
    """A market: a session calendar (or ``ALL``), simulated or not."""

    is_simulated: bool
    calendar: str


@dataclass(frozen=True)
class DriftRow:
    """The test of one kind in one market after a look; columns as in ``forecast.drift``."""

    market: Market
    kind: str
    day_count: int
    observed_ratio: float | None
    expected_ratio: float | None
    e_value: float
    is_drifted: bool
    drifted_at: datetime | None
    state: Mapping[str, Any]


@dataclass(frozen=True)
class ShiftRow:
    """The distances of one input in one market; columns as in ``forecast.input_shift``."""

    market: Market
    input: str
    row_count: int
    stability_index: float
    distance: float
    is_shifted: bool


@dataclass(frozen=True)
class Look:
    """A stored look: its instant, until when days are counted (both UTC), and the backbone in use, None for none."""

    as_of: datetime
    counted_at: datetime
    backbone_version: str | None


def find_look(connection: Connection, as_of: datetime, *, is_before: bool = False) -> Look | None:
    """The look of ``as_of`` (UTC) or, with ``is_before``, the newest one before it; None if there is none."""
    rows = fetch_rows(
        connection,
        f"""
        select as_of, counted_at, backbone_version from forecast.drift_look
        where as_of {"<" if is_before else "="} :as_of
        order by as_of desc
        limit 1
        """,  # noqa: S608  # one of two signs
        {"as_of": require_utc(as_of, "as_of")},
    )
    return Look(**rows[0]) if rows else None


def load_drift(connection: Connection, as_of: datetime) -> list[DriftRow]:
    """The results of the look of ``as_of`` (UTC), by market and kind."""
    rows = fetch_rows(
        connection,
        """
        select is_simulated, calendar, kind, day_count, observed_ratio, expected_ratio, e_value, is_drifted,
            drifted_at, state
        from forecast.drift where as_of = :as_of order by is_simulated, calendar, kind
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return [DriftRow(Market(row.pop("is_simulated"), row.pop("calendar")), **row) for row in rows]


def shifted_count(connection: Connection, as_of: datetime) -> int:
    """How many inputs the look of ``as_of`` (UTC) found shifted, added up over markets."""
    query = "select count(*) as number from forecast.input_shift where as_of = :as_of and is_shifted"
    return int(fetch_rows(connection, query, {"as_of": require_utc(as_of, "as_of")})[0]["number"])


def save_look(connection: Connection, look: Look, found: Sequence[DriftRow], shifts: Sequence[ShiftRow]) -> bool:
    """Stores a look with its results; False, and nothing is stored, if the instant has one already."""
    parameters = {
        "as_of": require_utc(look.as_of, "as_of"),
        "counted_at": require_utc(look.counted_at, "counted_at"),
        "backbone_version": look.backbone_version,
    }
    is_new = execute(
        connection,
        """
        insert into forecast.drift_look (as_of, counted_at, backbone_version)
        values (:as_of, :counted_at, :backbone_version)
        on conflict do nothing
        """,
        parameters,
    )
    if not is_new:
        return False
    _insert(connection, "drift", look.as_of, [_values(row, state=json.dumps(dict(row.state))) for row in found])
    _insert(connection, "input_shift", look.as_of, [_values(row) for row in shifts])
    return True


def tracked_tickers(connection: Connection, as_of: datetime) -> dict[Market, list[str]]:
    """The tickers that are tracked at ``as_of`` (UTC), by market, in the order of the names."""
    rows = fetch_rows(
        connection,
        """
        select is_simulated, calendar, array_agg(ticker order by ticker) as tickers
        from forecast.ticker
        where activated_as_of <= :as_of and (retired_as_of is null or retired_as_of > :as_of)
        group by is_simulated, calendar
        order by is_simulated, calendar
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return {Market(row["is_simulated"], row["calendar"]): list(row["tickers"]) for row in rows}


def _values(row: DriftRow | ShiftRow, **others: object) -> dict[str, Any]:
    found = {name: value for name, value in vars(row).items() if name != "market"}
    return {**row.market._asdict(), **found, **others}


def _insert(connection: Connection, table: str, as_of: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        columns = ["as_of", *row]
        values = ", ".join(f"cast(:{name} as jsonb)" if name == "state" else f":{name}" for name in columns)
        statement = f"insert into forecast.{table} ({', '.join(columns)}) values ({values})"  # noqa: S608  # names of this module
        execute(connection, statement, {"as_of": as_of, **row})
