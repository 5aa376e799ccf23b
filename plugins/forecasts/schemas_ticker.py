"""What the API of one ticker returns. Names and units are those of the views in schema ``bi``."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from plugins.forecasts.schemas_filings import Link


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
    shard_index: int = Field(description="Number of the shard that processed the ticker: the map index of its tasks.")
    stage: str = Field(description="Last completed stage: planned, fetched, featured, trained or predicted.")
    status: str = Field(description="planned, forecast, refreshed, fallback, skipped or failed.")
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


class Event(BaseModel):
    """An event beside a ticker's bars."""

    kind: str = Field(
        description="report, announcement, dividend, split, or a change, step or shift of the price scale."
    )
    day_exchange: date = Field(description="Its day on the exchange's clock.")
    effective_at: datetime | None = Field(
        description="Start of the first bar after it, UTC; of an announcement the end of the bar that spans it."
    )
    timing: str | None = Field(description="Of a report: before_open, after_close or unknown.")
    is_confirmed: bool | None = Field(description="Of a report: false if the day is an estimate.")
    known_at: datetime
    factor: float | None = Field(description="Old prices over new ones.")
    amount: float | None = Field(description="Dividend per unit, in the ticker's currency.")
    is_open: bool = Field(description="True if it is a question that is not settled.")
    description: str | None = Field(description="Of an announcement: its text.")
    reported_at: datetime | None = Field(
        description="Of a report: when the SEC accepted it; null if no filing says it."
    )
    receipt: str | None = Field(
        description="Of a report: accession number of its filing, or of the one that an estimate rests on; else null."
    )
    address: Link = Field(description="Of a report: where that filing is at the SEC; null if none is known.")
    named_by: str | None = Field(
        description="Of a report: yahoo, files, simulated, edgar for a filing, or estimate: from earlier reports."
    )


class EventList(BaseModel):
    """Events of a ticker, newest first."""

    events: list[Event]


class Version(BaseModel):
    """One version of a ticker's model."""

    as_of: datetime = Field(description="Hours from this instant on may use it, UTC.")
    model_version: str
    parent_version: str | None
    kind: str = Field(description="first_training, fine_tune or restart.")
    step_count: int | None
    reason: str | None
    is_promoted: bool = Field(description="True if it may serve.")
    until_as_of: datetime | None = Field(description="When the next version replaced it, UTC.")
    is_serving: bool
    window_count: int | None
    loss_before: float | None
    loss_after: float | None
    challenger_number: int | None
    bar_count: int | None = Field(description="Bars on which the challenger was compared with its reference.")
    e_value: float | None = Field(description="Evidence for the challenger: 1 is none, number n needs 20 n (n + 1).")
    is_proven: bool | None


class VersionList(BaseModel):
    """Versions of a ticker's model, newest first."""

    versions: list[Version]


class QualityDay(BaseModel):
    """The bars of one day on the exchange's clock."""

    day_exchange: date
    expected_count: int | None
    bar_count: int
    missing_count: int | None
    late_count: int
    revision_count: int
    rejection_count: int
    rejection_reasons: str | None
    scale_change_count: int
    scale_question_count: int


class QualityList(BaseModel):
    """Days with bars that were due or stored, newest first."""

    days: list[QualityDay]
