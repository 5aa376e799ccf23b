"""What the endpoints of the API have in common: their prefix, problems, parameters, connections and responses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel

from include.contracts import HORIZON_COUNT
from include.store.reader import Engine
from plugins.forecasts.responses import PROBLEM_TYPE, tagged_response
from plugins.forecasts.schemas import Problem

PREFIX = "/api/v1"
JSON = "application/json"
EARLIEST = date(1900, 1, 1)
LATEST = date(2200, 1, 1)
WITHOUT_NULL = r"^[^\x00]*$"  # Postgres has no text with a null byte


def in_utc(value: datetime) -> datetime:
    """The same instant in UTC: Postgres does not take every offset that a text can have.

    Raises:
        ValueError: it is so near to the first or last year that it has no date in UTC.
    """
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        message = "is beyond the years 1 to 9999"
        raise ValueError(message) from error


Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
TickerName = Annotated[str, Path(max_length=40, pattern=WITHOUT_NULL, description="Symbol as Yahoo spells it.")]
Horizon = Annotated[int | None, Query(ge=1, le=HORIZON_COUNT, description="Only so many bars ahead.")]
Limit = Annotated[int, Query(ge=1, le=5000, description="How many at most, the newest.")]
Since = Annotated[Instant | None, Query(description="Nothing before this instant, with its offset from UTC.")]
Until = Annotated[Instant | None, Query(description="Nothing later than this instant, with its offset from UTC.")]
FirstDay = Annotated[date | None, Query(ge=EARLIEST, le=LATEST, description="First day on the exchange's clock.")]
LastDay = Annotated[date | None, Query(ge=EARLIEST, le=LATEST, description="Last day on the exchange's clock.")]

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {PROBLEM_TYPE: {}}}
PROBLEMS: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 403, 422, 503), _PROBLEM)
"""The errors that each endpoint can respond with, for the OpenAPI document."""


def store_engine(request: Request) -> Engine:
    """The app's connections to the database.

    Raises:
        SettingsError: no address is set.
    """
    engine: Engine = request.app.state.open_engine()
    return engine


def respond(request: Request, content: BaseModel) -> Response:
    """The content as JSON with its ETag; status 304 if the client has it already."""
    return tagged_response(request, content.model_dump_json().encode(), JSON)
