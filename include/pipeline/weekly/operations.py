"""The sections of the report about the week's operation, as HTML: incidents, data, drift, trainings. Pure functions.

Where next: ``page.py``, which puts all sections together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from include.pipeline.weekly.numbers import Row
from include.pipeline.weekly.words import (
    UNKNOWN,
    count,
    instant,
    items,
    number,
    paragraph,
    percent,
    signed,
    table,
    text,
)

Facts = Mapping[str, Sequence[Row]]

_MOST_SHIFTS: Final = 8
_KEEP: Final = "keep"
"""The operation of a day on which no other backbone was requested."""
_KINDS: Final = {"first_training": "first models", "fine_tune": "challengers' versions", "restart": "restarts"}


def incidents(facts: Facts) -> str:
    """Hours that failed, were late or never ran; reasons; weights; held tickers; lists that end."""
    sentences = [*_hours(facts), *_reasons(facts), *_weights(facts), *_held(facts), *_lists(facts)]
    return f"<h2>Incidents</h2>{items(sentences) if sentences else '<p>None was recorded.</p>'}"


def data_quality(facts: Facts) -> str:
    """Bars that were missing, late, revised or rejected in the week."""
    row = facts["quality"][0]
    due = row["expected_count"] or 0
    if not due:
        return "<h2>Data</h2><p>No bar was due.</p>"
    parts = ", ".join(
        f"{number(row[f'{name}_count'] or 0)} {word}"
        for name, word in (("missing", "missing"), ("late", "late"), ("revision", "revised"), ("rejection", "rejected"))
    )
    share = 1.0 - (row["missing_count"] or 0) / due
    return f"<h2>Data</h2><p>Of {number(due)} bars that were due, {percent(share, 2)} are stored. Counts: {parts}.</p>"


def drift(facts: Facts) -> str:
    """What the newest look for drift found."""
    rows = facts["drift"]
    if not rows:
        return "<h2>Drift</h2><p>No look for drift is stored for this time, so nothing is known about it.</p>"
    found = [row for row in rows if row["is_drifted"] or row["status"] == "shifted"]
    seen = f"The newest look was at {instant(max(row['as_of'] for row in rows))}: {count(len(rows), 'test')}, "
    if not found:
        return f"<h2>Drift</h2><p>{seen}none of which shows drift.</p>"
    shown = [_shift(row) for row in found[:_MOST_SHIFTS]]
    more = f"{len(found) - len(shown)} more are in bi.drift." if found[_MOST_SHIFTS:] else ""
    columns = ["market", "kind", "status", "reason"]
    said = f"{seen}{len(found)} of which show drift or shifted inputs."
    return f"<h2>Drift</h2>{paragraph([said, more])}{table(columns, shown)}"


def trainings(facts: Facts) -> str:
    """What was trained in the week, what was promoted, and why."""
    parts = [
        f"{_KINDS.get(row['kind'], str(row['kind']))}: {number(row['version_count'])} of "
        f"{count(row['ticker_count'], 'ticker')}, of which {number(row['promoted_count'])} may serve and "
        f"{number(row['proven_count'])} are proven better"
        for row in facts["trainings"]
    ]
    backbones = [
        [
            "shipped" if row["is_shipped"] else f"{row['as_of']:%Y-%m-%d}",
            str(row["model_version"] or "not trained")[:12],
            number(row["ticker_count"]),
            _ratio(row["crps_skill_ratio"]),
            _ratio(row["present_crps_skill_ratio"]),
            _ratio(row["scale_crps_skill_ratio"]),
            "yes" if row["is_promoted"] else "no",
            str(row["reason"] or ""),
        ]
        for row in facts["backbones"]
    ]
    columns = ["backbone", "version", "tickers", "skill", "before it", "scale alone", "serves", "reason"]
    kept = sum(row["operation"] == _KEEP for row in facts["operations"])
    steps = [
        f"{instant(row['as_of'])}, {text(row['operation'])} (by {text(row['decided_by'])}): {text(row['reason'] or '')}"
        for row in facts["operations"]
        if row["operation"] != _KEEP
    ]
    steps += [f"{count(kept, 'time')} the present backbone was kept."] if kept else []
    words = f"{text('; '.join(parts))}." if parts else "No model was trained."
    return (
        f"<h2>What was trained, and why</h2><p>{words[0].upper()}{words[1:]}</p>"
        f"{table(columns, backbones)}{items(steps) if steps else ''}"
    )


def _hours(facts: Facts) -> list[str]:
    hours, missing = facts["hours"][0], facts["missing_hours"][0]
    found = []
    if missing["hour_count"]:
        found.append(
            f"{count(missing['hour_count'], 'hour')} never ran, from {instant(missing['first_at'])} to "
            f"{instant(missing['last_at'])}."
        )
    if hours["failed_count"]:
        found.append(f"In {hours['failed_count']} of {count(hours['hour_count'], 'hour')} a ticker failed.")
    if hours["unfinished_count"]:
        found.append(f"{count(hours['unfinished_count'], 'hour')} did not finish.")
    if hours["late_count"]:
        longest = hours["longest_seconds"] / 3600
        found.append(
            f"{count(hours['late_count'], 'hour')} ended more than an hour after its instant; the longest took "
            f"{longest:,.1f} hours."
        )
    return found


def _reasons(facts: Facts) -> list[str]:
    return [
        f"{count(row['outcome_count'], 'time')} {text(row['status'])}, {count(row['ticker_count'], 'ticker')} such as "
        f"{text(row['ticker'])}, last at {instant(row['last_at'])}: {text(row['reason'] or 'no reason')}"
        for row in facts["reasons"]
    ]


def _weights(facts: Facts) -> list[str]:
    row = facts["unreadable"][0]
    if not row["version_count"]:
        return []
    return [
        f"Weights of {count(row['ticker_count'], 'ticker')} could not be read; older ones served. "
        f"{text(row['reason'] or '')}"
    ]


def _held(facts: Facts) -> list[str]:
    names = [text(row["ticker"]) for row in facts["held"]]
    return [f"A price step of {', '.join(names[:6])} is in doubt, so {len(names)} are held."] if names else []


def _lists(facts: Facts) -> list[str]:
    return [
        f"The list {text(row['name'])} ({text(row['kind'])}) "
        + (f"ends in {row['known_days']} days." if row["known_days"] >= 0 else f"ended {-row['known_days']} days ago.")
        for row in facts["lists"]
    ]


def _shift(row: Row) -> list[str]:
    name = f"{row['calendar']} (simulated)" if row["is_simulated"] else str(row["calendar"])
    return [name, str(row["kind"]), str(row["status"]), str(row["reason"] or "")]


def _ratio(value: float | None) -> str:
    return UNKNOWN if value is None else signed(float(value), float("nan"), 2)
