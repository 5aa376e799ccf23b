"""Scheduled announcements that move every market, and when they are published.

The Federal Reserve fixes its meetings more than a year ahead. The US Bureau of Labor Statistics fixes its releases in
the autumn before. A release that a government shutdown postponed is listed on its new day, which was published days
before. So the announcement of a bar is known in advance, like its slot. After the last date of a list no announcement
is expected, and forecasts are made as without the list. Add next year's dates when they are published
(federalreserve.gov/monetarypolicy/fomccalendars.htm, bls.gov/schedule). The effect on prices is in
``features/scale.py``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import Announcement
from include.market.grid import HOUR, MINUTE, Micros

RATE_DECISIONS: Final = """
    2022-01-26 2022-03-16 2022-05-04 2022-06-15 2022-07-27 2022-09-21 2022-11-02 2022-12-14
    2023-02-01 2023-03-22 2023-05-03 2023-06-14 2023-07-26 2023-09-20 2023-11-01 2023-12-13
    2024-01-31 2024-03-20 2024-05-01 2024-06-12 2024-07-31 2024-09-18 2024-11-07 2024-12-18
    2025-01-29 2025-03-19 2025-05-07 2025-06-18 2025-07-30 2025-09-17 2025-10-29 2025-12-10
    2026-01-28 2026-03-18 2026-04-29 2026-06-17 2026-07-29 2026-09-16 2026-10-28 2026-12-09
    2027-01-27 2027-03-17 2027-04-28 2027-06-09 2027-07-28 2027-09-15 2027-10-27 2027-12-08 2028-01-26
"""
"""Days on which the Federal Open Market Committee's scheduled meetings end, New York."""

CONSUMER_PRICES: Final = """
    2022-01-12 2022-02-10 2022-03-10 2022-04-12 2022-05-11 2022-06-10
    2022-07-13 2022-08-10 2022-09-13 2022-10-13 2022-11-10 2022-12-13
    2023-01-12 2023-02-14 2023-03-14 2023-04-12 2023-05-10 2023-06-13
    2023-07-12 2023-08-10 2023-09-13 2023-10-12 2023-11-14 2023-12-12
    2024-01-11 2024-02-13 2024-03-12 2024-04-10 2024-05-15 2024-06-12
    2024-07-11 2024-08-14 2024-09-11 2024-10-10 2024-11-13 2024-12-11
    2025-01-15 2025-02-12 2025-03-12 2025-04-10 2025-05-13 2025-06-11
    2025-07-15 2025-08-12 2025-09-11 2025-10-24 2025-12-18
    2026-01-13 2026-02-13 2026-03-11 2026-04-10 2026-05-12 2026-06-10
    2026-07-14 2026-08-12 2026-09-11 2026-10-14 2026-11-10 2026-12-10
"""
"""Days on which the US consumer price index is published, New York."""

EMPLOYMENT: Final = """
    2022-01-07 2022-02-04 2022-03-04 2022-04-01 2022-05-06 2022-06-03
    2022-07-08 2022-08-05 2022-09-02 2022-10-07 2022-11-04 2022-12-02
    2023-01-06 2023-02-03 2023-03-10 2023-04-07 2023-05-05 2023-06-02
    2023-07-07 2023-08-04 2023-09-01 2023-10-06 2023-11-03 2023-12-08
    2024-01-05 2024-02-02 2024-03-08 2024-04-05 2024-05-03 2024-06-07
    2024-07-05 2024-08-02 2024-09-06 2024-10-04 2024-11-01 2024-12-06
    2025-01-10 2025-02-07 2025-03-07 2025-04-04 2025-05-02 2025-06-06
    2025-07-03 2025-08-01 2025-09-05 2025-11-20 2025-12-16
    2026-01-09 2026-02-11 2026-03-06 2026-04-03 2026-05-08 2026-06-05
    2026-07-02 2026-08-07 2026-09-04 2026-10-02 2026-11-06 2026-12-04
"""
"""Days on which the US employment report is published, New York."""

DECISION_AT: Final = "14:00"
FIGURES_AT: Final = "08:30"

DECISION_MINUTES: Final = 31
"""From the decision at 14:00 until the press conference has begun at 14:30."""

AFTERMATH_MINUTES: Final = 120
"""From the decision until New York's session ends."""

LONGEST_BAR: Final = HOUR
"""A stretch longer than this contains a night, and is never an aftermath."""


def announced(earlier: Micros, later: Micros) -> npt.NDArray[np.int64]:
    """The ``Announcement`` due in each stretch from ``earlier`` up to ``later``, end excluded.

    Of several the decision counts, then the figures. Instants are microseconds since 1970, UTC; any shape. A stretch
    goes from one bar's close to the next one's, so that announcements of a night belong to the session's first bar.
    """
    decisions, figures = _instants(RATE_DECISIONS, DECISION_AT), _figures()
    is_bar = later - earlier <= LONGEST_BAR
    is_aftermath = is_bar & _overlaps(earlier, later, decisions, AFTERMATH_MINUTES)
    kinds = np.where(is_aftermath, Announcement.AFTERMATH, Announcement.NONE)
    kinds = np.where(_overlaps(earlier, later, figures, 0), Announcement.FIGURES, kinds)
    kinds = np.where(_overlaps(earlier, later, decisions, DECISION_MINUTES), Announcement.DECISION, kinds)
    return np.asarray(kinds, dtype=np.int64)


def _overlaps(earlier: Micros, later: Micros, starts: Micros, minutes: int) -> npt.NDArray[np.bool_]:
    """Whether a span of so many minutes from one of ``starts`` overlaps [earlier, later)."""
    begun = np.searchsorted(starts, later, side="left")
    ended = np.searchsorted(starts + max(minutes * MINUTE, 1), earlier, side="right")
    return np.asarray(begun > ended, dtype=np.bool_)


def _figures() -> Micros:
    return np.sort(np.concatenate([_instants(days, FIGURES_AT) for days in (CONSUMER_PRICES, EMPLOYMENT)]))


@lru_cache(maxsize=8)
def _instants(days: str, clock: str) -> Micros:
    """The instants at which New York's clocks show ``clock`` on these days."""
    local = pd.DatetimeIndex([f"{day} {clock}" for day in days.split()]).tz_localize("America/New_York")
    return local.as_unit("us").asi8.copy()
