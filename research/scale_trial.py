"""`python -m research.scale_trial FOLDER`: how well changes of scale are told from price moves, on a folder of bars.

Steps of each kind are put into random places of the bars, whose noise, ranges and volumes stay as they are. To try
price moves, the largest moves of the bars are enlarged to a clean factor, which is the hardest case: their bars are as
wide as after the smaller move. The table is that of ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from include.contracts import PRICE_COLUMNS, BarRequest
from include.market.files import FilesSource
from include.market.quality import reject_bars
from include.market.scale_steps import AFTER_BARS, PAST_BARS, Verdict, find_steps
from include.pipeline.data.histories import tickers_of

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2032, 12, 31, tzinfo=UTC)
_OPENING_HOURS = 1.5
_LARGE_MOVE = 0.1
"""Smallest log return at an opening that is enlarged to a move by a clean factor."""
WRONG = "other factor"
OUTCOMES = (Verdict.SCALE, WRONG, Verdict.UNCLEAR, Verdict.MOVE)

Excerpt = pd.DataFrame
"""Bars around a place: ``PAST_BARS`` before it, the bar at it, and ``AFTER_BARS`` after it."""


@dataclass(frozen=True)
class Kind:
    """A kind of step: the factors (old prices over new ones) to draw from, and how one is put into an excerpt."""

    name: str
    factors: tuple[float, ...]
    is_volume_scaled: bool
    is_opening: bool
    change: Callable[[Excerpt, float, bool], Excerpt]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 0."""
    parser = argparse.ArgumentParser(prog="python -m research.scale_trial", description=__doc__)
    parser.add_argument("folder", type=Path, help="Parquet or CSV files of bars, as the source `files` reads them")
    parser.add_argument("--count", type=int, default=2000, help="steps of each kind")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    bars = load_bars(chosen.folder)
    random = np.random.default_rng(chosen.seed)
    sys.stdout.write("| steps | change of scale | other factor | held | price move |\n|---|---|---|---|---|\n")
    for kind in kinds():
        sys.stdout.write(_row(kind.name, try_kind(kind, bars, chosen.count, random)) + "\n")
    found = Counter(step.verdict for ticker in bars for step in find_steps(ticker))
    count = sum(map(len, bars))
    sys.stdout.write(
        f"\nThe {count:,} bars as they are: {sum(found.values())} steps, of which {found[Verdict.MOVE]} "
        f"count as price moves, {found[Verdict.UNCLEAR]} are held, {found[Verdict.SCALE]} are changes of "
        "scale.\n"
    )
    return 0


def kinds() -> Iterator[Kind]:
    """The kinds of steps of the table, in its order."""
    small, large = (5 / 4, 4 / 3, 3 / 2), (3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0, 100.0)
    units = (100.0, 0.01, 1000.0, 0.001)
    for name, factors in (("5/4, 4/3, 3/2", small), ("2", (2.0,)), ("3 to 100", large)):
        inverses = tuple(1 / factor for factor in factors)
        yield Kind(f"splits by {name}, at an opening", factors, True, True, put_step)
        yield Kind(f"reverse splits by {name}, at an opening", inverses, True, True, put_step)
    yield Kind(
        "splits by 2 to 100 and reverse, within a session",
        (2.0, 0.5, *large, *(1 / f for f in large)),
        True,
        False,
        put_step,
    )
    yield Kind("changes of unit, at an opening", units, False, True, put_step)
    yield Kind("changes of unit, within a session", units, False, False, put_step)
    yield Kind("changes of unit, within a bar", units, False, False, put_step_within)
    yield Kind("price moves by 5/4, 4/3, 3/2 and inverses", (*small, *(1 / f for f in small)), False, True, enlarge)
    yield Kind("price moves by 2 or 1/2", (2.0, 0.5), False, True, enlarge)
    yield Kind("price moves by 4 or 1/4", (4.0, 0.25), False, True, enlarge)
    yield Kind("price moves of -40 %", (1 / 0.6,), False, True, enlarge)


def load_bars(folder: Path) -> list[pd.DataFrame]:
    """The accepted bars of each ticker of a folder."""
    source = FilesSource(folder)
    profiles, _ = source.describe(tickers_of(folder), _LATEST)
    report = source.fetch_bars([BarRequest(profile, _FIRST) for profile in profiles.values()], _LATEST)
    accepted, _ = reject_bars(report.bars, profiles, _LATEST)
    return [rows.reset_index(drop=True) for _, rows in accepted.groupby("ticker")]


def try_kind(kind: Kind, bars: Sequence[pd.DataFrame], count: int, random: np.random.Generator) -> Counter[str]:
    """How many of ``count`` steps of this kind count as each of ``OUTCOMES``; none if the bars have no place for it."""
    places = [_places(ticker, kind) for ticker in bars]
    usable = [number for number, found in enumerate(places) if len(found)]
    outcomes: Counter[str] = Counter()
    for _ in range(count if usable else 0):
        number = usable[random.integers(len(usable))]
        place = int(random.choice(places[number]))
        excerpt = bars[number].iloc[place - PAST_BARS : place + AFTER_BARS + 1].reset_index(drop=True)
        factor = kind.factors[random.integers(len(kind.factors))]
        outcomes[_outcome(kind.change(excerpt, factor, kind.is_volume_scaled), factor)] += 1
    return outcomes


def put_step(excerpt: Excerpt, factor: float, is_volume_scaled: bool) -> Excerpt:
    """A change of scale before the bar in the middle."""
    changed = excerpt.copy()
    later = changed.index >= PAST_BARS
    changed.loc[later, list(PRICE_COLUMNS)] /= factor
    if is_volume_scaled:
        changed.loc[later, "volume"] *= factor
    return changed


def put_step_within(excerpt: Excerpt, factor: float, is_volume_scaled: bool) -> Excerpt:
    """A change of scale within the bar in the middle: its open is on the old scale."""
    changed = put_step(excerpt, factor, is_volume_scaled)
    opened = excerpt["open"][PAST_BARS]
    changed.loc[PAST_BARS, "open"] = opened
    changed.loc[PAST_BARS, "high"] = max(opened, changed["high"][PAST_BARS])
    changed.loc[PAST_BARS, "low"] = min(opened, changed["low"][PAST_BARS])
    return changed


def enlarge(excerpt: Excerpt, factor: float, is_volume_scaled: bool) -> Excerpt:
    """The gap before the bar in the middle becomes a move by the factor, exactly; ranges and volumes stay."""
    gap = excerpt["open"][PAST_BARS] / excerpt["close"][PAST_BARS - 1]
    return put_step(excerpt, factor * gap, is_volume_scaled)


def _places(bars: pd.DataFrame, kind: Kind) -> np.ndarray:
    """Places of a ticker's bars at which a step of this kind may stand."""
    hours = bars["opened_at"].diff().dt.total_seconds().to_numpy() / 3600
    fits = (hours > _OPENING_HOURS) == kind.is_opening
    if kind.change is enlarge:
        fits &= np.abs(np.log(bars["close"]).diff().to_numpy()) > _LARGE_MOVE
    found = np.flatnonzero(fits)
    return found[(found >= PAST_BARS) & (found < len(bars) - AFTER_BARS)]


def _outcome(excerpt: Excerpt, factor: float) -> str:
    steps = [step for step in find_steps(excerpt) if step.opened_at == excerpt["opened_at"][PAST_BARS]]
    if not steps:
        return Verdict.MOVE
    (step,) = steps
    is_exact = abs(np.log(step.factor / factor)) < 1e-9
    return step.verdict if step.verdict is not Verdict.SCALE or is_exact else WRONG


def _row(name: str, outcomes: Counter[str]) -> str:
    total = sum(outcomes.values())
    if not total:
        return f"| {name} | no place in these bars | | | |"
    return f"| {name} | " + " | ".join(f"{100 * outcomes[outcome] / total:.1f} %" for outcome in OUTCOMES) + " |"


if __name__ == "__main__":
    sys.exit(main())
