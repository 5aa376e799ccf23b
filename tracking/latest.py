"""Forecasts of each ticker's newest bar by a backbone, from a frame of bars alone. No database, no clock.

Where next: ``backbone_model.py``, which MLflow loads.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS, TickerProfile
from include.errors import InvalidRequestError
from include.evaluation.history import History
from include.evaluation.walkforward import Fold
from include.market.quality import reject_bars
from include.market.sessions import calendar_of, feed_delay_minutes, next_closes, timezone_of
from include.market.source import FILES, make_bars
from include.model.shard import ShardState
from include.pipeline.data.histories import history_of
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster

COLUMNS = ("ticker", "opened_at", "open", "high", "low", "close", "volume")


def forecast_latest(state: ShardState, bars: pd.DataFrame) -> pd.DataFrame:
    """A row for each ticker and horizon: ``ticker, anchored_at, horizon, target_at, q025 ... q975`` in prices.

    ``bars`` has COLUMNS; ``opened_at`` is UTC. Quantiles are NaN where a ticker has too few bars for a window.

    Raises:
        InvalidRequestError: a column is missing, there are no bars, or the hours of a ticker's exchange are not known.
    """
    missing = [name for name in COLUMNS if name not in bars]
    if missing or bars.empty:
        message = f"Bars need the columns {', '.join(COLUMNS)} and a row; missing: {', '.join(missing) or 'rows'}."
        raise InvalidRequestError(message)
    parts = [_forecast(state, str(ticker), rows) for ticker, rows in bars.groupby("ticker", sort=True)]
    return pd.concat(parts, ignore_index=True)


def _forecast(state: ShardState, ticker: str, rows: pd.DataFrame) -> pd.DataFrame:
    history, calendar = _history(ticker, rows)
    newest = history.closed_at[-1]
    fold = Fold(0, newest, newest, newest + np.timedelta64(1, "us"))
    quantiles = BackboneForecaster(state)({ticker: history}, fold)[ticker][-1]  # [H, Q]
    anchored_at = datetime.fromisoformat(str(newest)).replace(tzinfo=UTC)
    prices = pd.DataFrame(history.close[-1] * np.exp(quantiles), columns=list(QUANTILE_COLUMNS))
    ahead = {
        "ticker": ticker,
        "anchored_at": pd.Timestamp(anchored_at),
        "horizon": np.arange(1, HORIZON_COUNT + 1),
        "target_at": pd.DatetimeIndex(next_closes(calendar, anchored_at, HORIZON_COUNT)),
    }
    return pd.concat([pd.DataFrame(ahead), prices], axis=1)


def _history(ticker: str, rows: pd.DataFrame) -> tuple[History, str]:
    """The accepted bars as a history, and the ticker's calendar."""
    calendar = calendar_of(ticker)
    opened_at = pd.to_datetime(rows["opened_at"], utc=True).dt.as_unit("us")
    raw = rows.assign(opened_at=opened_at).sort_values("opened_at")
    made = make_bars(ticker, calendar, raw)
    profile = TickerProfile(ticker, FILES, calendar, timezone_of(calendar), None, None, feed_delay_minutes(calendar))
    until = pd.Timestamp(made["closed_at"].max()).to_pydatetime() + timedelta(minutes=profile.feed_delay_minutes)
    accepted, rejected = reject_bars(made, {ticker: profile}, until)
    if accepted.empty:
        message = f"{ticker}: none of {len(rejected)} bars is one of calendar {calendar}; give hourly bars in UTC."
        raise InvalidRequestError(message)
    return history_of(accepted.reset_index(drop=True), profile), calendar
