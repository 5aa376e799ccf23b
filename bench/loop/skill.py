"""The skill of the stored forecasts against HAR over a period, with its standard error over days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from include.store.engine import Engine, fetch_rows, transaction

_DAYS = """
    select (target_at at time zone 'UTC')::date as day, avg(crps)::float8 as ours, avg(har_crps)::float8 as theirs,
        avg(is_inside_90::integer)::float8 as inside
    from bi.forecast
    where target_at >= :since and target_at < :until and horizon <= :horizons
        and crps is not null and har_crps is not null and not is_fallback and not is_refresh
    group by 1 order by 1
"""


@dataclass(frozen=True)
class Skill:
    """1 less our CRPS over HAR's; its standard error over days; the coverage of the 90 % interval; the days."""

    ratio: float
    error: float
    coverage_90: float
    day_count: int

    @property
    def in_words(self) -> str:
        """The skill in percent."""
        return f"{100.0 * self.ratio:+.1f} ± {100.0 * self.error:.1f} %"


def skill_between(engine: Engine, since: datetime, until: datetime, horizons: int = 1) -> Skill | None:
    """The skill of the forecasts of bars in [since, until) (UTC), of the first ``horizons`` bars ahead.

    None with fewer than two days.
    """
    with transaction(engine) as connection:
        rows = fetch_rows(connection, _DAYS, {"since": since, "until": until, "horizons": horizons})
    return skill_of([(row["ours"], row["theirs"], row["inside"]) for row in rows])


def skill_of(days: Sequence[tuple[float, float, float]]) -> Skill | None:
    """The skill from each day's CRPS of ours and of HAR's and its share inside the 90 % interval."""
    if len(days) < 2:
        return None
    ours, theirs, inside = np.asarray(days, dtype=np.float64).T
    ratio = 1.0 - ours.mean() / theirs.mean()
    rest = theirs - ours - ratio * theirs
    error = rest.std(ddof=1) / np.sqrt(len(days)) / theirs.mean()
    return Skill(float(ratio), float(error), float(inside.mean()), len(days))
