"""What a planted leak is, and how the detector looks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest

from tests.leaks.checks import CHECKS
from tests.leaks.hours import Planted
from tests.leaks.material import TICKERS, true_bars

TRIES = 12
"""Seeds that the detector tries before it takes a leak for none."""


@dataclass(frozen=True)
class Plant:
    """One leak: what it is in words, and the patch of the product that makes it.

    ``plant`` patches Python; ``plant_sql`` a database. Leaks ``in_store`` show only where earlier and later rows lie in
    one database, and are looked for there.
    """

    name: str
    plant: Callable[[pytest.MonkeyPatch], None] | None = None
    plant_sql: Planted | None = None
    in_store: bool = False


class StoreCheck(Protocol):
    """A check with Postgres: ``hours.Hours`` or ``closing_hours.ClosingHours``."""

    @property
    def name(self) -> str:
        """What the page calls the check."""

    def check(self, seed: int, plant: Planted | None = None) -> str | None:
        """What changes that must not, in words; None for nothing."""


@dataclass(frozen=True)
class Caught:
    """Which check found a leak, after how many random futures, and what it says."""

    check: str
    tries: int
    words: str


def look_for(plant: Plant, hours: StoreCheck | None = None, tries: int = TRIES) -> Caught | None:
    """How the detector finds a planted leak; None if it does not."""
    for ticker in TICKERS:
        true_bars(ticker)  # before the leak is there
    with pytest.MonkeyPatch.context() as patch:
        if plant.plant is not None:
            plant.plant(patch)
        for seed in range(tries):
            if plant.in_store:
                assert hours is not None
                words = hours.check(seed, plant.plant_sql)
                if words is not None:
                    return Caught(hours.name, seed + 1, words)
                continue
            for name, check in CHECKS.items():
                words = check(seed)
                if words is not None:
                    return Caught(name, seed + 1, words)
    return None
