"""What the API returns. Names and units are those of the views in schema ``bi`` (see ``docs/sql.md``)."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class Close(BaseModel):
    """The close of one bar."""

    closed_at: datetime = Field(description="When the bar closed, UTC.")
    close: float = Field(description="Its last price, in the ticker's currency.")


class ForecastBar(BaseModel):
    """The newest forecast of one bar: quantiles of its close, in the ticker's currency."""

    horizon: int = Field(description="Number of bars ahead, from 1.")
    target_at: datetime = Field(description="When the forecast bar closes, UTC.")
    target_at_exchange: datetime | None = Field(description="The same instant on the exchange's clock.")
    q025: float
    q05: float
    q10: float
    q25: float
    q50: float = Field(description="Median.")
    q75: float
    q90: float
    q95: float
    q975: float


class Ticker(BaseModel):
    """A ticker, how fresh it is, and its newest forecast."""

    ticker: str = Field(description="Symbol as Yahoo spells it.")
    name: str | None
    source: str = Field(description="Source of the bars: yahoo, files or simulated.")
    is_simulated: bool = Field(description="True if the market is simulated.")
    status: str = Field(description="pending, backfilling, training, active, stale, rejected, failed, retired.")
    status_reason: str | None
    freshness: str = Field(description="What to think of the newest forecast: current, market_closed, late, ...")
    calendar: str | None = Field(description="Session calendar, such as XNYS.")
    exchange_timezone: str | None = Field(description="IANA time zone of the exchange.")
    currency: str | None
    last_bar_closed_at: datetime | None = Field(description="When the newest bar closed, UTC.")
    as_of: datetime | None = Field(description="The newest forecast used nothing known later, UTC.")
    next_target_at: datetime | None = Field(description="When its first bar that is not past closes, UTC.")
    target_at_exchange: datetime | None = Field(description="The same instant on the exchange's clock.")
    price: float | None = Field(description="The price that the forecast starts from.")
    price_at: datetime | None = Field(description="When that price is from, UTC.")
    is_refresh: bool | None = Field(description="True if that price is one of extended hours.")
    is_fallback: bool | None = Field(description="True if it is the random walk's forecast in place of a model's.")
    fallback_reason: str | None
    reasons: str | None = Field(description="What moves or widens the forecast, in words.")
    median_move_ratio: float | None = Field(description="Median of the next close over price, less 1.")
    interval_90_ratio: float | None = Field(description="Width of the 90 % interval of the next close over price.")
    q05: float | None
    q50: float | None
    q95: float | None
    scored_count: int = Field(description="Forecasts of the next bar that were scored in the last 30 days.")
    scored_day_count: int = Field(description="Days of the exchange on which their bars closed.")
    coverage_90_ratio: float | None = Field(description="Share of their closes within the 90 % interval.")
    crps_skill_ratio: float | None = Field(description="How much lower their CRPS is than the random walk's, 1 is all.")
    crps_skill_error: float | None = Field(description="Standard error of that; a day is one observation.")
    har_crps_skill_ratio: float | None = Field(description="The same against the seasonal HAR.")
    har_crps_skill_error: float | None
    verdict: str | None = Field(description="What the skill shows: edge, no edge shown, too few days, or worse.")
    last_outcome_status: str | None
    last_outcome_reason: str | None
    closes: list[Close] = Field(description="The newest closes, oldest first.")
    fan: list[ForecastBar] = Field(description="The newest forecast, a bar each.")


class TickerPage(BaseModel):
    """One page of tickers."""

    tickers: list[Ticker]
    ticker_count: int = Field(description="Number of tickers on all pages.")
    freshness_counts: dict[str, int] = Field(description="Number of tickers by freshness, without that filter.")
    page: int = Field(description="Number of this page, from 1.")
    page_size: int
    calendars: list[str] = Field(description="Every session calendar that a ticker has.")


class Problem(BaseModel):
    """Problem details of RFC 9457."""

    type: str
    title: str
    status: int
    code: str = Field(description="A word for programs, such as database-down.")
    detail: str
