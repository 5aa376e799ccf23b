"""The API of the pipeline's hours: what became of each ticker."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from include.store import page_hours
from include.store.page_hours import OutcomeQuery
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, Instant, Limit, Until, respond, store_engine

Status = Literal["", "planned", "forecast", "refreshed", "fallback", "skipped", "failed"]

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


class Hour(BaseModel):
    """One planned hour, with its number of tickers by result."""

    as_of: datetime
    planned_at: datetime
    finished_at: datetime | None
    ticker_count: int
    forecast_count: int
    refreshed_count: int
    fallback_count: int
    skipped_count: int
    failed_count: int
    unfinished_count: int


class HourList(BaseModel):
    """Planned hours, newest first."""

    hours: list[Hour]


class HourOutcome(BaseModel):
    """What became of one ticker in the hour."""

    ticker: str
    source: str
    is_simulated: bool | None
    shard_index: int = Field(description="Number of its shard: the map index of the tasks.")
    stage: str
    status: str
    reason: str | None
    anchored_at: datetime | None
    believed_at: datetime | None
    updated_at: datetime


class HourOutcomePage(BaseModel):
    """One page of an hour's outcomes, problems first."""

    outcomes: list[HourOutcome]
    outcome_count: int = Field(description="Number of outcomes on all pages.")
    page: int
    page_size: int


@router.get("/hours", response_model=HourList, summary="Planned hours")
def list_hours(request: Request, limit: Limit = 24, until: Until = None) -> Response:
    """The newest hours that the pipeline planned, with their counts by result."""
    rows = page_hours.read_hours(store_engine(request), limit, until)
    return respond(request, HourList.model_validate({"hours": rows}))


@router.get("/hours/{as_of}/outcomes", response_model=HourOutcomePage, summary="Outcomes of an hour")
def list_hour_outcomes(
    request: Request,
    as_of: Annotated[Instant, Path(description="The hour's as_of, with its offset from UTC.")],
    status: Status = "",
    shard_index: Annotated[int | None, Query(ge=0, le=10_000, description="Only this shard.")] = None,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000, description="Number of the page, from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What became of each ticker in the hour, problems first."""
    query = OutcomeQuery(as_of, status, shard_index, number, page_size)
    rows, count = page_hours.read_hour_outcomes(store_engine(request), query)
    found = {"outcomes": rows, "outcome_count": count, "page": number, "page_size": page_size}
    return respond(request, HourOutcomePage.model_validate(found))
