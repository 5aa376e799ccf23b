"""`python -m research.earnings_trial REPORTS...`: how well earlier reports say the next one, and what that is worth.

Prints the tables of ``docs/nights.md`` (Estimates). ``REPORTS``: CSV files of reports (ticker, reported_on, timing); a
report of several files is taken from the first. With ``--bars``, a folder of hourly bars with one Parquet file for each
ticker, forecasts are made walk-forward as in ``night_trial``, and their nights are widened by what is known of reports.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT
from include.earnings import EarningsDate, ReportTiming
from include.errors import HourcastError
from include.evaluation.history import BoolArray, FloatArray
from include.evaluation.metrics import crps
from include.model.pretrain import PretrainConfig
from include.pipeline.data.earlier_reports import (
    QUARTER,
    SURE,
    estimated_report,
    past_days,
    probability_of_day,
    usual_side,
)
from include.pipeline.data.histories import load_histories
from include.settings import load_settings
from research.night.blind import HAR, MODEL, Blind, blind_forecasts
from research.night.expected import (
    Knowledge,
    all_named,
    day_errors,
    half_named,
    known_days,
    nothing_named,
    read_days,
    widened_by,
    widths_of,
)
from research.night.reports import Reports, report_bars
from research.night.scores import Estimate, Labels, covered, gain
from research.night.tables import row, table_head

CASES = {
    "no day known": Knowledge(nothing_named, has_estimates=False),
    "estimates alone": Knowledge(nothing_named, has_estimates=True),
    "a source names every day": Knowledge(all_named, has_estimates=False),
    "the same, and estimates": Knowledge(all_named, has_estimates=True),
    "a source names every second day": Knowledge(half_named, has_estimates=False),
    "the same, and estimates ": Knowledge(half_named, has_estimates=True),
}
"""What is known of the reports. The first case is what the others are compared with."""

_FIRST = datetime(2023, 11, 28, tzinfo=UTC)
_LATEST = datetime(2032, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Nights:
    """The nights of several companies: forecasts of the last close before each, and what came.

    ``losses`` [N, H]; ``first`` [N, Q] of the first bar ahead; ``outcome``, ``has_report``, ``is_widened`` [N] of it;
    ``ticker`` [N].
    """

    losses: FloatArray
    first: FloatArray
    outcome: FloatArray
    has_report: BoolArray
    is_widened: BoolArray
    ticker: Labels


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables; the exit status: 0, or 1 with the reason on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        reports = read_days(chosen.reports)
        with TemporaryDirectory() as scratch:
            for text in _texts(chosen, reports, chosen.cache or Path(scratch)):
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
    except (HourcastError, OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _texts(chosen: argparse.Namespace, reports: Mapping[str, Sequence[EarningsDate]], cache: Path) -> Iterator[str]:
    yield "\n## Days\n"
    yield from days_table(reports, chosen.days_since)
    if chosen.bars is None:
        return
    histories = load_histories(chosen.bars, chosen.until or _LATEST, chosen.tickers)
    newest = max(history.closed_at[-1] for history in histories.values()) + np.timedelta64(1, "us")
    until = chosen.until or pd.Timestamp(newest, tz="UTC").to_pydatetime()
    starts = [
        at.to_pydatetime() for at in pd.date_range(chosen.since, until, freq=pd.DateOffset(months=3), inclusive="left")
    ]
    options = {"seed": load_settings({}).model.seed, "steps": chosen.steps, "has_network": not chosen.har}
    blinds = blind_forecasts(histories, starts, until, cache, **options)
    judged = {ticker: blind for ticker, blind in blinds.items() if ticker in reports}
    forecaster = HAR if chosen.har else MODEL
    yield f"\n## Nights, forecasts by {forecaster}\n"
    yield from odds_table(judged, reports, forecaster)
    yield ""
    yield from gains_table({name: gather(judged, reports, known, forecaster) for name, known in CASES.items()})


def days_table(reports: Mapping[str, Sequence[EarningsDate]], since: date) -> Iterator[str]:
    """How far the estimated days are from the true ones, by half of the companies."""
    yield from table_head(["companies", "day", "reports", "exact", "within 1 session", "within 3", "within 5"])
    for half in (0, 1):
        part = {ticker: items for ticker, items in reports.items() if zlib.crc32(ticker.encode()) % 2 == half}
        if not part:
            continue
        for name, rule in _RULES.items():
            found = [(ticker, error) for ticker, error, day in day_errors(part, rule) if day >= since]
            if found:
                yield row([f"half {half + 1}", name, str(len(found)), *_within(found)])
    sides = [is_right for items in reports.values() for is_right in _sides(items, since)]
    if sides:
        yield f"\nThe side was right for {sum(sides)} of {len(sides)} reports whose side is known."


def _within(found: Sequence[tuple[str, int]]) -> Iterator[Estimate]:
    """Shares within 0, 1, 3 and 5 sessions, with errors by company."""
    ticker = np.array([ticker for ticker, _ in found])
    sizes = np.abs(np.array([error for _, error in found]))
    for most in (0, 1, 3, 5):
        hits = (sizes <= most).astype(np.float64)
        _, place = np.unique(ticker, return_inverse=True)
        by_company = np.bincount(place, hits - hits.mean())
        yield Estimate(100.0 * float(hits.mean()), 100.0 * float(np.sqrt((by_company**2).sum())) / len(hits))


def _estimate(known: Sequence[EarningsDate], today: date) -> date | None:
    found = estimated_report("", known, today, datetime.combine(today, datetime.min.time(), UTC))
    return None if found is None else found.reported_on


def _of_kind(*, is_sure: bool) -> Callable[[Sequence[EarningsDate], date], date | None]:
    def rule(known: Sequence[EarningsDate], today: date) -> date | None:
        day = _estimate(known, today)
        return day if day and (probability_of_day(day, past_days(known, today)) == SURE) == is_sure else None

    return rule


def _quarter_later(known: Sequence[EarningsDate], today: date) -> date | None:
    """91 days after the newest report, where there is an estimate too."""
    return None if _estimate(known, today) is None else past_days(known, today)[-1] + QUARTER


_RULES = {
    "91 days after the last report": _quarter_later,
    "estimated": _estimate,
    "estimated, sure": _of_kind(is_sure=True),
    "estimated, not sure": _of_kind(is_sure=False),
}


def _sides(items: Sequence[EarningsDate], since: date) -> Iterator[bool]:
    """Whether the side that a company's earlier reports say was that of each report."""
    for place, item in enumerate(items):
        usual = usual_side(items[:place], item.reported_on)
        if item.reported_on >= since and ReportTiming.UNKNOWN not in {usual, item.timing}:
            yield usual is item.timing


def odds_table(
    blinds: Mapping[str, Blind], reports: Mapping[str, Sequence[EarningsDate]], forecaster: str
) -> Iterator[str]:
    """What a widened night gains if it has the report and loses if not, and from which probability on it pays.

    In percent of the company's CRPS of a usual night, one bar ahead. Errors are by company, those of the probability by
    leaving out one company at a time.
    """
    yield from table_head(["width", "gain if right", "loss if wrong", "pays from a probability of"])
    for width in (2.0, 3.0, 4.0):
        found = [_right_and_wrong(blind, reports[ticker], width, forecaster) for ticker, blind in blinds.items()]
        rights, wrongs = ([pair[place] for pair in found] for place in (0, 1))
        others = range(len(found)) if len(found) > 1 else ()
        without = [_break_even([*found[:place], *found[place + 1 :]]) for place in others]
        error = np.sqrt((len(without) - 1) * np.var(without)) if without else np.nan
        yield row([width, _by_company(rights), _by_company(wrongs), Estimate(_break_even(found), float(error))])


def _right_and_wrong(
    blind: Blind, reports: Sequence[EarningsDate], width: float, forecaster: str
) -> tuple[FloatArray, FloatArray]:
    """The gain of each night with a report and the loss of each other one, from a first bar this much wider."""
    widths = np.ones((len(blind), HORIZON_COUNT))
    widths[blind.is_break, 0] = width
    plain = blind.quantiles[forecaster]
    before, after = (crps(blind.outcome[:, 0], each[:, 0]) for each in (plain, widened_by(blind, plain, widths)))
    is_known = blind.is_break & np.isfinite(before)
    has_report = report_bars(blind, _true(reports))[:, 0]
    saved = 100.0 * (before - after) / float(np.mean(before[is_known & ~has_report]))
    return saved[is_known & has_report], -saved[is_known & ~has_report]


def _break_even(found: Sequence[tuple[FloatArray, FloatArray]]) -> float:
    """The probability of a report, in percent, at which gain and loss are equal."""
    right, wrong = (float(np.concatenate([pair[place] for pair in found]).mean()) for place in (0, 1))
    return 100.0 * wrong / (right + wrong)


def _by_company(values: Sequence[FloatArray]) -> Estimate:
    mean = float(np.concatenate(values).mean())
    sums = np.array([float((each - mean).sum()) for each in values])
    return Estimate(mean, float(np.sqrt((sums**2).sum())) / sum(map(len, values)))


def gather(
    blinds: Mapping[str, Blind], reports: Mapping[str, Sequence[EarningsDate]], known: Knowledge, forecaster: str
) -> Nights:
    """The nights of all companies, forecast with what is known of the reports."""
    parts = [
        _nights(ticker, blind, reports[ticker], known, forecaster) for ticker, blind in blinds.items() if len(blind)
    ]
    names = ("losses", "first", "outcome", "has_report", "is_widened", "ticker")
    return Nights(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _nights(ticker: str, blind: Blind, reports: Sequence[EarningsDate], known: Knowledge, forecaster: str) -> Nights:
    widths = widths_of(ticker, blind, known_days(reports, known.named), has_estimates=known.has_estimates)
    forecasts = widened_by(blind, blind.quantiles[forecaster], widths)
    chosen = blind.is_break
    return Nights(
        losses=crps(blind.outcome, forecasts)[chosen],
        first=forecasts[chosen, 0],
        outcome=blind.outcome[chosen, 0],
        has_report=report_bars(blind, _true(reports))[chosen, 0],
        is_widened=widths[chosen, 0] > 1.0,
        ticker=np.full(int(chosen.sum()), ticker),
    )


def _true(reports: Sequence[EarningsDate]) -> Reports:
    after, before = (
        np.array([item.reported_on for item in reports if item.timing is timing], dtype="datetime64[D]")
        for timing in (ReportTiming.AFTER_CLOSE, ReportTiming.BEFORE_OPEN)
    )
    return Reports(after, before)


def gains_table(cases: Mapping[str, Nights]) -> Iterator[str]:
    """Gain of CRPS over knowing no day, and coverage of the 90 % interval, each with errors by company."""
    head = [
        "known",
        "gain, one bar ahead",
        "mean of 1 to 7",
        "worst company",
        "gain in report nights",
        "in other nights",
    ]
    head += ["90 % of report nights", "90 % of other nights", "report nights widened", "other nights widened"]
    yield from table_head(head)
    plain = next(iter(cases.values()))
    for name, nights in cases.items():
        report = nights.has_report
        cells = [_gain(nights, plain, np.ones_like(report)).precise, _mean_gain(nights, plain), _worst(nights, plain)]
        cells += [_gain(nights, plain, kind).precise for kind in (report, ~report)]
        cells += [str(_covered(nights, kind)) for kind in (report, ~report)]
        cells += [f"{int((nights.is_widened & kind).sum())} of {int(kind.sum())}" for kind in (report, ~report)]
        yield row([name.strip(), *cells])


def _gain(nights: Nights, other: Nights, chosen: BoolArray, horizon: int = 0) -> Estimate:
    losses, others = (each.losses[chosen, horizon] for each in (nights, other))
    ticker = nights.ticker[chosen]
    return gain(losses, others, ticker, ticker, is_by_ticker=True)


def _mean_gain(nights: Nights, other: Nights) -> str:
    """The mean of all horizons; its error is the mean of theirs, which overlap."""
    every = np.ones_like(nights.has_report)
    gains = [_gain(nights, other, every, horizon) for horizon in range(nights.losses.shape[1])]
    mean = Estimate(*(float(np.mean([getattr(one, name) for one in gains])) for name in ("value", "error")))
    return mean.precise


def _worst(nights: Nights, other: Nights) -> str:
    """The lowest gain of a company one bar ahead, with its ticker."""
    gains = {str(ticker): _gain(nights, other, nights.ticker == ticker).value for ticker in np.unique(nights.ticker)}
    ticker = min(gains, key=lambda name: gains[name])
    return f"{ticker} {gains[ticker]:.2f}"


def _covered(nights: Nights, chosen: BoolArray) -> Estimate:
    return covered(nights.outcome[chosen], nights.first[chosen], 90, nights.ticker[chosen])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m research.earnings_trial", description=__doc__)
    parser.add_argument("reports", type=Path, nargs="+", help="CSV files of reports")
    parser.add_argument(
        "--days-since",
        type=date.fromisoformat,
        default=date(2016, 1, 1),
        help="first day judged; sessions are known from 2015",
    )
    parser.add_argument("--bars", type=Path, help="folder of hourly bars; without it only days are judged")
    parser.add_argument("--since", type=_instant, default=_FIRST, help="first forecast")
    parser.add_argument("--until", type=_instant, help="end of the forecasts (default: the newest bar)")
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    parser.add_argument("--steps", type=int, default=PretrainConfig().steps, help="training steps of each network")
    parser.add_argument("--har", action="store_true", help="forecasts by HAR, without networks")
    parser.add_argument("--cache", type=Path, help="folder in which forecasts are kept, of this folder of bars only")
    return parser


def _instant(text: str) -> datetime:
    """A date in ISO format as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
