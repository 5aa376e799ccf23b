"""The API under ``/forecasts/api/v1``: the views of schema ``bi`` as JSON, and its description as OpenAPI document.

The endpoints are plain functions, which FastAPI runs in its thread pool: a slow query does not stop the server.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel

from include.store import page
from include.store.reader import Engine
from plugins.forecasts.responses import PROBLEM_TYPE, tagged_response
from plugins.forecasts.schemas import BarList, ForecastList, OutcomeList, Problem, Ticker, TickerPage

JSON = "application/json"
Sort = Literal[
    "ticker", "status", "freshness", "target_at", "last_bar_closed_at", "median_move_ratio", "interval_90_ratio"
]
Freshness = Literal[
    "", "no_data", "current", "market_closed", "due", "late", "stale", "failed", "rejected", "retired"
]  # fmt: skip
WITHOUT_NULL = r"^[^\x00]*$"  # Postgres has no text with a null byte
Name = Annotated[str, Path(max_length=40, pattern=WITHOUT_NULL, description="Symbol as Yahoo spells it.")]
Limit = Annotated[int, Query(ge=1, le=5000, description="How many at most, the newest.")]
Until = Annotated[AwareDatetime | None, Query(description="Nothing later than this instant, with its offset from UTC.")]

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {PROBLEM_TYPE: {}}}
router = APIRouter(
    prefix="/api/v1",
    responses={401: _PROBLEM, 403: _PROBLEM, 422: _PROBLEM, 503: _PROBLEM},
)


@router.get("/tickers", response_model=TickerPage, summary="Tickers with their newest forecast")
def list_tickers(
    request: Request,
    search: Annotated[
        str, Query(max_length=100, pattern=WITHOUT_NULL, description="Part of the ticker or its name.")
    ] = "",
    calendar: Annotated[
        str, Query(max_length=20, pattern=WITHOUT_NULL, description="Session calendar, such as XNYS.")
    ] = "",
    freshness: Freshness = "",
    sort: Sort = "ticker",
    is_descending: Annotated[bool, Query(description="Greatest first.")] = False,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000, description="Number of the page, from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """One page of tickers, sorted and filtered by the database."""
    query = page.OverviewQuery(search.strip(), calendar, freshness, sort, is_descending, number, page_size)
    found = page.read_overview(_engine(request), query)
    return _respond(
        request,
        TickerPage(
            tickers=[Ticker.model_validate(row) for row in found.tickers],
            ticker_count=found.ticker_count,
            page=number,
            page_size=page_size,
            calendars=found.calendars,
        ),
    )


@router.get("/tickers/{ticker}", response_model=Ticker, summary="One ticker and its newest forecast")
def get_ticker(request: Request, ticker: Name) -> Response:
    """The ticker's row, with the fan of its newest forecast."""
    row = page.read_ticker(_engine(request), ticker)
    if row is None:
        raise HTTPException(404, f"{ticker} was never added. Start the DAG onboard_ticker to add it.")
    return _respond(request, Ticker.model_validate(row))


@router.get("/tickers/{ticker}/bars", response_model=BarList, summary="Bars of a ticker")
def list_bars(request: Request, ticker: Name, limit: Limit = 500, until: Until = None) -> Response:
    """The newest bars, oldest first."""
    rows = page.read_bars(_engine(request), ticker, limit, until)
    return _respond(request, BarList.model_validate({"bars": rows}))


@router.get("/tickers/{ticker}/forecasts", response_model=ForecastList, summary="Stored forecasts of a ticker")
def list_forecasts(request: Request, ticker: Name, limit: Limit = 50, until: Until = None) -> Response:
    """The newest forecasts, newest first, with the closes that have come since."""
    rows = page.read_forecasts(_engine(request), ticker, limit, until)
    return _respond(request, ForecastList.model_validate({"forecasts": rows}))


@router.get("/tickers/{ticker}/outcomes", response_model=OutcomeList, summary="What became of a ticker, by hour")
def list_outcomes(request: Request, ticker: Name, limit: Limit = 24) -> Response:
    """The newest hours that planned the ticker."""
    return _respond(
        request, OutcomeList.model_validate({"outcomes": page.read_outcomes(_engine(request), ticker, limit)})
    )


@router.get("/openapi.json", include_in_schema=False)
def describe(request: Request) -> Response:
    """The OpenAPI document of this API."""
    return tagged_response(request, json.dumps(request.app.openapi()).encode(), JSON)


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.open_engine()
    return engine


def _respond(request: Request, content: BaseModel) -> Response:
    return tagged_response(request, content.model_dump_json().encode(), JSON)
