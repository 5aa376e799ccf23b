"""Sentences for a terminal about what became of tickers and why: pure functions.

Where next: ``include/local/forecasts`` reads the reasons from Postgres, ``include/local/status`` prints the sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

_VERBS = {  # of one ticker, of several
    "failed": ("has failed", "have failed"),
    "fallback": ("has a fallback forecast", "have a fallback forecast"),
    "past": ("has a forecast of past bars only", "have forecasts of past bars only"),
    "pending": ("is pending (every hour tries again)", "are pending (every hour tries again)"),
    "rejected": ("was rejected", "were rejected"),
    "skipped": ("was skipped", "were skipped"),
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00:00|Z)")


@dataclass(frozen=True)
class Finding:
    """What became of one ticker: a status (of a ticker or of its hour), and why, where there is a reason."""

    ticker: str
    status: str
    reason: str | None = None


def describe_findings(findings: Iterable[Finding]) -> list[str]:
    """One sentence, without a full stop, for all tickers with the same status and reason; in the order of the first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        groups.setdefault((finding.status, _readable(finding)), []).append(finding.ticker)
    return [_sentence(tickers, status, reason) for (status, reason), tickers in groups.items()]


def format_instant(at: datetime) -> str:
    """An instant for people, in UTC: "Sat 28 Nov 01:35 UTC"."""
    return at.astimezone(UTC).strftime("%a %d %b %H:%M UTC")


def _sentence(tickers: list[str], status: str, reason: str) -> str:
    one, several = _VERBS.get(status, (f"is {status}", f"are {status}"))
    return f"{', '.join(tickers)} {one if len(tickers) == 1 else several}{f': {reason}' if reason else ''}"


def _readable(finding: Finding) -> str:
    """The reason without the ticker, which the sentence names, and with its instants in the form for people."""
    text = (finding.reason or "").replace(f"{finding.ticker}: ", "").strip().rstrip(".")
    return _INSTANT.sub(lambda found: format_instant(datetime.fromisoformat(found[0])), text)
