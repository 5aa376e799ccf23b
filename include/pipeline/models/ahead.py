"""What is known of the bars ahead of a forecast beside the past bars, and the reasons that people read.

Reports and announcements are known by their day, the night's price by its prints, the present volatility by the last
session's ranges. A report makes the bar that spans it wider; the night's price moves the forecast and leaves less of
the night. Announcements and volatility are in the scale already: here they are only reasons. Where next:
``model/events.py`` and ``model/night.py`` for the arithmetic, ``anchors.py`` for the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from include.contracts import HORIZON_COUNT, TickerProfile
from include.evaluation.history import History
from include.evaluation.volatility import seasonal_shape
from include.market.announcements import describe_announcements
from include.model.events import report_width, widen, width_left
from include.model.night import Night, first_bar_shares, refresh, refreshed_baseline
from include.pipeline.data.nights import NightPrice
from include.pipeline.data.reports import ReportNight

Array = NDArray[np.float64]
Reason = dict[str, str | float]
"""``kind``, ``text`` for people, and the numbers behind it: ``width``, ``move`` (log return) or ``ratio``."""

MONTH_SESSIONS = 20
"""Sessions that the last session's ranges are compared with."""
NOTABLE_VOLATILITY = 1.5
"""Ratio of the last session's mean range to the month's from which on it is a reason."""


@dataclass(frozen=True)
class Ahead:
    """What is known of the H bars ahead.

    ``bar_variance`` [H]: usual variance of each bar, in a common unit; ``widths`` [H]: how many times as wide each bar
    is, 1 without a report. ``night``: the night's price as the model takes it, None without one; ``price`` and
    ``priced_at`` (UTC): the price itself. ``passed_count``: bars ahead whose end is before the night; one on half days
    whose last bar the feed does not serve, else 0. ``reasons``: by horizon.
    """

    bar_variance: Array
    widths: Array
    reasons: Sequence[Sequence[Reason]]
    night: Night | None = None
    price: float | None = None
    priced_at: datetime | None = None
    passed_count: int = 0

    @property
    def is_refresh(self) -> bool:
        """Whether the forecast starts from a price of the night."""
        return self.night is not None

    def applied(self, quantiles: Array, scale: Array) -> Array:
        """A model's calibrated quantiles [H, Q] with reports and the night; ``scale`` [H] of the log returns."""
        widened = widen(quantiles, self.bar_variance, self.widths)
        if self.night is None:
            return widened
        expected = float(scale[self.passed_count] * self.widths[self.passed_count])
        shares = first_bar_shares(self.bar_variance * self.widths**2, self.passed_count)
        return self._at_night(widened, refresh(widened, expected, shares, self.night))

    def applied_to_har(self, quantiles: Array) -> Array:
        """HAR's quantiles [H, Q] at the same location, with the remaining scale; it knows no reports."""
        if self.night is None:
            return quantiles
        shares = first_bar_shares(self.bar_variance, self.passed_count)
        return self._at_night(quantiles, refreshed_baseline(quantiles, shares, self.night))

    def applied_to_walk(self, quantiles: Array) -> Array:
        """The random walk's quantiles [H, Q], from the night's price where there is one."""
        if self.night is None:
            return quantiles
        return self._at_night(quantiles, np.asarray(quantiles + self.night.move, dtype=np.float64))

    def _at_night(self, quantiles: Array, refreshed: Array) -> Array:
        """The refreshed quantiles of the bars that end after the night begins, the others of those that have passed."""
        has_passed = np.arange(len(quantiles))[:, np.newaxis] < self.passed_count
        return np.asarray(np.where(has_passed, quantiles, refreshed), dtype=np.float64)


def look_ahead(
    profile: TickerProfile,
    history: History,
    targets: Sequence[datetime],
    as_of: datetime,
    reports: Sequence[ReportNight] = (),
    price: NightPrice | None = None,
) -> Ahead:
    """What is known at ``as_of`` of the bars that close at ``targets``, after the newest bar of ``history``."""
    shape = seasonal_shape(np.abs(history.log_return), history, history.closed_at[-1])
    starts = [_utc(history.closed_at[-1]), *targets[:-1]]
    by_bar: list[list[Reason]] = [[] for _ in targets]
    widths = np.ones(HORIZON_COUNT)
    for report, place, usual in reported_bars(reports, starts, targets):
        width = usual
        if price is not None and report.opens_at == price.night.opens_at:
            night = price.night
            width = width_left(width, report.timing, night.clock_minutes, is_evening=night.is_evening)
        widths[place] = max(widths[place], width)
        by_bar[place].append({"kind": "report", "text": report.text, "width": width})
    for place, (start, end) in enumerate(zip(starts, targets, strict=True)):
        by_bar[place] += [{"kind": "announcement", "text": text} for text in describe_announcements(start, end)]
    always = [*_night_reasons(profile, history, price), *_volatility_reasons(history)]
    reasons = [[*always, *(reason for bar in by_bar[: place + 1] for reason in bar)] for place in range(len(targets))]
    variance = np.asarray(shape[history.next_key[-1]] ** 2, dtype=np.float64)
    if price is None:
        return Ahead(variance, widths, reasons)
    believed = price.believed
    night_state = Night(
        move=float(np.log(believed.price / history.close[-1])),
        clock_minutes=price.night.clock_minutes,
        is_evening=price.night.is_evening,
        age_minutes=(as_of - believed.priced_at).total_seconds() / 60.0,
    )
    passed_count = sum(target <= price.night.closed_at for target in targets)
    return Ahead(variance, widths, reasons, night_state, believed.price, believed.priced_at, passed_count)


def reported_bars(
    reports: Sequence[ReportNight], starts: Sequence[datetime], targets: Sequence[datetime]
) -> Iterator[tuple[ReportNight, int, float]]:
    """The reports that widen one of the bars ahead, each with that bar's place and how many times as wide it is.

    ``starts``, ``targets``: from when to when (UTC) each bar is ahead, in order.
    """
    for report in reports:
        place = _bar_of(report.opens_at, starts, targets)
        width = report_width(report.probability)
        if place is not None and width != 1.0:
            yield report, place, width


def _bar_of(opens_at: datetime, starts: Sequence[datetime], targets: Sequence[datetime]) -> int | None:
    """Which of the bars ahead opens at this instant; a bar may open later than the one before it closed."""
    return next((place for place, end in enumerate(targets) if starts[place] <= opens_at < end), None)


def _night_reasons(profile: TickerProfile, history: History, price: NightPrice | None) -> list[Reason]:
    if price is None:
        return []
    move = float(np.log(price.believed.price / history.close[-1]))
    clock = price.believed.priced_at.astimezone(ZoneInfo(profile.timezone))
    when = "after-hours" if price.night.is_evening else "pre-market"
    return [{"kind": "night_price", "text": f"{when} price of {clock:%H:%M}: {np.expm1(move):+.1%}", "move": move}]


def _volatility_reasons(history: History) -> list[Reason]:
    """That the last session's bars ranged further than the month's, relative to the usual range of their slots."""
    session = round(history.session_bars)
    if len(history) <= MONTH_SESSIONS * session:
        return []
    shape = seasonal_shape(history.true_range, history, history.closed_at[-1])
    relative = history.true_range / shape[history.key]
    month = float(relative[-MONTH_SESSIONS * session :].mean())
    ratio = float(relative[-session:].mean()) / month if month > 0.0 else 1.0
    if ratio < NOTABLE_VOLATILITY:
        return []
    return [{"kind": "volatility", "text": f"volatility {ratio:.1f} times its month's", "ratio": ratio}]


def _utc(instant: np.datetime64) -> datetime:
    at: datetime = instant.astype("datetime64[us]").item()
    return at.replace(tzinfo=UTC)
