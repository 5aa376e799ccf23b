"""Tables of refreshed forecasts: by refresh, after large moves, by half of the period, by age, other constants.

Each function returns lines of Markdown. Where next: ``night_trial.py``, which prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from include.evaluation.history import BoolArray, FloatArray
from include.evaluation.metrics import crps
from research.night.cases import Cases
from research.night.nights import REFRESHES, is_evening
from research.night.refreshing import blind, refreshed, refreshed_har, refreshed_walk, with_constants
from research.night.scores import Estimate, covered, gain, share

HORIZONS = (1, 4, 7)
LARGE_MOVE = 3.0
"""Moves of the night beyond this many times the expected size are large."""
FAR = 0.03
"""Log of the ratio of two prices of a night of which one is wrong."""
BEST = REFRESHES.index("08:35")


def priced(cases: Cases) -> Cases:
    """The cases with a believed price: those that the product refreshes."""
    return cases.where(np.isfinite(cases.move))


def by_refresh(cases: Cases, *, has_reports: bool) -> Iterator[str]:
    """Gains over the blind forecast, the random walk from the night's price and HAR; coverage; hits of direction."""
    head = ["New York", "nights (priced)", "over blind, h = 1", "4", "7", "over the random walk, h = 1", "4", "7"]
    head += ["over HAR, h = 1", "4", "7", "80 %", "90 %", "80 %, all h", "90 %, all h", "direction, h = 1"]
    yield from table_head(head)
    for number, clock in enumerate(REFRESHES):
        of_clock = cases.where(cases.refresh == number)
        chosen = priced(of_clock)
        if not len(chosen):
            continue
        quantiles = refreshed(chosen, has_reports=has_reports)
        others = (blind(chosen, has_reports=has_reports), refreshed_walk(chosen), refreshed_har(chosen))
        gains = [str(value) for other in others for value in gains_over(chosen, quantiles, other)]
        first = [covered(chosen.outcome[:, 0], quantiles[:, 0], width, chosen.day) for width in (80, 90)]
        every = [_covered_at_all(chosen, quantiles, width) for width in (80, 90)]
        counts = f"{len(chosen)} ({100 * len(chosen) / len(of_clock):.0f} %)"
        yield row([clock, counts, *gains, *first, *every, hits(chosen)])


def gains_over(cases: Cases, quantiles: FloatArray, other: FloatArray) -> list[Estimate]:
    """Gain of CRPS at each of ``HORIZONS``."""
    losses, other_losses = crps(cases.outcome, quantiles), crps(cases.outcome, other)
    return [gain(losses[:, h - 1], other_losses[:, h - 1], cases.ticker, cases.day) for h in HORIZONS]


def hits(cases: Cases) -> Estimate:
    """How often the next session's first close is on the side of the night's move."""
    moved = np.isfinite(cases.outcome[:, 0]) & (cases.move != 0.0) & (cases.outcome[:, 0] != 0.0)
    return share(np.sign(cases.move[moved]) == np.sign(cases.outcome[moved, 0]), cases.day[moved])


def after_large_moves(cases: Cases) -> Iterator[str]:
    """Coverage of the first bar after moves beyond three times the expected size, with and without reports known."""
    yield from table_head(["New York", "nights", "80 %, reports known", "90 %", "80 %, reports unknown", "90 %"])
    chosen = priced(cases)
    chosen = chosen.where(np.abs(chosen.move) > LARGE_MOVE * chosen.scale[:, 0])
    groups = [("all", np.ones(len(chosen), dtype=np.bool_))]
    groups += [(clock, chosen.refresh == number) for number, clock in enumerate(REFRESHES)]
    for name, is_of_group in groups:
        part = chosen.where(is_of_group)
        if len(part):
            shares = [
                covered(part.outcome[:, 0], refreshed(part, has_reports=known)[:, 0], width, part.day)
                for known in (True, False)
                for width in (80, 90)
            ]
            yield row([name, str(len(part)), *shares])


def by_part(cases: Cases, names: Sequence[str], parts: Sequence[BoolArray], clock: int = BEST) -> Iterator[str]:
    """Gain over the blind forecast and coverage in parts of the cases at one refresh, reports known."""
    yield from table_head([REFRESHES[clock], "nights", *(f"h = {h}" for h in HORIZONS), "80 %", "90 %"])
    for name, is_of_part in zip(names, parts, strict=True):
        part = priced(cases.where(is_of_part & (cases.refresh == clock)))
        if not len(part):
            continue
        quantiles = refreshed(part, has_reports=True)
        gains = gains_over(part, quantiles, blind(part, has_reports=True))
        shares = [covered(part.outcome[:, 0], quantiles[:, 0], width, part.day) for width in (80, 90)]
        yield row([name, str(len(part)), *gains, *shares])


def halves(cases: Cases) -> tuple[list[str], list[BoolArray]]:
    """The two halves of the days."""
    middle = np.sort(np.unique(cases.day))[len(np.unique(cases.day)) // 2]
    return ["first half", "second half"], [cases.day < middle, cases.day >= middle]


def ages(cases: Cases) -> tuple[list[str], list[BoolArray]]:
    """The cases by age of the believed price."""
    edges = (0, 10, 30, 60, 120, 600)
    names = [f"{low} to {high} minutes old" for low, high in pairwise(edges)]
    return names, [(cases.age >= low) & (cases.age < high) for low, high in pairwise(edges)]


def evening_prices(cases: Cases) -> Iterator[str]:
    """What the evening's price is worth in the morning of a night without a pre-market print."""
    yield from table_head(["no pre-market print at 08:35", "nights", *(f"h = {h}" for h in HORIZONS)])
    silent = cases.where((cases.refresh == BEST) & (cases.count == 0) & np.isfinite(cases.evening))
    moved = Cases(**{**silent.__dict__, "move": silent.evening})
    for weight in (0.5, 1.0):
        if len(moved):
            gains = gains_over(moved, with_constants(moved, weight, 1.0, 0.0), moved.model)
            yield row([f"evening's price, weight {weight}", str(len(moved)), *gains])


def report_nights(cases: Cases) -> Iterator[str]:
    """Nights of reports at each refresh, by side: the move so far, what is left, gains and coverage of the first bar.

    Moves are in units of the expected size, as mean absolute values; 0.8 is usual for a whole night.
    """
    head = ["report", "New York", "nights", "move so far", "left", "left in other nights", "over blind, h = 1"]
    yield from table_head([*head, "over refreshed without reports", "80 %", "90 %"])
    chosen = priced(cases)
    chosen = chosen.where(np.isfinite(chosen.outcome[:, 0]))
    for side, is_of_side in (("after the close", ~chosen.is_before_open), ("before the open", chosen.is_before_open)):
        for number, clock in enumerate(REFRESHES):
            usual = chosen.where(np.asarray((chosen.refresh == number) & ~chosen.is_report[:, 0]))
            part = chosen.where(np.asarray((chosen.refresh == number) & chosen.is_report[:, 0] & is_of_side))
            if not len(part):
                continue
            quantiles = refreshed(part, has_reports=True)
            first = gains_over(part, quantiles, blind(part, has_reports=True))[0]
            second = gains_over(part, quantiles, refreshed(part, has_reports=False))[0]
            shares = [covered(part.outcome[:, 0], quantiles[:, 0], width, part.day) for width in (80, 90)]
            sizes = [f"{value:.2f}" for value in (_size(part.move, part), _left(part), _left(usual))]
            yield row([side, clock, str(len(part)), *sizes, first, second, *shares])


def _left(cases: Cases) -> float:
    return _size(cases.outcome[:, 0] - cases.move, cases)


def _size(moves: FloatArray, cases: Cases) -> float:
    """Mean absolute move in units of the expected size."""
    return float(np.mean(np.abs(moves) / cases.scale[:, 0]))


def single_prints(cases: Cases, newest: Cases) -> Iterator[str]:
    """What the median is worth against the newest close alone (``newest``: the same cases with that price)."""
    yield from table_head(["New York", "nights", "apart by over 3 %", "median over the newest close, h = 1"])
    for number, clock in enumerate(REFRESHES):
        is_chosen = (cases.refresh == number) & np.isfinite(cases.move)
        part, other = cases.where(is_chosen), newest.where(is_chosen)
        if len(part):
            apart = int((np.abs(part.move - other.move) > FAR).sum())
            yield row(
                [clock, str(len(part)), str(apart), gains_over(part, refreshed(part), refreshed(other))[0].precise]
            )


def other_constants(cases: Cases) -> Iterator[str]:
    """Gain over the blind forecast one bar ahead and coverage with other constants, nights without a report."""
    yield from table_head(["New York", "weight", "width left", "gain of the move", "h = 1", "h = 7", "80 %", "90 %"])
    chosen = priced(cases)
    chosen = chosen.where(np.asarray(~chosen.is_report.any(axis=1)))
    for number, clock in enumerate(REFRESHES):
        part = chosen.where(chosen.refresh == number)
        if not len(part):
            continue
        weights = (0.6, 0.8, 1.0) if is_evening(clock) else (0.8, 1.0)
        grid = [(weight, 0.85, 0.4) for weight in weights]
        grid += [(weights[-1], left, 0.4) for left in (0.7, 0.75, 0.8, 0.9, 0.95, 1.0)]
        grid += [(weights[-1], 0.85, move_gain) for move_gain in (0.0, 0.2, 0.6)]
        for weight, left, move_gain in grid:
            quantiles = with_constants(part, weight, left, move_gain)
            gains = gains_over(part, quantiles, part.model)
            shares = [covered(part.outcome[:, 0], quantiles[:, 0], width, part.day) for width in (80, 90)]
            yield row([clock, str(weight), str(left), str(move_gain), gains[0], gains[-1], *shares])


def table_head(names: Sequence[str]) -> Iterator[str]:
    """The first two lines of a table."""
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)


def row(cells: Sequence[object]) -> str:
    """A line of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _covered_at_all(cases: Cases, quantiles: FloatArray, width: int) -> Estimate:
    """Coverage over all horizons."""
    horizons = cases.outcome.shape[1]
    outcomes, flat = cases.outcome.reshape(-1), quantiles.reshape(-1, quantiles.shape[-1])
    return covered(outcomes, flat, width, np.repeat(cases.day, horizons))
