"""`make evaluate BARS=folder`: scores all forecasters on a folder of bars, walk-forward: a leaderboard and a report.

Without a database. The default period is the newest quarter of the bars. To score another forecaster, add it to
``forecasters_of``, or pass a file of its forecasts with ``--forecasts``. Where next: ``evaluation/leaderboard.py`` for
the definition of a forecaster.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from include.artefacts.store import FolderStore
from include.contracts import require_utc
from include.errors import HourcastError, InvalidRequestError
from include.evaluation.har import har
from include.evaluation.history import History
from include.evaluation.leaderboard import BASELINE, Forecaster, Leaderboard, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.volatility import ewma, seasonal_ewma
from include.evaluation.walkforward import make_folds
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import load_backbone, read_certificate
from include.model.config import model_config
from include.pipeline.data.histories import load_histories
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster
from include.settings import ModelSettings, load_settings
from research.forecasters.boosting import BoostedQuantiles
from research.forecasters.external_forecasts import read_forecasts, write_requests
from research.forecasters.garch import garch
from research.forecasters.networks import LSTM, TCN, NetworkConfig, NetworkForecaster
from research.report import comparison
from research.report.record import write_record
from research.report.report import make_report

PRODUCT = "Hourcast"
COMPETITOR = "seasonal HAR"
"""The strongest forecaster without a network, with which the report compares the others."""

_DAYS = 90
_LATEST = datetime(2032, 12, 31, tzinfo=UTC)


def forecasters_of(names: Sequence[str] | None = None) -> dict[str, Forecaster]:
    """The forecasters of these names (default: all) by name; the random walk is always among them.

    Raises:
        InvalidRequestError: there is no forecaster of that name.
    """
    settings = ModelSettings()  # the defaults, so the shipped backbone, whatever the environment's settings are
    known: dict[str, Forecaster] = {
        BASELINE: random_walk,
        PRODUCT: BackboneForecaster(
            load_backbone(model_config(settings, MODEL_INPUT_COUNT), FolderStore(settings.backbone_dir)).state
        ),
        "EWMA": ewma,
        "seasonal EWMA": seasonal_ewma,
        COMPETITOR: har,
        "seasonal GARCH-t": garch,
        "LightGBM": BoostedQuantiles(),
        "LSTM": NetworkForecaster(NetworkConfig(LSTM)),
        "TCN": NetworkForecaster(NetworkConfig(TCN)),
    }
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        message = f"There is no forecaster {', '.join(unknown)}; choose from {', '.join(known)}."
        raise InvalidRequestError(message)
    return {name: forecaster for name, forecaster in known.items() if not names or name in {BASELINE, *names}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the evaluation, prints the leaderboard and writes the report; the exit status: 0, or 1 after an error."""
    chosen = _parser().parse_args(arguments)
    try:
        histories, since, until = _load(chosen)
        if chosen.requests:
            write_requests(histories, make_folds(since, until), chosen.requests)
            return 0
        board = evaluate(_without_leaks(_forecasters(chosen), since), histories, since, until)
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    competitor = COMPETITOR if COMPETITOR in board.names else board.baseline
    subject = chosen.subject if chosen.subject in board.names else str(board.table()["forecaster"].iloc[0])
    sys.stdout.write(leaderboard_text(board, competitor))
    report = make_report(board, histories, subject, competitor, since, until)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(report, encoding="utf-8")
    record = write_record(chosen.out.parent / "evaluations", board, histories, (since, until), report)
    sys.stdout.write(f"\nReport: {chosen.out}\nRecord: {record}\n")
    return 0


def _without_leaks(forecasters: dict[str, Forecaster], since: datetime) -> dict[str, Forecaster]:
    """The forecasters; without the product's if bars of the test period are in its backbone's training set.

    Raises:
        InvalidRequestError: no other forecaster than the random walk would be left.
    """
    trained_until = datetime.fromisoformat(str(read_certificate(FolderStore(ModelSettings().backbone_dir))["as_of"]))
    if PRODUCT not in forecasters or since >= trained_until:
        return forecasters
    message = f"{PRODUCT} is left out: its backbone was trained on bars until {trained_until.isoformat()}."
    if set(forecasters) <= {BASELINE, PRODUCT}:
        raise InvalidRequestError(message)
    sys.stdout.write(f"{message}\n\n")
    return {name: forecaster for name, forecaster in forecasters.items() if name != PRODUCT}


def leaderboard_text(board: Leaderboard, competitor: str) -> str:
    """The leaderboard and the comparisons with ``competitor``, in percent, as text for a terminal."""
    table = board.table().set_index("forecaster")
    ratios = [column for column in table.columns if column != "crps_1_bp"]
    table[ratios] *= 100.0
    verdicts = comparison.verdicts(board, competitor)
    verdicts[["skill_1", "skill_mean"]] *= 100.0
    with pd.option_context("display.width", 200, "display.max_columns", 20, "display.float_format", "{:.2f}".format):
        return (
            "CRPS skill against the random walk in %, one bar ahead and mean of all horizons; coverage in %\n"
            f"{table}\n\n"
            f"Against {competitor}: skill in %, tickers significantly better and worse, panel p-values\n{verdicts}\n"
        )


def _load(chosen: argparse.Namespace) -> tuple[dict[str, History], datetime, datetime]:
    """The histories by ticker, and the test period [since, until)."""
    known_until = require_utc(chosen.until, "until") if chosen.until else _LATEST
    histories = load_histories(chosen.bars, known_until, chosen.tickers, load_settings().market)
    until = chosen.until or _end_of(histories)
    return histories, chosen.since or until - timedelta(days=_DAYS), until


def _forecasters(chosen: argparse.Namespace) -> dict[str, Forecaster]:
    """The chosen forecasters, and those whose forecasts come from a file."""
    forecasters = forecasters_of(chosen.only)
    for name, path in chosen.forecasts or ():
        forecasters[name] = read_forecasts(Path(path))
    if chosen.subject and chosen.subject not in forecasters:
        message = f"The report cannot be about {chosen.subject}: it is not among the chosen forecasters."
        raise InvalidRequestError(message)
    return forecasters


def _end_of(histories: Mapping[str, History]) -> datetime:
    """The instant after the newest bar's close."""
    newest = max(history.closed_at[-1] for history in histories.values()) + np.timedelta64(1, "us")
    return pd.Timestamp(newest, tz="UTC").to_pydatetime()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make evaluate", description="Scores all forecasters on a folder of bars.")
    parser.add_argument("--bars", type=Path, required=True, help="folder of Parquet or CSV files, one for each ticker")
    parser.add_argument("--since", type=_instant, help="start of the test period (default: 90 days before its end)")
    parser.add_argument(
        "--until", type=_instant, help="end of the test period; later bars are not read (default: the newest bar)"
    )
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    parser.add_argument("--only", nargs="+", help="forecasters (default: all)")
    parser.add_argument("--subject", help="forecaster that the report is about (default: the best)")
    parser.add_argument(
        "--forecasts",
        nargs=2,
        action="append",
        metavar=("NAME", "FILE"),
        help="a forecaster whose forecasts are in a Parquet file, see research/forecasters/external_forecasts.py",
    )
    parser.add_argument("--requests", type=Path, help="only write a file with the bars to forecast at, for --forecasts")
    parser.add_argument("--out", type=Path, default=Path(".local/evaluation.html"), help="file of the report")
    return parser


def _instant(text: str) -> datetime:
    """A date or an instant in ISO format; UTC if it names no zone."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
