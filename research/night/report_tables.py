"""Tables of report nights: what the widening is worth over all bars, and what a wrong date costs.

Each function returns lines of Markdown. Where next: ``night_trial.py``, which prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from include.contracts import HORIZON_COUNT
from include.evaluation.history import BoolArray, FloatArray
from include.evaluation.metrics import crps
from include.model.events import UNKNOWN_SIDE_PROBABILITY, report_width
from research.night.blind import HAR, MODEL, WALK, Blind
from research.night.nights import new_york_days
from research.night.reports import CERTAIN, Reports, report_bars, widened
from research.night.scores import Estimate, Labels, covered, gain
from research.night.tables import row, table_head

WIDTHS = (2.0, 3.0, 3.5, 4.0, 4.5, 5.0)


@dataclass(frozen=True)
class Bars:
    """All bars of several tickers: losses [N, H] of a forecast, the quantiles of the first bar, and what came."""

    losses: FloatArray
    first: FloatArray
    outcome: FloatArray
    has_report: BoolArray
    ticker: Labels
    day: Labels


def worth(blinds: Mapping[str, Blind], reports: Mapping[str, Reports]) -> Iterator[str]:
    """Gain of CRPS over all bars of the tickers with dates, by width and by error of the date."""
    head = [
        "expected",
        "times as wide",
        "h = 1",
        "mean of 1 to 7",
        "worst ticker, h = 1",
        "mean",
        "nights covered, 90 %",
    ]
    yield from table_head([*head, "nights"])
    certain, unknown = report_width(CERTAIN), report_width(UNKNOWN_SIDE_PROBABILITY)
    both = {ticker: dates.both_sides for ticker, dates in reports.items()}
    tries = [("the true night", reports, width) for width in WIDTHS]
    tries += [("both nights, side unknown", both, width) for width in (2.0, unknown, certain)]
    for name, days in (("a day late", 1), ("a day early", -1), ("a week late", 5), ("a week early", -5)):
        tries.append((name, {ticker: dates.moved(days) for ticker, dates in reports.items()}, certain))
    plain = gather(blinds, reports, {}, 1.0)
    for name, expected, width in tries:
        yield row([name, width, *_cells(gather(blinds, reports, expected, width), plain)])


def over_har(blinds: Mapping[str, Blind], reports: Mapping[str, Reports]) -> Iterator[str]:
    """Gain over HAR, which knows no reports, as the mean over all tickers, with and without the reports known."""
    yield from table_head(["the product", "over HAR, h = 1", "mean of 1 to 7", "over the random walk, h = 1", "mean"])
    for name, known in (("without reports", {}), ("with reports", reports)):
        bars = gather(blinds, reports, known, report_width(CERTAIN))
        cells: list[str] = []
        for other in (HAR, WALK):
            gains = _gains(bars, gather(blinds, reports, {}, 1.0, other))
            cells += [gains[0].precise, _mean(gains).precise]
        yield row([name, *cells])


def gather(
    blinds: Mapping[str, Blind],
    reports: Mapping[str, Reports],
    expected: Mapping[str, Reports],
    width: float,
    forecaster: str = MODEL,
) -> Bars:
    """The bars of all tickers, forecast with the ``expected`` reports, beside the true ``reports``."""
    parts = [
        _bars(ticker, blind, blind.quantiles[forecaster], reports.get(ticker), expected.get(ticker), width)
        for ticker, blind in blinds.items()
        if len(blind)
    ]
    names = ("losses", "first", "outcome", "has_report", "ticker", "day")
    return Bars(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _bars(
    ticker: str, blind: Blind, quantiles: FloatArray, true: Reports | None, expected: Reports | None, width: float
) -> Bars:
    forecasts = widened(blind, quantiles, report_bars(blind, expected), width)
    return Bars(
        losses=crps(blind.outcome, forecasts),
        first=forecasts[:, 0],
        outcome=blind.outcome[:, 0],
        has_report=report_bars(blind, true)[:, 0],
        ticker=np.full(len(blind), ticker),
        day=new_york_days(blind.closed_at),
    )


def _cells(bars: Bars, plain: Bars) -> list[str]:
    gains = _gains(bars, plain)
    by_ticker = [
        [1.0 - np.nansum(bars.losses[rows, h]) / np.nansum(plain.losses[rows, h]) for h in range(HORIZON_COUNT)]
        for rows in (bars.ticker == ticker for ticker in np.unique(bars.ticker))
    ]
    worst = 100.0 * np.array(by_ticker)
    nights = covered(bars.outcome[bars.has_report], bars.first[bars.has_report], 90, bars.day[bars.has_report])
    count = int((bars.has_report & np.isfinite(bars.outcome)).sum())
    lowest = [f"{worst[:, 0].min():.2f}", f"{worst.mean(axis=1).min():.2f}"]
    return [gains[0].precise, _mean(gains).precise, *lowest, str(nights), str(count)]


def _gains(bars: Bars, other: Bars) -> list[Estimate]:
    pairs = zip(bars.losses.T, other.losses.T, strict=True)
    return [gain(losses, other_losses, bars.ticker, bars.day, is_by_ticker=True) for losses, other_losses in pairs]


def _mean(gains: Sequence[Estimate]) -> Estimate:
    """The mean of all horizons; its error is the mean of theirs, which overlap."""
    return Estimate(float(np.mean([one.value for one in gains])), float(np.mean([one.error for one in gains])))
