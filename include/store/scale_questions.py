"""Places in a ticker's bars where the price scale is in doubt, point in time: open from ``known_at`` until settled.

The table is in ``sql/migrations/0014_scale_changes.sql``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows

STEP: Final = "step"
"""The price steps by about a clean factor: a change of scale, or a price move."""
SHIFT: Final = "shift"
"""Newer bars were read again with other prices; the bars before them were not read again."""


@dataclass(frozen=True)
class ScaleQuestion:
    """A doubt about the scale at the bar that opens at ``opened_at`` (UTC).

    ``factor``: of the change of scale that it may be, old prices over new ones; ``evidence``: JSON values.
    """

    ticker: str
    opened_at: datetime
    kind: str
    factor: float
    evidence: dict[str, Any]

    @property
    def is_volume_scaled(self) -> bool:
        """Whether the change of scale would change the volumes too; False for a change of unit."""
        return bool(self.evidence.get("is_volume_scaled", True))


def open_question(connection: Connection, question: ScaleQuestion, known_at: datetime) -> bool:
    """Stores a question that became known at ``known_at`` (UTC); False if there is one at this place already.

    An hour that is caught up on may find a question earlier than a later hour did: then it is known earlier.
    """
    changed = execute(
        connection,
        """
        insert into forecast.scale_question as stored (ticker, opened_at, kind, known_at, factor, evidence)
        values (:ticker, :opened_at, :kind, :known_at, :factor, cast(:evidence as jsonb))
        on conflict (ticker, opened_at) do update
        set known_at = excluded.known_at, factor = excluded.factor, evidence = excluded.evidence
        where excluded.known_at < stored.known_at
        """,
        {
            **vars(question),
            "evidence": json.dumps(question.evidence),
            "known_at": require_utc(known_at, "known_at"),
        },
    )
    return changed > 0


def settle(
    connection: Connection, ticker: str, opened_at: datetime, settled_at: datetime, settlement: str, settled_by: str
) -> bool:
    """Settles an open question as of ``settled_at`` (UTC); False if none is open at this place then."""
    changed = execute(
        connection,
        """
        update forecast.scale_question
        set settled_at = :settled_at, settlement = :settlement, settled_by = :settled_by
        where ticker = :ticker and opened_at = :opened_at and known_at <= :settled_at
            and (settled_at is null or settled_at > :settled_at)
        """,
        {
            "ticker": ticker,
            "opened_at": require_utc(opened_at, "opened_at"),
            "settled_at": require_utc(settled_at, "settled_at"),
            "settlement": settlement,
            "settled_by": settled_by,
        },
    )
    return changed > 0


def open_questions(
    connection: Connection, tickers: Sequence[str], as_of: datetime, kind: str | None = None
) -> list[ScaleQuestion]:
    """The questions that are open at ``as_of`` (UTC), of one kind or of both, by ticker and time."""
    rows = fetch_rows(
        connection,
        """
        select ticker, opened_at, kind, factor, evidence from forecast.scale_question
        where ticker = any(cast(:tickers as text[])) and (cast(:kind as text) is null or kind = :kind)
            and known_at <= :as_of and (settled_at is null or settled_at > :as_of)
        order by ticker, opened_at
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of"), "kind": kind},
    )
    return [ScaleQuestion(**row) for row in rows]


def settled_moves(connection: Connection, tickers: Sequence[str], as_of: datetime) -> set[tuple[str, datetime]]:
    """(ticker, opened_at) of the steps that were settled as price moves by ``as_of`` (UTC)."""
    rows = fetch_rows(
        connection,
        """
        select ticker, opened_at from forecast.scale_question
        where ticker = any(cast(:tickers as text[])) and settlement = 'move' and settled_at <= :as_of
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return {(row["ticker"], row["opened_at"]) for row in rows}
