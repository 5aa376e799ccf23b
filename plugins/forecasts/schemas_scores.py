"""What the API returns about scores. Names and units are those of ``bi.leaderboard`` and ``bi.accuracy_window``."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field


class MethodScore(BaseModel):
    """One method in one market at one horizon."""

    is_simulated: bool
    calendar: str | None = Field(description="Session calendar; null for all markets together.")
    horizon: int
    method: str = Field(description="hourcast, random_walk or seasonal_har.")
    ticker_count: int | None
    day_count: int
    forecast_count: int
    mean_crps: float = Field(description="Basis points of log return; lower is better.")
    crps_skill_ratio: float | None = Field(description="How much lower our CRPS is than this method's; null for ours.")
    crps_skill_error: float | None = Field(description="Standard error of that; a day is one observation.")
    coverage_90_ratio: float | None = Field(description="Share of closes within the method's 90 % interval.")
    place: int = Field(description="1 for the lowest CRPS.")


class DaySkill(BaseModel):
    """The skill of one day."""

    day_exchange: date
    forecast_count: int
    crps_skill_ratio: float | None = Field(description="Against the random walk.")


class RankedTicker(BaseModel):
    """One of the best or the worst tickers by skill against the random walk."""

    ticker: str
    calendar: str | None
    day_count: int
    forecast_count: int
    crps_skill_ratio: float
    crps_skill_error: float | None
    har_crps_skill_ratio: float | None
    har_crps_skill_error: float | None
    coverage_90_ratio: float | None
    verdict: str


class Scoreboard(BaseModel):
    """The scores of a choice."""

    sentence: str = Field(description="What the numbers show, in words; ± is two standard errors.")
    is_simulated: bool = Field(description="True if the market is simulated.")
    methods: list[MethodScore] = Field(description="Every market at this horizon, and this market at every horizon.")
    daily: list[DaySkill] = Field(description="The chosen market, a day each.")
    best: list[RankedTicker]
    worst: list[RankedTicker]
    ranked_count: int = Field(description="Tickers with enough days to be ranked.")
