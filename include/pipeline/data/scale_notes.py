"""What people read of a ticker's price scale: why it is held, and what an hour found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from include.store import scale_questions as question_store
from include.store import splits as split_store
from include.store.engine import Connection
from include.store.scale_questions import SHIFT, STEP


def held(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, str]:
    """By ticker, why it is held at ``as_of``, and how a person ends it; tickers without an open step are absent."""
    found = {}
    for question in question_store.open_questions(connection, tickers, as_of, STEP):
        at, factor = question.opened_at, repr(question.factor)  # every digit: a person types it as it stands
        unit = "" if question.is_volume_scaled else " --unit"
        found[question.ticker] = (
            f"held: the price changed by {1 / question.factor - 1:+.0%} before the bar of {at:%Y-%m-%d %H:%M} UTC; a "
            f"change of scale by {question.factor:g} is about as likely as a price move. Decide with: "
            f"python -m include.cli rescale {question.ticker} --opened-at {at:%Y-%m-%dT%H:%MZ} "
            f"--factor {factor}{unit} (or --move)"
        )
    return found


def notes(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, str]:
    """By ticker, a sentence for the outcome of the hour ``as_of``: what it found of the ticker's scale."""
    found = {}
    for question in question_store.open_questions(connection, tickers, as_of, SHIFT):
        found[question.ticker] = (
            f"bars from {question.opened_at:%Y-%m-%d %H:%M} UTC on were read again with prices that differ by "
            f"{1 / question.factor - 1:+.2%}; the bars before them are requested again"
        )
    for change in split_store.unannounced_at(connection, tickers, as_of):
        split = change.split
        found[split.ticker] = (
            f"prices before {split.effective_at:%Y-%m-%d %H:%M} UTC were divided by {split.factor:g}: a change of "
            "scale that the source did not announce"
        )
    return found
