"""Forecasts that were made elsewhere, as a forecaster: for models whose libraries cannot live beside ours.

A file of answers is Parquet with the columns ticker, closed_at (UTC, of the bar forecast from), horizon (1..7), and
q025 to q975 in log returns since that bar's close. What it read, nobody here can tell: that is its maker's word.
``bench/autoforecast.py`` makes such files for AutoARIMA and AutoETS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS
from include.errors import InvalidRequestError
from include.evaluation.history import FloatArray, History, InstantArray
from include.evaluation.leaderboard import Forecaster
from include.evaluation.walkforward import Fold

_COLUMNS = ("ticker", "closed_at", "horizon", *QUANTILE_COLUMNS)


def read_answers(path: Path) -> Forecaster:
    """A forecaster that answers what the file says; NaN where it says nothing.

    Raises:
        InvalidRequestError: the file is not there, or a column is missing.
    """
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read as answers: {error}."
        raise InvalidRequestError(message) from error
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        message = f"{path} lacks the columns {', '.join(missing)}."
        raise InvalidRequestError(message)
    answers = {str(ticker): _wide(own) for ticker, own in frame.groupby("ticker")}

    def forecaster(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        return {
            ticker: _at(*answers[ticker], history.closed_at[fold.test_rows(history)])
            for ticker, history in histories.items()
            if ticker in answers
        }

    return forecaster


def write_questions(histories: Mapping[str, History], folds: Sequence[Fold], path: Path) -> None:
    """Writes what somebody elsewhere must know to answer: every bar, and which are asked about in which fold.

    Parquet: ticker, closed_at, close; ``fold`` is -1 where nothing is asked; ``cutoff_row`` is how many of the ticker's
    rows, from its first on, the fold's learning may read.
    """
    frames = []
    for ticker, history in histories.items():
        fold_of, cutoff_row = np.full(len(history), -1), np.zeros(len(history), dtype=np.int64)
        for fold in folds:
            rows = fold.test_rows(history)
            fold_of[rows] = fold.index
            cutoff_row[rows] = int(np.searchsorted(history.closed_at, fold.cutoff, side="right"))
        closed_at = pd.DatetimeIndex(history.closed_at).tz_localize("UTC")
        columns = {"closed_at": closed_at, "close": history.close, "fold": fold_of, "cutoff_row": cutoff_row}
        frames.append(pd.DataFrame(columns).assign(ticker=ticker))
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(frames, ignore_index=True).to_parquet(path)


def _wide(rows: pd.DataFrame) -> tuple[InstantArray, FloatArray]:
    """One ticker's answers: instants [n] in order and quantiles [n, H, Q]."""
    closed_at = pd.to_datetime(rows["closed_at"], utc=True).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    instants, place = np.unique(closed_at, return_inverse=True)
    quantiles = np.full((len(instants), HORIZON_COUNT, len(QUANTILE_COLUMNS)), np.nan)
    quantiles[place, rows["horizon"].to_numpy(np.int64) - 1] = rows[list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    return instants, quantiles


def _at(instants: InstantArray, quantiles: FloatArray, wanted: InstantArray) -> FloatArray:
    place = np.minimum(np.searchsorted(instants, wanted), len(instants) - 1)
    return np.where((instants[place] == wanted)[:, np.newaxis, np.newaxis], quantiles[place], np.nan)
