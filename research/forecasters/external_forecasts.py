"""Forecasts from a file, as a forecaster: for models whose libraries conflict with those of this project.

A file of forecasts is Parquet with the columns ticker, closed_at (UTC, close of the bar at which the forecast is made),
horizon (1..7), and q025 to q975 as log returns since that bar's close. Whether these forecasts used later bars cannot
be tested here. ``bench/autoforecast.py`` writes such files for AutoARIMA and AutoETS.
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


def read_forecasts(path: Path) -> Forecaster:
    """A forecaster that returns the forecasts of the file, and NaN for bars that are not in it.

    Raises:
        InvalidRequestError: the file cannot be read, or a column is missing.
    """
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read as a file of forecasts: {error}."
        raise InvalidRequestError(message) from error
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        message = f"{path} lacks the columns {', '.join(missing)}."
        raise InvalidRequestError(message)
    forecasts = {str(ticker): _wide(rows) for ticker, rows in frame.groupby("ticker")}

    def forecaster(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        return {
            ticker: _at(*forecasts[ticker], history.closed_at[fold.test_rows(history)])
            for ticker, history in histories.items()
            if ticker in forecasts
        }

    return forecaster


def write_requests(histories: Mapping[str, History], folds: Sequence[Fold], path: Path) -> None:
    """Writes a file of requests: all bars, and the fold in which a forecast is needed at each.

    Parquet: ticker, closed_at, close; ``fold`` is -1 for bars without a request; ``cutoff_row`` is the number of the
    ticker's rows, counted from the first, that closed by the fold's cutoff and may be used for training.
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
    """One ticker's forecasts: instants [n] in order and quantiles [n, H, Q]."""
    closed_at = pd.to_datetime(rows["closed_at"], utc=True).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    instants, place = np.unique(closed_at, return_inverse=True)
    quantiles = np.full((len(instants), HORIZON_COUNT, len(QUANTILE_COLUMNS)), np.nan)
    quantiles[place, rows["horizon"].to_numpy(np.int64) - 1] = rows[list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    return instants, quantiles


def _at(instants: InstantArray, quantiles: FloatArray, wanted: InstantArray) -> FloatArray:
    """The quantiles at the wanted instants, NaN where there are none. [m, H, Q]."""
    place = np.minimum(np.searchsorted(instants, wanted), len(instants) - 1)
    return np.where((instants[place] == wanted)[:, np.newaxis, np.newaxis], quantiles[place], np.nan)
