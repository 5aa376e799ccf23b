"""AutoARIMA and AutoETS of statsforecast, evaluated at the same bars as the other forecasters.

statsforecast needs other versions of libraries than the product. So it has a virtual environment of its own, and this
file imports nothing of the product. Three steps, from the project's folder:

    make evaluate BARS=folder ARGS="--requests .local/requests.parquet"
    python3 -m venv .local/auto && .local/auto/bin/pip install statsforecast==2.1.1 pyarrow==26.0.1
    .local/auto/bin/python bench/autoforecast.py .local/requests.parquet .local/AutoARIMA.parquet AutoARIMA

and then `make evaluate ... ARGS="--forecasts AutoARIMA .local/AutoARIMA.parquet"`. For each fold a model is selected
and fitted on the log closes known at the fold's cutoff. Its forecasts at the requested bars use these fixed parameters.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsforecast.models import AutoARIMA, AutoETS  # type: ignore[import-not-found]  # in another environment

MODELS = {"AutoARIMA": AutoARIMA, "AutoETS": AutoETS}
BARS = 1000
LEAST_BARS = 50
HORIZONS = 7
INTERVALS = {"q025": "lo-95", "q05": "lo-90", "q10": "lo-80", "q25": "lo-50", "q50": "mean"} | {
    "q75": "hi-50",
    "q90": "hi-80",
    "q95": "hi-90",
    "q975": "hi-95",
}


def forecast_ticker(rows: pd.DataFrame, model: Any) -> pd.DataFrame:  # noqa: ANN401  # statsforecast has no types
    """One ticker's forecasts: log-return quantiles by closed_at and horizon.

    ``rows``: closed_at, close, fold (-1 without a request) and cutoff_row, the number of rows known at the cutoff.
    """
    log_close = np.log(rows["close"].to_numpy(np.float64))
    parts = []
    for _, requested in rows[rows["fold"] >= 0].groupby("fold"):
        known = int(requested["cutoff_row"].iloc[0])
        if known < LEAST_BARS:
            continue
        model.fit(log_close[max(known - BARS, 0) : known])
        for row in requested.index:
            past = log_close[max(row + 1 - BARS, 0) : row + 1]
            ahead = pd.DataFrame(model.forward(past, h=HORIZONS, level=[50, 80, 90, 95]))
            ahead = ahead[list(INTERVALS.values())] - past[-1]
            ahead.columns = list(INTERVALS)
            parts.append(ahead.assign(closed_at=rows["closed_at"][row], horizon=range(1, HORIZONS + 1)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def main(arguments: list[str]) -> int:
    """Reads the requests, forecasts with one model and writes its forecasts; the exit status."""
    requests, output, name = Path(arguments[0]), Path(arguments[1]), arguments[2]
    warnings.simplefilter("ignore")  # the library warns at every bar
    frames = []
    for ticker, rows in pd.read_parquet(requests).groupby("ticker"):
        model = MODELS[name](season_length=1)
        frames.append(forecast_ticker(rows.reset_index(drop=True), model).assign(ticker=ticker))
        sys.stderr.write(f"{name}: {ticker}\n")
    joined = pd.concat(frames, ignore_index=True)
    columns = list(INTERVALS)
    joined[columns] = np.sort(joined[columns].to_numpy(np.float64), axis=1)
    joined[np.isfinite(joined[columns]).all(axis=1)].to_parquet(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
