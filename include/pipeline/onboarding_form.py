"""The form of ``onboard_ticker`` as a request: names apart, and what contradicts itself refused.

Pure functions. Where next: ``onboarding.py`` for what becomes of a request.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contracts import AUTOMATIC
from include.errors import InvalidRequestError

FIELDS = ("tickers", "retire_tickers", "source", "history_days", "retrain", "rescale", "as_of")
"""The parameters of the form, as ``dags/onboard_ticker.py`` names them."""
LONGEST_HISTORY_DAYS = 7300
"""Largest number of days of history that a request may name; the form in Airflow has the same limit."""
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Request:
    """A person's request, with its instant and the id under which it is stored."""

    request_id: str
    as_of: datetime
    tickers: tuple[str, ...]
    retire_tickers: tuple[str, ...]
    source: str | None
    history_days: int | None
    is_retraining: bool
    decisions: tuple[str, ...] = ()
    """About steps in tickers' prices, as a person types them; see ``data/rescaling.py``."""
    requested_by: str | None = None
    """Airflow's user who asked; None if it is not known."""

    @classmethod
    def from_params(
        cls, request_id: str, as_of: datetime, params: Mapping[str, Any], requested_by: str | None = None
    ) -> Request:
        """The request that the parameters of a DAG run describe.

        Raises:
            InvalidRequestError: the form has no field of that name.
        """
        _refuse_unknown(params)
        return cls(
            request_id=request_id,
            as_of=as_of,
            tickers=split_names(params.get("tickers") or ()),
            retire_tickers=split_names(params.get("retire_tickers") or ()),
            source=None if params.get("source") == AUTOMATIC else params.get("source"),
            history_days=params.get("history_days"),
            is_retraining=bool(params.get("retrain")),
            decisions=tuple(text for text in params.get("rescale") or () if text.strip()),
            requested_by=requested_by,
        )

    def require_purpose(self) -> None:
        """Checks that the request asks for something, for one thing only of each ticker, and for a possible history.

        Raises:
            InvalidRequestError: it names no ticker and no decision, or a ticker both to track and to retire, or its
                days of history are none or too many.
        """
        if self.history_days is not None and not 1 <= self.history_days <= LONGEST_HISTORY_DAYS:
            message = f"{self.history_days} days of history cannot be fetched; give 1 to {LONGEST_HISTORY_DAYS}."
            raise InvalidRequestError(message)
        if not self.tickers and not self.retire_tickers and not self.decisions:
            message = "no ticker to onboard and none to retire; name at least one, for example AAPL."
            raise InvalidRequestError(message)
        retired = {name.upper() for name in self.retire_tickers}
        both = [name.upper() for name in self.tickers if name.upper() in retired]
        if both:
            names = ", ".join(dict.fromkeys(both))
            message = f"{names}: to track and to retire at once; name a ticker in one of the two boxes."
            raise InvalidRequestError(message)


def split_names(texts: Sequence[str]) -> tuple[str, ...]:
    """The names in ``texts``, in order: separated by lines, spaces, commas or semicolons; empty ones are left out."""
    return tuple(name for text in texts for name in _SEPARATORS.split(text) if name)


def _refuse_unknown(params: Mapping[str, Any]) -> None:
    for name in params:
        if name in FIELDS:
            continue
        near = difflib.get_close_matches(name, FIELDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the parameters are {', '.join(FIELDS)}."
        message = f"{name!r} is not a parameter; {hint}"
        raise InvalidRequestError(message)
