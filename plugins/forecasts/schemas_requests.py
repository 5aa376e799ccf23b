"""What the API returns about requests for tickers. Names are those of the view ``bi.request``."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class NameCheck(BaseModel):
    """What a request for one name would do."""

    name: str = Field(description="The name as it was typed.")
    ticker: str = Field(description="The ticker that it means.")
    is_accepted: bool = Field(description="True if the request can be made.")
    detail: str = Field(description="Why, or why not, in words; empty if there is nothing to say.")
    status: str | None = Field(description="Present status of the ticker; null if it was never requested.")


class NameCheckList(BaseModel):
    """Checks in the order of the names."""

    checks: list[NameCheck]


class RequestedTicker(BaseModel):
    """One ticker of one request, and what became of it."""

    request_id: str = Field(description="Id of the run of onboard_ticker.")
    ticker: str = Field(description="Symbol; as it was typed if it is none.")
    kind: str = Field(description="onboard or retire.")
    as_of: datetime = Field(description="The request used nothing known later, UTC.")
    source: str | None
    is_simulated: bool | None
    stage: str = Field(description="Last completed stage: requested, validated, backfilled, trained or forecast.")
    result: str = Field(description="active, already_active, pending, rejected, failed, retired, ... or in progress.")
    is_refused: bool | None
    reason: str | None
    requested_by: str | None = Field(description="Airflow's user who asked; null for the command line.")
    ticker_status: str | None = Field(description="Present status of the ticker; null if the name is none.")
    updated_at: datetime = Field(description="When it last changed, UTC.")


class RequestList(BaseModel):
    """Requested tickers, those of the newest request first."""

    requests: list[RequestedTicker]
