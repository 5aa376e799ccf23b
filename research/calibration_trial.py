"""`python -m research.calibration_trial BARS`: what calibration gains and covers by state; tables of docs/model.md.

``BARS``: a folder of hourly bars, one file for each ticker. Networks are trained again each quarter on earlier bars,
HAR every week. From the end of its training set on the shipped backbone forecasts. The first period ends there: the
constants were chosen in it. Funds are named with ``--funds``, because bars do not say what a fund is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from include.errors import HourcastError, InvalidRequestError
from include.evaluation.walkforward import instant
from include.model.backbone import read_certificate
from include.model.pretrain import PretrainConfig
from include.pipeline.data.histories import load_histories
from research.calibration.past import load_past
from research.calibration.tables import TABLES, make_cases

_FIRST = datetime(2023, 11, 28, tzinfo=UTC)
_LATEST = datetime(2032, 12, 31, tzinfo=UTC)
FUNDS = ("SPY", "XLK", "DBB", "FXY")


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
    """The tables of each period.

    Raises:
        InvalidRequestError: there are no bars in the period.
    """
    histories = load_histories(chosen.bars, chosen.until or _LATEST, chosen.tickers)
    newest = pd.Timestamp(max(history.closed_at[-1] for history in histories.values()), tz="UTC").to_pydatetime()
    until = min(chosen.until or _LATEST, newest + pd.Timedelta(1, "us"))
    if until <= chosen.since:
        message = f"The newest bar closed at {newest.isoformat()}, before --since {chosen.since.isoformat()}."
        raise InvalidRequestError(message)
    shipped_at = datetime.fromisoformat(str(read_certificate()["as_of"]))
    starts = [at.to_pydatetime() for at in pd.date_range(chosen.since, until, freq=pd.DateOffset(months=3))]
    starts = [start for start in starts if start < shipped_at] + [shipped_at] * (until > shipped_at)
    past = load_past(histories, starts, until, cache, shipped_at=shipped_at, steps=chosen.steps)
    markets = {ticker: "fund" if ticker in chosen.funds else histories[ticker].market for ticker in past}
    for since, end in ((chosen.since, min(until, shipped_at)), (max(chosen.since, shipped_at), until)):
        if since < end:
            cases = make_cases(past, markets, instant(since), instant(end))
            for title, table in TABLES.items():
                yield f"## {title}, {since:%Y-%m-%d} to {end:%Y-%m-%d}\n\n{_markdown(table(cases))}\n"


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m research.calibration_trial", description=__doc__)
    parser.add_argument("bars", type=Path, help="folder of Parquet or CSV files of hourly bars")
    parser.add_argument(
        "--since", type=_instant, default=_FIRST, help="start of the first quarter (default: 2023-11-28)"
    )
    parser.add_argument("--until", type=_instant, help="end of the last quarter (default: the newest bar)")
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    parser.add_argument("--funds", nargs="*", default=FUNDS, help="tickers that are funds")
    parser.add_argument("--steps", type=int, default=PretrainConfig().steps, help="training steps of each network")
    parser.add_argument("--cache", type=Path, help="folder in which the forecasts before calibration are kept")
    return parser


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
