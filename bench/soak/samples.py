"""The samples of a soak as a CSV file, one line an hour and measure, written as it goes."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

Samples = Mapping[str, Sequence[float]]
"""Measure -> its value after each hour, the first hour first."""


def append(path: Path, hour: int, measures: Mapping[str, float]) -> None:
    """Adds the measures of an hour, counted from 0."""
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows((hour, name, f"{value:.9g}") for name, value in sorted(measures.items()))


def read(path: Path) -> Samples:
    """The measures of all hours. One that is missing in an hour is 0 there: a table or a component that is not there.

    Raises:
        FileNotFoundError: there is no such file.
    """
    found: dict[str, dict[int, float]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for hour, name, value in csv.reader(file):
            found[name][int(hour)] = float(value)
    count = 1 + max((hour for values in found.values() for hour in values), default=-1)
    return {name: [values.get(hour, 0.0) for hour in range(count)] for name, values in sorted(found.items())}
