"""A person's decision about a step in a ticker's prices: a change of scale, or a price move.

A decision counts from its ``as_of`` on: earlier hours read what they read. Where next: ``scaling.py``, which opens the
questions that a person answers here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import pandas as pd

from include.contracts import Split, require_utc
from include.errors import DataContractError, InvalidRequestError
from include.market import splits
from include.market.source import normalise_ticker
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import scale_questions as question_store
from include.store import splits as split_store
from include.store.engine import Connection, transaction
from include.store.scale_questions import STEP, ScaleQuestion

MOVE: Final = "move"
_NOTHING: Final = "decided before; nothing to do"
_FORM: Final = (
    "TICKER OPENED_AT FACTOR, as in: EZJ.L 2026-11-17T08:00Z 100. OPENED_AT is when the first bar after the step "
    "opened. FACTOR is old prices over new ones (a 4:1 split is 4), or the word `move`; add the word `unit` if the "
    "volumes stayed as they were."
)


@dataclass(frozen=True)
class Decision:
    """What the step before the bar that opens at ``opened_at`` (UTC) is.

    ``factor``: old prices over new ones, None for a price move; ``is_volume_scaled``: whether volumes changed too.
    """

    ticker: str
    opened_at: datetime
    factor: float | None
    is_volume_scaled: bool = True


def parse_decision(text: str) -> Decision:
    """A decision as a person types it into one field.

    Raises:
        InvalidRequestError: it has not the form that the message shows.
    """
    words = text.split()
    is_unit = len(words) == 4 and words[3].lower() == "unit"
    if len(words) != 3 and not is_unit:
        message = f"{text!r} is no decision about a scale; write {_FORM}"
        raise InvalidRequestError(message)
    try:
        opened_at = require_utc(datetime.fromisoformat(words[1]), "OPENED_AT")
        factor = None if words[2].lower() == MOVE else float(words[2])
    except (ValueError, DataContractError) as error:
        message = f"{text!r} is no decision about a scale ({error}); write {_FORM}"
        raise InvalidRequestError(message) from error
    return Decision(words[0], opened_at, factor, is_volume_scaled=not is_unit)


def decide(services: Services, decisions: Sequence[Decision], as_of: datetime) -> list[dict[str, Any]]:
    """Stores these decisions as of ``as_of`` (UTC), all or none; what each did. A stored one is not stored again.

    Raises:
        InvalidRequestError: there is no such ticker, bar or step, or a later hour has read the ticker.
    """
    with transaction(services.engine) as connection:
        named = [replace(decision, ticker=normalise_ticker(decision.ticker)) for decision in decisions]
        return [_decide(connection, decision, require_utc(as_of, "as_of")) for decision in named]


def _decide(connection: Connection, decision: Decision, as_of: datetime) -> dict[str, Any]:
    """Stores one decision; the answer for the person."""
    known = {
        "ticker": decision.ticker,
        "opened_at": decision.opened_at.isoformat(),
        "decision": MOVE if decision.factor is None else decision.factor,
    }
    _require_bars(connection, decision, as_of)
    changes = split_store.splits_since(connection, [decision.ticker], as_of, decision.opened_at)
    present = splits.net([split for split in changes if split.effective_at == decision.opened_at])
    if decision.factor is None:
        return known | {"result": _call_move(connection, decision, present, as_of)}
    return known | {"result": _call_scale(connection, decision, decision.factor, present, as_of)}


def _call_move(connection: Connection, decision: Decision, present: Sequence[Split], as_of: datetime) -> str:
    """Settles the step as a price move, and undoes a change of scale at it; what that did."""
    key = (decision.ticker, decision.opened_at)
    if not present and key in question_store.settled_moves(connection, [decision.ticker], as_of):
        return _NOTHING
    for split in present:
        _rescale(connection, replace(split, factor=1 / split.factor), as_of)
        undone = ScaleQuestion(*key, STEP, split.factor, {"undone": split.factor})
        question_store.open_question(connection, undone, as_of)
    if not question_store.settle(connection, *key, as_of, MOVE, "person"):
        message = (
            f"{decision.ticker}: no step at {decision.opened_at.isoformat()} is in doubt; it counts as a price move "
            "already. The view bi.event lists the open questions."
        )
        raise InvalidRequestError(message)
    return "older bars are on their old scale again" if present else "counts as a price move"


def _call_scale(
    connection: Connection, decision: Decision, factor: float, present: Sequence[Split], as_of: datetime
) -> str:
    """Moves the bars before the step to the scale after it; what that did."""
    split = Split(decision.ticker, decision.opened_at, factor, decision.is_volume_scaled)
    if split in present:
        return _NOTHING
    if present:
        message = (
            f"{decision.ticker}: the prices before {decision.opened_at.isoformat()} were divided by "
            f"{present[0].factor:g} already; undo that first with --move."
        )
        raise InvalidRequestError(message)
    if not 0 < factor < float("inf") or factor == 1:
        message = f"{decision.ticker}: {factor} is no factor; give old prices over new ones, such as 4, 0.02 or 100."
        raise InvalidRequestError(message)
    _rescale(connection, split, as_of)
    question_store.settle(connection, decision.ticker, decision.opened_at, as_of, "scale", "person")
    return "older bars rescaled"


def _require_bars(connection: Connection, decision: Decision, as_of: datetime) -> None:
    """Raises InvalidRequestError unless a bar is stored that opens at the decision's instant, and one before it."""
    opened_at = bar_store.load_bars(connection, [decision.ticker], as_of)["opened_at"]
    if not (opened_at == pd.Timestamp(decision.opened_at)).any() or opened_at.min() >= decision.opened_at:
        message = (
            f"{decision.ticker}: no stored bar opens at {decision.opened_at.isoformat()}, or none before it; give the "
            "open of the first bar after the step, in UTC. The view bi.event lists the open questions."
        )
        raise InvalidRequestError(message)


def _rescale(connection: Connection, split: Split, as_of: datetime) -> None:
    if not split_store.move_to_scale(connection, split, as_of, pd.DataFrame(), {"decided_by": "person"}):
        message = (
            f"{split.ticker}: an hour after {as_of.isoformat()} has read its bars, and what it read must not change; "
            "decide as of now."
        )
        raise InvalidRequestError(message)
