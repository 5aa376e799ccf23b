"""`python -m research.night_trial BARS EXTENDED5M EVENTS`: what the night's price and company reports are worth.

Prints the tables of ``docs/model.md`` (Refreshed forecasts, Report nights). ``BARS``: a folder of hourly bars, one
Parquet file for each ticker. ``EXTENDED5M``: a folder with one folder for each vendor of 5-minute bars (``ts`` in UTC,
prices, ``volume``, ``is_extended``). ``EVENTS``: a CSV file of reports (ticker, reported_on, timing). Forecasts are
walk-forward: networks are trained again every three months, HAR every week. The constants are those of ``include``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from include.errors import HourcastError
from include.evaluation.walkforward import instant
from include.market.believed import believed_price
from include.model.pretrain import PretrainConfig
from include.pipeline.data.histories import load_histories
from include.settings import load_settings
from research.night import report_tables, tables
from research.night.blind import Blind, blind_forecasts
from research.night.cases import Cases, collect
from research.night.further import worth_of_more
from research.night.joined_bars import join_bars
from research.night.nights import make_nights, newest_close, read_closes
from research.night.reports import Reports, read_reports

_FIRST = datetime(2023, 11, 28, tzinfo=UTC)
_LATEST = datetime(2032, 12, 31, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables; the exit status: 0, or 1 with the reason on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        with TemporaryDirectory() as scratch:
            for text in _texts(chosen, chosen.cache or Path(scratch)):
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _texts(chosen: argparse.Namespace, cache: Path) -> Iterator[str]:
    vendors = sorted(path for path in chosen.extended.iterdir() if path.is_dir())
    folder = chosen.bars
    for vendor in vendors:
        joined = cache / f"bars_{vendor.name}"
        join_bars(folder, vendor, joined)
        folder = joined
    histories = load_histories(folder, chosen.until or _LATEST, chosen.tickers)
    newest = max(history.closed_at[-1] for history in histories.values()) + np.timedelta64(1, "us")
    until = chosen.until or pd.Timestamp(newest, tz="UTC").to_pydatetime()
    starts = [at.to_pydatetime() for at in pd.date_range(chosen.since, until, freq=pd.DateOffset(months=3))]
    seed = load_settings({}).model.seed
    blinds = blind_forecasts(histories, starts, until, cache, seed=seed, steps=chosen.steps)
    reports = read_reports(chosen.events)
    for vendor in vendors:
        closes = {path.stem: read_closes(path) for path in sorted(vendor.glob("*.parquet")) if path.stem in blinds}
        cases, newest = (
            collect(blinds, {name: make_nights(blinds[name], rows, price_of) for name, rows in closes.items()}, reports)
            for price_of in (believed_price, newest_close)
        )
        yield from night_texts(vendor.name, cases)
        yield from _titled("The median against the newest close alone", tables.single_prints(cases, newest))
    yield from report_texts(blinds, reports, chosen.report_until)


def night_texts(vendor: str, cases: Cases) -> Iterator[str]:
    """The tables of refreshed forecasts from one vendor's prices."""
    day = cases.day.astype("datetime64[D]")
    yield f"\n# {vendor}: {len(np.unique(cases.day))} nights, {day.min()} to {day.max()}\n"
    yield from _titled("By refresh, reports known to both", tables.by_refresh(cases, has_reports=True))
    yield from _titled("By refresh, reports known to neither", tables.by_refresh(cases, has_reports=False))
    yield from _titled("After large moves", tables.after_large_moves(cases))
    yield from _titled("By half", tables.by_part(cases, *tables.halves(cases)))
    yield from _titled("By age of the price", tables.by_part(cases, *tables.ages(cases)))
    yield from _titled("Evening prices in the morning", tables.evening_prices(cases))
    yield from _titled("Report nights at each refresh", tables.report_nights(cases))
    yield from _titled("More of the night than its price", worth_of_more(cases))
    yield from _titled("Other constants", tables.other_constants(cases))


def report_texts(blinds: Mapping[str, Blind], reports: Mapping[str, Reports], until: datetime) -> Iterator[str]:
    """The tables of report nights: of the tickers with dates, and of all tickers against HAR."""
    judged = {ticker: blind.until(instant(until)) for ticker, blind in blinds.items()}
    with_dates = {ticker: blind for ticker, blind in judged.items() if ticker in reports}
    if with_dates:
        yield from _titled(
            "Report nights, all bars of the tickers with dates", report_tables.worth(with_dates, reports)
        )
    yield from _titled("All tickers", report_tables.over_har(judged, reports))


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield from lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m research.night_trial", description=__doc__)
    parser.add_argument("bars", type=Path, help="folder of hourly bars")
    parser.add_argument("extended", type=Path, help="folder with one folder of 5-minute bars for each vendor")
    parser.add_argument("events", type=Path, help="CSV file of reports")
    parser.add_argument("--since", type=_instant, default=_FIRST, help="first forecast")
    parser.add_argument("--until", type=_instant, help="end of the forecasts (default: the newest bar)")
    parser.add_argument(
        "--report-until", type=_instant, default=_LATEST, help="end of the bars that report nights are judged on"
    )
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    parser.add_argument("--steps", type=int, default=PretrainConfig().steps, help="training steps of each network")
    parser.add_argument("--cache", type=Path, help="folder in which forecasts are kept, of these folders only")
    return parser


def _instant(text: str) -> datetime:
    """A date in ISO format as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
