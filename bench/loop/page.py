"""docs/loop.md from the record of a trial: what was done when, and how good the forecasts were in each period."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bench.loop.market import TICKERS

Json = Mapping[str, Any]

_HEAD: Final = """# The loop of drift, end to end

Written by `make loop`; do not edit. It makes an installation as `make run` does, with a real Airflow and an embedded
Postgres. Eight invented shares trade New York's sessions, from files that the source `files` reads. In the usual
regime a share of each move goes on in the next hour, which the network learns; in the other regime the same share is
taken back. The scale and the calibration know nothing of that, so a backbone that learned the wrong regime stays
wrong. The network is small (width 16, one layer, 16 bars), and hours do not fine-tune it.

Requests, trainings, judgements, reviews and rollbacks are runs of the DAGs in Airflow; `watch_models` itself starts
`pretrain_backbone`. The hours between, and the looks of quiet days, are run by the product's own functions. Hours in
which no bar closes are left out.
"""
_FOOT: Final = """
*Skill*: 1 less the CRPS of the stored forecasts over HAR's, for the next bar and for all seven, with the standard error
over days. *Day*: days since the newest change of the regime, weekends included.

A *deliberately bad* backbone learned targets in a random order. It is put in the place of the one that the request
trained: the pool of trainings has no slot for a moment, and the task `train` is marked as succeeded, as a person can do
on Airflow's page. The scores and the decision are the product's. The backbone that is *rolled back* is a good one of
the product's own, which a person asks for by the form: the regime changes on the day on which it begins to serve.
"""


def read(path: Path) -> dict[str, Any]:
    """The record that ``Record.write`` wrote."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def page_of(record: Json) -> str:
    """The page."""
    return "\n".join(
        [_HEAD, _machine(record["facts"]), "", *_periods(record), "", *_events(record), _FOOT, *_end(record)]
    )


def missing(record: Json) -> list[str]:
    """A sentence for each step of the loop that the record does not show; empty if it shows all."""
    kinds = [event["what"] for event in record["events"]]
    bad = [event for event in record["events"] if event.get("run_id") == "loop_bad" and event["what"] == "reject"]
    served = {period["name"]: period for period in record["periods"]}
    claims = {
        "the bad backbone was not rejected": bool(bad),
        "drift was not proven, or no training followed": "retrain" in kinds,
        "no new backbone was promoted after the change": kinds.count("promote") >= 2,
        "the promoted backbone was not confirmed after its two weeks": kinds.count("confirm") >= 2,
        "the skill did not come back": _is_back(served),
        "the backbone that turned bad was not rolled back": "roll back" in kinds,
        "another backbone than the one before it served after the rollback": bool(
            record["facts"].get("rolled_back_to_the_one_before")
        ),
    }
    return [sentence for sentence, is_shown in claims.items() if not is_shown]


def _is_back(served: Mapping[str, Json]) -> bool:
    """Whether the new backbone has at least half of the skill before the change, and more than without it."""
    names = ("before the change", "the four weeks before it serves", "the two weeks in which it serves")
    found = [one["ratio"] for name in names if (one := served.get(name, {}).get("one"))]
    if len(found) < len(names):
        return False
    before, wrong, after = found
    return bool(after > before / 2.0 and after > wrong)


def _machine(facts: Json) -> str:
    cost = facts.get("hour_seconds", 0.0) / max(facts.get("hours", 1), 1)
    return (
        f"{facts.get('hours', 0)} hours of {len(TICKERS)} tickers and {facts.get('watch_runs', 0)} runs of "
        f"`watch_models` in {facts.get('minutes', 0.0):.0f} minutes of the wall clock, of which "
        f"{facts.get('start_seconds', 0.0):.0f} s to start Airflow and {cost:.2f} s an hour; {facts.get('cores', '?')} "
        f"cores ({facts.get('processor', '?')}) that other work shared, seed {facts.get('seed')}, "
        f"echo {facts.get('echo')}. {facts.get('note', '')}".rstrip()
    )


def _periods(record: Json) -> list[str]:
    rows = [
        "| period | days | skill of the next bar | of all seven | inside the 90 % interval |",
        "|---|---|---|---|---|",
    ]
    for period in record["periods"]:
        one, seven = period["one"], period["seven"]
        if one and seven:
            rows.append(
                f"| {period['name']} | {one['day_count']} | {_percent(one)} | {_percent(seven)} "
                f"| {100.0 * one['coverage_90']:.1f} % |"
            )
    return rows


def _percent(skill: Json) -> str:
    return f"{100.0 * skill['ratio']:+.1f} ± {100.0 * skill['error']:.1f} %"


def _events(record: Json) -> list[str]:
    rows = ["| as of (UTC) | day | what | seconds | reason |", "|---|---|---|---|---|"]
    changed_at: datetime | None = None
    for event in sorted(record["events"], key=lambda event: datetime.fromisoformat(event["as_of"])):
        as_of = datetime.fromisoformat(event["as_of"])
        if event["what"] == "the regime changes":
            changed_at = as_of
        day = "" if changed_at is None else str((as_of - changed_at).days)
        seconds = "" if event["seconds"] is None else f"{event['seconds']:.0f}"
        reason = event.get("reason", "").replace("|", "/")
        rows.append(f"| {as_of:%Y-%m-%d %H:%M} | {day} | {event['what']} | {seconds} | {reason} |")
    return rows


def _end(record: Json) -> Sequence[str]:
    sentences = missing(record)
    return ["Not shown: " + "; ".join(sentences) + ".", ""] if sentences else []
