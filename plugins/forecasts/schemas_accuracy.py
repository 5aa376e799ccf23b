"""What the API of a ticker's accuracy returns. Names and units are those of the views in schema ``bi``."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field


class DailyScore(BaseModel):
    """How good the forecasts of one day were."""

    day_exchange: date = Field(description="Day on the exchange's clock.")
    horizon: int
    is_refresh: bool = Field(description="True for forecasts that start from a price of extended hours.")
    forecast_count: int
    fallback_count: int
    mean_absolute_error: float | None = Field(description="Of the median, in currency.")
    currency: str | None
    mean_crps: float | None = Field(description="In basis points of log return; lower is better.")
    random_walk_mean_crps: float | None
    har_mean_crps: float | None
    crps_skill_ratio: float | None = Field(description="Share of the random walk's CRPS that is saved.")
    har_crps_skill_ratio: float | None = Field(description="Share of HAR's CRPS that is saved.")
    coverage_50_ratio: float | None
    coverage_80_ratio: float | None
    coverage_90_ratio: float | None
    coverage_95_ratio: float | None
    direction_count: int | None
    direction_hit_ratio: float | None


class WindowScore(BaseModel):
    """How good the regular forecasts of the last days were."""

    horizon: int
    window_days: int | None = Field(description="1, 7, 30 or 90; null for all time.")
    day_count: int
    forecast_count: int
    fallback_count: int
    first_day_exchange: date | None
    last_day_exchange: date | None
    mean_absolute_error: float | None
    last_close_mean_absolute_error: float | None
    currency: str | None
    mean_pinball: float | None
    mean_crps: float | None
    random_walk_mean_crps: float | None
    har_mean_crps: float | None
    crps_skill_ratio: float | None
    crps_skill_error: float | None = Field(description="Standard error that takes a day as one observation.")
    har_crps_skill_ratio: float | None
    har_crps_skill_error: float | None
    coverage_50_ratio: float | None
    coverage_80_ratio: float | None
    coverage_90_ratio: float | None
    coverage_95_ratio: float | None
    direction_count: int | None
    direction_hit_ratio: float | None
    direction_hit_lower_ratio: float | None = Field(description="Lower end of its 95 % interval.")
    direction_hit_upper_ratio: float | None
    verdict: str = Field(description="too few days, edge, no edge shown, or worse than the random walk.")


class Assessment(BaseModel):
    """What the measured numbers say a ticker's forecast is good for, in sentences."""

    good_for: list[str]
    not_good_for: list[str]
    basis: str = Field(description="What was measured.")


class ScoreList(BaseModel):
    """Accuracy over windows of days, by horizon, and what it means."""

    windows: list[WindowScore]
    assessment: Assessment


class DailyScoreList(BaseModel):
    """Accuracy by day, newest first."""

    days: list[DailyScore]


class CalibrationLevel(BaseModel):
    """How often closes were below a quantile."""

    quantile_level: float
    forecast_count: int
    below_count: int
    observed_ratio: float = Field(description="Share of closes below the quantile; the aim is the level.")
    market_forecast_count: int | None
    market_observed_ratio: float | None = Field(description="The same over all tickers of the market.")


class CalibrationList(BaseModel):
    """The calibration curve of regular forecasts, lowest level first."""

    levels: list[CalibrationLevel]
