"""Checks of what the pipeline did: overdue, missing and failed hours, tickers that wait, Yahoo, hours of the future."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from include.local.doctor.installation import Installation
from include.local.doctor.problem import Problem
from include.local.reasons import Finding, describe_findings, format_instant
from include.store.engine import fetch_rows
from include.store.reader import Engine, reading

_MANY_NAMES = re.compile(r"^((?:\S+, ){5})((?:\S+, )+)\S+ ")
_OVERDUE = timedelta(minutes=100)
"""An hour is due every hour; a slow machine needs some minutes for it."""
_UNFINISHED = timedelta(minutes=75)
_RECENT = timedelta(hours=24)
_LONGEST = {"pending": timedelta(days=1), "backfilling": timedelta(hours=2), "training": timedelta(hours=2)}
_HELD = timedelta(days=3)
_AHEAD = timedelta(minutes=5)

_TRACKED = (
    "select count(*) as ticker_count from forecast.ticker where activated_as_of is not null and retired_as_of is null"
)
_NEWEST = "select max(as_of) as as_of from forecast.planned_hour"
_MISSING = """
select as_of
from bi.missing_hour
where next_as_of is not null and as_of > :since and as_of < now()
order by as_of
"""
_FAILED = """
select outcome.as_of, outcome.ticker, outcome.status, outcome.stage, outcome.reason
from bi.hour_outcome as outcome
where outcome.as_of > :since and outcome.status in ('failed', 'planned')
    and (
        outcome.source <> 'yahoo' or outcome.stage <> 'planned' or outcome.status = 'planned'
        or exists (
            select from bi.hour_outcome as other
            where other.as_of = outcome.as_of and other.source = 'yahoo' and other.stage <> 'planned'
        )
    )
order by outcome.as_of desc, outcome.ticker
limit 200
"""
"""Without an hour in which Yahoo could not be reached at all: ``check_yahoo`` names that once."""
_TICKERS = """
select ticker, status, status_reason, status_at
from bi.ticker_status
order by ticker
"""
_HELD_TICKERS = """
select ticker, min(known_at) as since
from bi.event
where is_open and known_at < :before
group by ticker
order by ticker
"""
_YAHOO = """
select
    count(*) filter (where status = 'failed' and stage = 'planned') as failed_count,
    count(*) filter (where stage <> 'planned') as fetched_count,
    max(reason) filter (where status = 'failed' and stage = 'planned') as reason
from bi.hour_outcome
where source = 'yahoo' and as_of = (select max(as_of) from bi.hour_outcome where source = 'yahoo')
"""
_YAHOO_BAR = "select max(last_bar_closed_at) as at from bi.ticker_status where source = 'yahoo'"
_BLOCKED = """
select reopens_at
from forecast.request_budget
where source = 'yahoo' and reopens_at > now() + interval '1 minute'
"""
_CLEAR = "Clear the failed tasks of that run in Airflow; its note says what failed."


def check_hours(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the newest hour is overdue or lies in the future, and whether recent hours are missing or failed."""
    now = found.now()
    with reading(engine) as connection:
        (tracked,) = fetch_rows(connection, _TRACKED)
        (newest,) = fetch_rows(connection, _NEWEST)
        missing = [row["as_of"] for row in fetch_rows(connection, _MISSING, {"since": now - 2 * _RECENT})]
        bad = fetch_rows(connection, _FAILED, {"since": now - _RECENT})
    as_of = newest["as_of"]
    if as_of is not None and as_of > now + _AHEAD:
        yield Problem(
            "clock-back",
            f"The newest hour is of {format_instant(as_of)}, which is still ahead: the clock was put back.",
            "Set the clock. If it is right, the hours until then are made again when their time comes.",
        )
    elif tracked["ticker_count"] and (as_of is None or now - as_of > _OVERDUE):
        last = "no hour has run" if as_of is None else f"the newest hour is of {format_instant(as_of)}"
        yield Problem(
            "hour-overdue",
            f"An hour is overdue: {last}.",
            "See that Airflow runs (`make status`) and that the DAG hourly_forecast is not paused.",
        )
    if missing:
        yield Problem(
            "hour-missing",
            f"{len(missing)} hours of the last two days never ran, the first of {format_instant(missing[0])}.",
            "Nothing that followed is wrong. A backfill makes their forecasts: see docs/operations.md.",
        )
    yield from _failed_hours(found, bad)


def _failed_hours(found: Installation, rows: list[dict[str, Any]]) -> Iterator[Problem]:
    """A problem for the newest hour with tickers that failed, and one for the newest that never finished."""
    failed = [row for row in rows if row["status"] == "failed"]
    behind = [row for row in rows if row["status"] == "planned" and found.now() - row["as_of"] > _UNFINISHED]
    for code, group in (("hour-failed", failed), ("hour-unfinished", behind)):
        if group:
            as_of = group[0]["as_of"]
            word = "failed" if code == "hour-failed" else "unfinished"
            findings = [Finding(row["ticker"], word, row["reason"]) for row in group if row["as_of"] == as_of]
            text = f"The hour of {format_instant(as_of)}: {'; '.join(_sentences(findings)[:3])}."
            yield Problem(code, text, _CLEAR)


def _sentences(findings: list[Finding]) -> list[str]:
    """As ``describe_findings``, with at most six names in a sentence."""
    return [
        _MANY_NAMES.sub(lambda found: f"{found[1].rstrip(', ')} and {found[2].count(',') + 1} more ", sentence)
        for sentence in describe_findings(findings)
    ]


def check_tickers(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether tickers wait for too long, have failed, are stale, or are held by an open question about their scale."""
    now = found.now()
    with reading(engine) as connection:
        tickers = fetch_rows(connection, _TICKERS)
        held = fetch_rows(connection, _HELD_TICKERS, {"before": now - _HELD})
    waiting = [row for row in tickers if now - row["status_at"] > _LONGEST.get(row["status"], timedelta.max)]
    lost = [row for row in tickers if row["status"] in {"failed", "stale"}]
    advice = {
        "ticker-waiting": "Read the note of its run of onboard_ticker, and trigger it again, or retire the ticker.",
        "ticker-lost": "If its source has no more bars, retire the ticker; else see bi.ticker_status.",
    }
    for code, rows in (("ticker-waiting", waiting), ("ticker-lost", lost)):
        for sentence in _sentences([Finding(row["ticker"], row["status"], row["status_reason"]) for row in rows]):
            yield Problem(code, f"{sentence}.", advice[code])
    if held:
        names = ", ".join(row["ticker"] for row in held)
        yield Problem(
            "ticker-held",
            f"A price step of {names} has been in doubt since {format_instant(held[0]['since'])}.",
            "Decide it with `include.cli rescale`, as docs/operations.md describes; bi.event has the evidence.",
        )


def check_yahoo(_found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the newest hour could fetch from Yahoo, and whether Yahoo refuses requests now."""
    with reading(engine) as connection:
        (hour,) = fetch_rows(connection, _YAHOO)
        (newest,) = fetch_rows(connection, _YAHOO_BAR)
        blocked = fetch_rows(connection, _BLOCKED)
    if hour["failed_count"] and not hour["fetched_count"]:
        since = "it never responded" if newest["at"] is None else f"its newest bar is of {format_instant(newest['at'])}"
        yield Problem(
            "yahoo",
            f"The newest hour could fetch nothing from Yahoo, and {since}: {hour['reason']}",
            "Check the network and HTTPS_PROXY. The next hours try again by themselves and lose nothing.",
        )
    if blocked:
        yield Problem(
            "yahoo-limit",
            f"Yahoo refuses requests until {format_instant(blocked[0]['reopens_at'])}: its rate limit was reached.",
            "Wait. If it happens again, set HOURCAST_YAHOO_REQUESTS_PER_SECOND lower.",
        )
