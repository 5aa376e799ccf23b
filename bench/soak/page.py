"""docs/soak.md: of each measure the first and last value, its slope, and what is stated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.machine import cores, processor
from bench.soak.claims import Claim, claim_of
from bench.soak.product import RETENTION_DAYS
from bench.soak.samples import Samples
from bench.soak.trend import DAY_HOURS, FLAT, GROWS, Slope, slope_of, verdict_of

CHART = "soak.svg"
_HEAD = f"""# Soak

Written by `make soak`; do not edit. It makes an installation as `make run` does, and onboards simulated tickers. Every
fourth one trades at all hours. Then it runs hour after hour in the real Airflow, as fast as they go, in one shard. The
DAG `maintenance` runs after every 24th hour, and every retention is {RETENTION_DAYS} day. What an hour leaves behind
(logs, weights, rows of Airflow) gets the time that it would have if hours lasted an hour. No task runs at the moment of
a measurement.

"""
_FOOT = f"""
![Curves]({CHART})

*From*: the first hour that counts. Before it, components load what they need, or a retention has not begun to remove.
*Slope*: growth an hour (Sen's, over pairs of hours that are whole days apart once there are two days) with its 95 %
interval. *Stated*: what it may grow by an hour. *flat* and *within*: the whole interval is below that. *open*: a part
of it is above, so more hours are needed. *GROWS*: all of it is above; the command then ends with 1. MB are 10^6 bytes.
Memory is that of a component's lasting processes, shared pages counted once; of Postgres without its shared buffers.
It takes a step when another program begins or ends that shares pages with them, such as a second installation.
*Allocated memory* leaves out files that are mapped, and so such steps.
"""


@dataclass(frozen=True)
class Judged:
    """A measure over the hours that count."""

    measure: str
    claim: Claim
    from_hour: int
    first: float
    last: float
    slope: Slope
    limit: float
    verdict: str


def judge(samples: Samples, ticker_count: int) -> list[Judged]:
    """Every measure and its verdict, in the order of the names.

    Raises:
        LookupError: nothing is stated about a measure.
    """
    found = []
    for measure, values in samples.items():
        claim = claim_of(measure)
        start = min(claim.settled_hour(RETENTION_DAYS * DAY_HOURS), max(len(values) - 1, 0))
        slope = slope_of(values[start:], is_cyclic=claim.is_kept)
        limit = claim.limit(ticker_count)
        verdict = verdict_of(slope, limit, claim.tolerance)
        found.append(Judged(measure, claim, start, values[start], values[-1], slope, limit, verdict))
    return found


def page_of(samples: Samples, ticker_count: int, minutes: float) -> str:
    """The page: a table of what grows, and of all measures but the tables that are flat."""
    judged = judge(samples, ticker_count)
    is_shown = [
        each.verdict != FLAT or not each.measure.startswith("rows ") or " " not in each.measure[5:] for each in judged
    ]
    shown = [each for each, is_one in zip(judged, is_shown, strict=True) if is_one]
    load = sorted(samples["load"])[len(samples["load"]) // 2]
    lines = [
        f"{len(samples['seconds'])} hours of {ticker_count} tickers in {minutes:.0f} minutes, on {cores()} cores "
        f"({processor()}) that other work shared (load {load:.0f} in the median).",
        f"{sum(each.verdict == GROWS for each in judged)} of {len(judged)} measures grow by more than is stated.",
        "",
        "| measure | from hour | first | last | slope an hour | stated an hour | |",
        "|---|---|---|---|---|---|---|",
        *map(_row, shown),
        "",
        f"{len(judged) - len(shown)} further tables are flat.",
    ]
    return _HEAD + "\n".join(lines) + "\n" + _FOOT


def _is_table(measure: str) -> bool:
    """Whether it is the count of one table, not of a whole database."""
    return measure.startswith("rows ") and measure.count(" ") == 2


def growing(samples: Samples, ticker_count: int) -> list[str]:
    """A sentence for each measure that grows by more than is stated."""
    return [
        f"{each.measure} grows by {each.slope.low:.3g} to {each.slope.high:.3g} an hour, and stated is {each.limit:g}"
        for each in judge(samples, ticker_count)
        if each.verdict == GROWS
    ]


def _row(each: Judged) -> str:
    slope = f"{each.slope.value:.3g} ({each.slope.low:.3g} to {each.slope.high:.3g})"
    limit = f"{each.limit:.3g}" + (f" ± {each.claim.tolerance:g}" if each.claim.tolerance else "")
    stated = f"{each.claim.words}: {limit}" if math.isfinite(each.limit) else each.claim.words
    cells: Sequence[str] = (each.measure, str(each.from_hour), f"{each.first:.4g}", f"{each.last:.4g}", slope, stated)
    return f"| {' | '.join(cells)} | {each.verdict if math.isfinite(each.limit) else ''} |"
