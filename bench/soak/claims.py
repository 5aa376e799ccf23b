"""What is stated of each measure of a soak: flat, or how much it may grow an hour. docs/soak.md shows the same limits.

A measure takes the first claim whose pattern fits it. A table without a claim is flat. Where a retention removes, the
claim holds from the hour after which as much is removed a day as is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bench.soak.trend import DAY_HOURS

WARM_UP_HOURS = 6
"""Hours that are left out: components load what they need, Postgres' caches fill."""

_ONE_A_TICKER = (
    "bar",
    "feature",
    "outcome",
    "planned_hour",
    "prediction",
    "baseline_prediction",
    "model_version",
)
_CLEANED = (
    "dag_run",
    "dag_run_note",
    "task_instance",
    "task_map",
    "rendered_task_instance_fields",
    "xcom",
    "log",
    "asset_event",
)


@dataclass(frozen=True)
class Claim:
    """``hourly`` and ``per_ticker`` (an hour) are the stated growth; ``tolerance`` an hour is what does not matter.

    ``is_kept``: a retention removes what is older, so that the growth ends after it.
    """

    pattern: str
    words: str
    hourly: float = 0.0
    per_ticker: float = 0.0
    tolerance: float = 0.0
    is_kept: bool = False

    def limit(self, ticker_count: int) -> float:
        """The stated growth an hour with so many tickers."""
        return self.hourly + self.per_ticker * ticker_count

    def settled_hour(self, retention_hours: int) -> int:
        """The first hour for which the claim holds. The maintenance removes once a day what has become too old."""
        return max(WARM_UP_HOURS, retention_hours + DAY_HOURS if self.is_kept else 0)


CLAIMS: Sequence[Claim] = (
    Claim("load", "the load of the machine is not ours to state", hourly=math.inf),
    Claim("elapsed", "not stated, as the load", hourly=math.inf),
    Claim("seconds", "not stated, since other work may share the machine", hourly=math.inf),
    Claim("CPU seconds", "an hour costs as much as before", tolerance=0.05),
    Claim("MB memory *", "memory is flat", tolerance=0.1),
    Claim("MB allocated memory *", "memory is flat", tolerance=0.1),
    Claim("descriptors *", "open files and sockets are flat", tolerance=0.05),
    Claim("processes *", "lasting processes are flat", tolerance=0.01),
    Claim("connections", "connections are flat", tolerance=0.05),
    # a forecast, its baselines, scores, features and bar stay for ever
    Claim("MB database hourcast", "forecasts, scores, features and bars stay", per_ticker=0.008),
    Claim("MB database airflow", "levels off as its rows", tolerance=0.02, is_kept=True),
    Claim("MB write-ahead log", "up to max_wal_size", tolerance=0.5),
    Claim("MB artefacts", "weights", per_ticker=0.02),
    Claim("files artefacts", "two files a shard", hourly=8.0),
    Claim("* task logs", "removed after their retention", tolerance=0.2, is_kept=True),
    Claim("* parsing logs", "removed after their retention", tolerance=0.2, is_kept=True),
    Claim("files component logs", "rotated", tolerance=0.1),
    Claim("MB component logs", "rotated at 10 MB, 4 files each", hourly=0.2),
    Claim("rows hourcast", "all tables together", hourly=20.0, per_ticker=20.0),
    Claim("rows hourcast score", "one a bar that has come, of seven that were forecast", per_ticker=7.0),
    Claim("rows hourcast backbone_choice", "one an hour", hourly=1.0),
    Claim("rows hourcast stage_run", "one a task", hourly=20.0),
    Claim("rows hourcast accuracy_*", "one a ticker, horizon and day", per_ticker=1.0),
    Claim("rows hourcast extended_close", "one a 5-minute bar of nine and a half extended hours a day", per_ticker=5.0),
    Claim("rows hourcast expected_day", "one a ticker and day", per_ticker=0.05),
    Claim("rows hourcast earnings_date", "a few a ticker and quarter", per_ticker=0.02),
    Claim("rows airflow", "all tables together", tolerance=2.0, is_kept=True),
    *(Claim(f"rows hourcast {name}", "one a ticker", per_ticker=1.0) for name in _ONE_A_TICKER),
    *(Claim(f"rows airflow {name}", "removed by `airflow db clean`", tolerance=1.0, is_kept=True) for name in _CLEANED),
    Claim("rows *", "flat", tolerance=0.02),
)


def claim_of(measure: str) -> Claim:
    """The claim about a measure.

    Raises:
        LookupError: there is none.
    """
    for claim in CLAIMS:
        if fnmatchcase(measure, claim.pattern):
            return claim
    message = f"nothing is stated about {measure!r}; add a claim to bench/soak/claims.py"
    raise LookupError(message)
