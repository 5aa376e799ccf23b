"""Rows as the rooms hand them to the store: small, valid, and easy to bend."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from include.contracts import FEATURE_COLUMNS, HORIZON_COUNT, QUANTILE_COLUMNS, ModelRef, TickerProfile
from include.store import registry
from include.store.engine import Connection
from include.store.models import ModelVersion

START = datetime(2025, 3, 31, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPREAD = np.array([-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
"""Distances of the nine quantiles from the median that these rows use."""


def at(hours: float) -> datetime:
    """The instant so many hours after the first bar opened."""
    return START + timedelta(hours=hours)


def bars(
    closes: Sequence[float],
    ticker: str = "AAPL",
    first: int = 0,
    known_at: datetime | None = None,
    volume: float = 100.0,
) -> pd.DataFrame:
    """Hourly bars, the first number ``first``, each known two minutes after its close unless said otherwise."""
    opened = pd.DatetimeIndex([at(first + k) for k in range(len(closes))]).as_unit("us")
    closed = opened + pd.Timedelta(HOUR)
    values = np.asarray(closes, dtype=np.float64)
    return pd.DataFrame(
        {
            "ticker": ticker,
            "opened_at": opened,
            "closed_at": closed,
            "open": values,
            "high": values * 1.01,
            "low": values * 0.99,
            "close": values,
            "volume": volume,
            "known_at": closed + pd.Timedelta(minutes=2) if known_at is None else pd.Timestamp(known_at).as_unit("us"),
        }
    )


def features(
    values: Sequence[float], ticker: str = "AAPL", first: int = 0, known_at: datetime | None = None
) -> pd.DataFrame:
    """Feature rows of those hourly bars: every column the given value, plus its own number."""
    frame = bars([1.0] * len(values), ticker, first, known_at)[["ticker", "closed_at", "known_at"]]
    block = np.asarray(values, dtype=np.float32)[:, None] + np.arange(len(FEATURE_COLUMNS), dtype=np.float32)
    return pd.concat([frame, pd.DataFrame(block, columns=list(FEATURE_COLUMNS))], axis=1)


def predictions(as_of: datetime, ticker: str = "AAPL", last_close: float = 100.0, **changes: Any) -> pd.DataFrame:
    """The seven forecasts of one ticker, from the bar that closed on the hour before ``as_of``."""
    anchored_at = as_of.replace(minute=0)
    frame = prices(as_of, ticker, last_close)
    targets = pd.DatetimeIndex([anchored_at + h * HOUR for h in range(1, HORIZON_COUNT + 1)]).as_unit("us")
    return frame.assign(
        **{
            "target_at": targets,
            "anchored_at": anchored_at,
            "last_close": last_close,
            "model_version": "m1",
            "width_factor": 1.0,
            "tail_width_factor": 1.0,
            "is_fallback": False,
            "fallback_reason": None,
            "source": "yahoo",
            "written_by": "hourly",
            "is_refresh": False,
            "believed_price": None,
            "believed_at": None,
            "reasons": None,
            **changes,
        }
    )


def prices(as_of: datetime, ticker: str = "AAPL", median: float = 100.0) -> pd.DataFrame:
    """Keys and quantiles of seven forecasts, wider with the horizon."""
    horizons = np.arange(1, HORIZON_COUNT + 1)
    frame = pd.DataFrame(median + np.sqrt(horizons)[:, None] * SPREAD, columns=list(QUANTILE_COLUMNS))
    frame.insert(0, "ticker", ticker)
    frame.insert(1, "as_of", as_of)
    frame.insert(2, "horizon", horizons)
    return frame


def scores(matured: pd.DataFrame, scored_as_of: datetime, crps: float = 10.0) -> pd.DataFrame:
    """Scores of matured forecasts: the error is true, the losses are the given number."""
    inside = {
        f"is_inside_{name}": matured["actual_close"].between(matured[low], matured[high])
        for name, low, high in ((50, "q25", "q75"), (80, "q10", "q90"), (90, "q05", "q95"), (95, "q025", "q975"))
    }
    keys = matured[["ticker", "as_of", "horizon", "method", "actual_close", "actual_known_at", "is_refresh"]]
    return keys.assign(
        pinball=crps / 2,
        crps=crps,
        absolute_error=(matured["actual_close"] - matured["q50"]).abs(),
        dividend_gap=matured["dividend_gap"],
        scored_as_of=scored_as_of,
        **inside,
    )


def version(
    as_of: datetime,
    ticker: str = "AAPL",
    model_version: str = "m1",
    row: int = 0,
    is_promoted: bool = True,
) -> ModelVersion:
    """A fine-tuned model."""
    return ModelVersion(
        ref=ModelRef(ticker, model_version, f"{model_version}.safetensors", row),
        as_of=as_of,
        parent_version=None,
        kind="fine_tune",
        is_promoted=is_promoted,
        config={"steps": 4},
        seed=2**62,
        code_version="c0de",
        window_count=10,
        loss_before=0.5,
        loss_after=None,
    )


def profile(ticker: str = "AAPL", source: str = "yahoo") -> TickerProfile:
    """A ticker of the New York exchange."""
    return TickerProfile(ticker, source, "XNYS", "America/New_York", "USD", f"{ticker} Inc.", 2)


def track(connection: Connection, *tickers: str, as_of: datetime = START, source: str = "yahoo") -> None:
    """Brings tickers from nothing to active as of ``as_of``."""
    registry.upsert_pending(connection, [(ticker, source, 729) for ticker in tickers], None, as_of)
    for ticker in tickers:
        registry.set_profile(connection, profile(ticker, source))
    registry.activate(connection, tickers, as_of)
