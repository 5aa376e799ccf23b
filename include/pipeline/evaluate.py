"""`make evaluate BARS=folder`: every forecaster over a folder of bars, walk-forward; a leaderboard and a report.

Reads files and writes one; no database. The clock is not asked: the period is the newest quarter of the bars unless it
is given. To score another forecaster, add it to ``forecasters_of``, or hand its answers in with ``--answers``.
Where next: ``evaluation/leaderboard.py`` for what a forecaster is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from include.contracts import require_utc
from include.errors import HourcastError, InvalidRequestError
from include.evaluation import comparison
from include.evaluation.boosting import BoostedQuantiles
from include.evaluation.garch import garch
from include.evaluation.har import har
from include.evaluation.history import History
from include.evaluation.leaderboard import BASELINE, Forecaster, Leaderboard, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.report import make_report
from include.evaluation.volatility import ewma, seasonal_ewma
from include.evaluation.walkforward import make_folds
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import load_backbone, read_certificate
from include.model.config import model_config
from include.model.rivals import LSTM, TCN, RivalConfig
from include.pipeline.answers import read_answers, write_questions
from include.pipeline.histories import load_histories
from include.pipeline.own import OwnForecaster
from include.pipeline.rivals import NetworkForecaster
from include.settings import ModelSettings

OWN = "Hourcast"
RIVAL = "seasonal HAR"
"""The strongest simple forecaster: what a network must beat."""

_DAYS = 90
_LATEST = datetime(2032, 12, 31, tzinfo=UTC)


def forecasters_of(names: Sequence[str] | None = None) -> dict[str, Forecaster]:
    """Every forecaster by its name, or those that are named; the random walk always.

    Raises:
        InvalidRequestError: there is no such forecaster.
    """
    settings = ModelSettings()  # the network that ships with the code, whatever this environment has chosen
    known: dict[str, Forecaster] = {
        BASELINE: random_walk,
        OWN: OwnForecaster(load_backbone(model_config(settings, MODEL_INPUT_COUNT), settings.backbone_dir)),
        "EWMA": ewma,
        "seasonal EWMA": seasonal_ewma,
        RIVAL: har,
        "seasonal GARCH-t": garch,
        "LightGBM": BoostedQuantiles(),
        "LSTM": NetworkForecaster(RivalConfig(LSTM)),
        "TCN": NetworkForecaster(RivalConfig(TCN)),
    }
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        message = f"There is no forecaster {', '.join(unknown)}; choose of {', '.join(known)}."
        raise InvalidRequestError(message)
    return {name: forecaster for name, forecaster in known.items() if not names or name in {BASELINE, *names}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the evaluation, prints the leaderboard and writes the report; the exit status: 0, or 1 with the reason."""
    chosen = _parser().parse_args(arguments)
    try:
        histories, since, until = _load(chosen)
        if chosen.questions:
            write_questions(histories, make_folds(since, until), chosen.questions)
            return 0
        board = evaluate(_without_hindsight(_forecasters(chosen), since), histories, since, until)
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    rival = RIVAL if RIVAL in board.names else board.baseline
    subject = chosen.subject if chosen.subject in board.names else str(board.table()["forecaster"].iloc[0])
    sys.stdout.write(leaderboard_text(board, rival))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(make_report(board, histories, subject, rival, since, until), encoding="utf-8")
    sys.stdout.write(f"\nReport: {chosen.out}\n")
    return 0


def _without_hindsight(forecasters: dict[str, Forecaster], since: datetime) -> dict[str, Forecaster]:
    """The forecasters without our own where its network learnt from bars of the period: that would be no test of it.

    Raises:
        InvalidRequestError: our own was to be judged alone.
    """
    learnt_until = datetime.fromisoformat(str(read_certificate(ModelSettings().backbone_dir)["as_of"]))
    if OWN not in forecasters or since >= learnt_until:
        return forecasters
    message = f"{OWN} does not take part: its network learnt from bars until {learnt_until.isoformat()}."
    if set(forecasters) <= {BASELINE, OWN}:
        raise InvalidRequestError(message)
    sys.stdout.write(f"{message}\n\n")
    return {name: forecaster for name, forecaster in forecasters.items() if name != OWN}


def leaderboard_text(board: Leaderboard, rival: str) -> str:
    """The leaderboard and the verdicts against the strongest simple rival, in percent, as text for a terminal."""
    table = board.table().set_index("forecaster")
    ratios = [column for column in table.columns if column != "crps_1_bp"]
    table[ratios] *= 100.0
    verdicts = comparison.verdicts(board, rival)
    verdicts[["skill_1", "skill_mean"]] *= 100.0
    with pd.option_context("display.width", 200, "display.max_columns", 20, "display.float_format", "{:.2f}".format):
        return (
            "CRPS skill against the random walk in %, one bar ahead and mean of all horizons; coverage in %\n"
            f"{table}\n\n"
            f"Against {rival}: skill in %, tickers significantly better and worse, panel p-values\n{verdicts}\n"
        )


def _load(chosen: argparse.Namespace) -> tuple[dict[str, History], datetime, datetime]:
    """The bars, and the period to judge."""
    known_until = require_utc(chosen.until, "until") if chosen.until else _LATEST
    histories = load_histories(chosen.bars, known_until, chosen.tickers)
    until = chosen.until or _end_of(histories)
    return histories, chosen.since or until - timedelta(days=_DAYS), until


def _forecasters(chosen: argparse.Namespace) -> dict[str, Forecaster]:
    """Those that take part, with the answers made elsewhere."""
    forecasters = forecasters_of(chosen.only)
    for name, path in chosen.answers or ():
        forecasters[name] = read_answers(Path(path))
    if chosen.subject and chosen.subject not in forecasters:
        message = f"The report cannot be about {chosen.subject}: it does not take part."
        raise InvalidRequestError(message)
    return forecasters


def _end_of(histories: Mapping[str, History]) -> datetime:
    """The instant after the newest bar's close."""
    newest = max(history.closed_at[-1] for history in histories.values()) + np.timedelta64(1, "us")
    return pd.Timestamp(newest, tz="UTC").to_pydatetime()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make evaluate", description="Scores every forecaster on a folder of bars.")
    parser.add_argument("--bars", type=Path, required=True, help="folder of Parquet or CSV files, one a ticker")
    parser.add_argument("--since", type=_instant, help="start of the test period; 90 days before its end if not given")
    parser.add_argument("--until", type=_instant, help="its end; no later bar is read; the newest bar's if not given")
    parser.add_argument("--tickers", nargs="+", help="all of the folder's if not given")
    parser.add_argument("--only", nargs="+", help="the forecasters that take part; all if not given")
    parser.add_argument("--subject", help="the forecaster that the report is about; the best if not given")
    parser.add_argument(
        "--answers",
        nargs=2,
        action="append",
        metavar=("NAME", "FILE"),
        help="a forecaster whose answers were made elsewhere: a Parquet file, see pipeline/answers.py",
    )
    parser.add_argument("--questions", type=Path, help="write down what is asked, for --answers, and do nothing else")
    parser.add_argument("--out", type=Path, default=Path(".local/evaluation.html"), help="where the report goes")
    return parser


def _instant(text: str) -> datetime:
    """A date or an instant; UTC if no zone is given."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
