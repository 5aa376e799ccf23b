"""What the API of one ticker returns. Names and units are those of the views in schema ``bi``."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class Bar(BaseModel):
    """One bar, in the ticker's currency."""

    opened_at: datetime
    closed_at: datetime
    closed_at_exchange: datetime | None = Field(description="The close on the exchange's clock.")
    open: float
    high: float
    low: float
    close: float
    volume: float | None


class PastBar(BaseModel):
    """What a past forecast said of one bar, and what came."""

    horizon: int
    target_at: datetime
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    actual_close: float | None = Field(description="Close of the bar; null until it is known.")
    is_inside_50: bool | None
    is_inside_90: bool | None


class PastForecast(BaseModel):
    """A stored forecast."""

    as_of: datetime
    anchored_at: datetime
    last_close: float
    is_refresh: bool
    believed_price: float | None
    believed_at: datetime | None
    is_fallback: bool
    model_version: str | None
    bars: list[PastBar]


class Outcome(BaseModel):
    """What became of a ticker in one hour."""

    as_of: datetime
    stage: str
    status: str
    reason: str | None
    anchored_at: datetime | None
    believed_at: datetime | None
    model_version: str | None
    updated_at: datetime


class BarList(BaseModel):
    """Bars of a ticker, oldest first."""

    bars: list[Bar]


class ForecastList(BaseModel):
    """Forecasts of a ticker, newest first."""

    forecasts: list[PastForecast]


class OutcomeList(BaseModel):
    """Outcomes of a ticker, newest hour first."""

    outcomes: list[Outcome]
