"""When an hour is due, and how the newest one ended, as text for a terminal: pure functions.

Where next: ``include/local/forecasts`` reads the newest hour from Postgres.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.local.reasons import Finding, describe_findings, format_instant


@dataclass(frozen=True)
class Hour:
    """One hour's instant in UTC, and what became of its tickers; ``is_finished`` when each has an outcome.

    A finding's status is the outcome's, or the stage that a ticker without an outcome has reached.
    """

    as_of: datetime
    findings: tuple[Finding, ...]
    is_finished: bool


def last_tick(at: datetime, minute: int) -> datetime:
    """The newest instant not after ``at`` at which an hour is due: minute ``minute`` of an hour, UTC."""
    tick = at.replace(minute=minute, second=0, microsecond=0)
    return tick if tick <= at else tick - timedelta(hours=1)


def hour_fields(newest: Hour | None, at: datetime, minute: int) -> list[tuple[str, str]]:
    """Labels and texts about the newest hour and the next one; ``at`` is now, ``minute`` that of the schedule."""
    due_at = last_tick(at, minute)
    is_missing = newest is None or newest.as_of < due_at
    next_text = format_instant(due_at + timedelta(hours=1))
    if is_missing:
        next_text = f"{format_instant(due_at)} is due and has no outcome yet; then {next_text}"
    if newest is None:
        return [("Hour", "none so far"), ("Next", next_text)]
    verb = "is the newest" if newest.is_finished else "is the newest and still runs"
    reasons = [("", sentence) for sentence in describe_exceptions(newest)]
    counts = count_statuses(finding.status for finding in newest.findings)
    return [("Hour", f"{format_instant(newest.as_of)} {verb}: {counts}"), *reasons, ("Next", next_text)]


def describe_exceptions(hour: Hour) -> list[str]:
    """A sentence for the tickers of the hour that were skipped, failed or have a fallback forecast, by reason."""
    return describe_findings(finding for finding in hour.findings if finding.reason)


def count_statuses(statuses: Iterable[str]) -> str:
    """How often each occurs, the most frequent first: "3 skipped, 2 forecast"; empty where there is none."""
    counts = sorted(Counter(statuses).items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {name}" for name, count in counts)
