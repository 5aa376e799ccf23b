"""Tickers by the thousand around this moment, for what people see: each with bars, a forecast and a status."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS, TickerProfile, TickerStatus
from include.store import registry
from include.store.bars import upsert_bars
from include.store.engine import Connection, execute
from include.store.forecasts import save_predictions
from tests.support.rows import HOUR, SPREAD

MARKETS = (
    ("XNYS", "America/New_York", "USD", timedelta(hours=20)),
    ("XTAI", "Asia/Taipei", "TWD", timedelta(minutes=25)),
    ("24/7", "UTC", "USD", timedelta(minutes=25)),
    ("XLON", "Europe/London", "GBp", timedelta(hours=-5)),
)
"""Calendar, time zone, currency, and when its tickers' next bar closes, from now."""
BARS = 40
REASONS = 3
"""Every so many tickers has reasons for the width of its forecast."""


def fill(connection: Connection, count: int, now: datetime) -> list[str]:
    """Stores ``count`` active tickers as of ``now`` (UTC); their names. The same numbers for the same count."""
    random = np.random.default_rng(11)
    names = [f"T{number:04d}{'.SIM' if number % 10 == 9 else ''}" for number in range(count)]
    levels = np.exp(random.normal(4.0, 1.2, count))
    steps = random.normal(0.0, 0.006, (count, BARS))
    closes = levels[:, None] * np.exp(np.cumsum(steps, axis=1))
    _register(connection, names, now)
    upsert_bars(connection, _bars(names, closes, now))
    save_predictions(connection, _forecasts(names, closes[:, -1], now))
    execute(connection, "analyze forecast.ticker")
    return names


def _register(connection: Connection, names: Sequence[str], now: datetime) -> None:
    sources = ["simulated" if name.endswith(".SIM") else "yahoo" for name in names]
    registry.upsert_pending(connection, [(*pair, 729) for pair in zip(names, sources, strict=True)], None, now)
    for number, (name, source) in enumerate(zip(names, sources, strict=True)):
        calendar, zone, currency, _ = MARKETS[number % len(MARKETS)]
        profile = TickerProfile(name, source, calendar, zone, currency, f"Company number {number} of the trial", 2)
        registry.set_profile(connection, profile)
    registry.activate(connection, names, now - 30 * timedelta(days=1))
    registry.set_status(connection, names[-1], TickerStatus.STALE, "no bars since Monday", now)


def _bars(names: Sequence[str], closes: np.ndarray, now: datetime) -> pd.DataFrame:
    ends = pd.DatetimeIndex([now.replace(minute=0, second=0, microsecond=0) - k * HOUR for k in range(BARS)][::-1])
    closed = pd.DatetimeIndex(np.tile(ends, len(names)), tz="UTC").as_unit("us")
    values = closes.ravel()
    return pd.DataFrame(
        {
            "ticker": np.repeat(np.asarray(names, dtype=object), BARS),
            "opened_at": closed - HOUR,
            "closed_at": closed,
            "open": values * 0.999,
            "high": values * 1.004,
            "low": values * 0.996,
            "close": values,
            "volume": 1000.0,
            "known_at": closed + timedelta(minutes=2),
        }
    )


def _forecasts(names: Sequence[str], closes: np.ndarray, now: datetime) -> pd.DataFrame:
    count = len(names)
    horizons = np.tile(np.arange(1, HORIZON_COUNT + 1), count)
    price = np.repeat(closes, HORIZON_COUNT)
    ahead = np.repeat([MARKETS[number % len(MARKETS)][3] for number in range(count)], HORIZON_COUNT)
    quantiles = price[:, None] * (1 + 0.004 * np.sqrt(horizons)[:, None] * SPREAD)
    frame = pd.DataFrame(quantiles, columns=list(QUANTILE_COLUMNS))
    made = pd.DatetimeIndex([now + min(first - HOUR, timedelta()) for first in ahead]).as_unit("us")
    targets = pd.DatetimeIndex([now + first + (int(h) - 1) * HOUR for first, h in zip(ahead, horizons, strict=True)])
    reason = [{"text": "report of the company in 2 days; range 1.4 times as wide"}]
    reasons = [reason if number % REASONS == 0 else None for number in range(count)]
    fallback = np.repeat([number % 17 == 0 for number in range(count)], HORIZON_COUNT)
    return frame.assign(
        ticker=np.repeat(np.asarray(names, dtype=object), HORIZON_COUNT),
        as_of=made,
        horizon=horizons,
        target_at=targets.as_unit("us"),
        anchored_at=made.floor("h"),
        last_close=price,
        model_version="m1",
        width_factor=1.0,
        tail_width_factor=1.0,
        is_fallback=fallback,
        fallback_reason=np.where(fallback, "40 bars of history; a model needs 512", None),
        source="yahoo",
        written_by="hourly",
        is_refresh=False,
        believed_price=None,
        believed_at=None,
        reasons=[reason for reason in reasons for _ in range(HORIZON_COUNT)],
    )
