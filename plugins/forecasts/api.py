"""The API under ``/forecasts/api/v1``: the views of schema ``bi`` as JSON, and its description as OpenAPI document.

The endpoints are plain functions, which FastAPI runs in its thread pool: a slow query does not stop the server.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from include.store import page
from plugins.forecasts.endpoints import JSON, PREFIX, PROBLEMS, WITHOUT_NULL, TickerName, respond, store_engine
from plugins.forecasts.overview import Choice, Listing, choose
from plugins.forecasts.responses import tagged_response
from plugins.forecasts.schemas import Ticker, TickerPage

Sort = Literal[
    "ticker", "status", "freshness", "target_at", "last_bar_closed_at", "median_move_ratio", "interval_90_ratio",
    "crps_skill_ratio", "har_crps_skill_ratio", "coverage_90_ratio",
]  # fmt: skip
Freshness = Literal[
    "", "no_data", "current", "market_closed", "due", "late", "stale", "failed", "rejected", "retired"
]  # fmt: skip
Status = Literal["", "pending", "backfilling", "training", "active", "stale", "rejected", "failed", "retired"]
router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/tickers", response_model=TickerPage, summary="Tickers with their newest forecast")
def list_tickers(
    request: Request,
    search: Annotated[
        str, Query(max_length=100, pattern=WITHOUT_NULL, description="Part of the ticker or its name.")
    ] = "",
    calendar: Annotated[
        str, Query(max_length=20, pattern=WITHOUT_NULL, description="Session calendar, such as XNYS.")
    ] = "",
    status: Status = "",
    freshness: Freshness = "",
    sort: Sort = "ticker",
    is_descending: Annotated[bool, Query(description="Greatest first.")] = False,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000, description="Number of the page, from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """One page of tickers, sorted and filtered by the server."""
    choice = Choice(search.strip(), calendar, status, freshness, sort, is_descending, number, page_size)
    engine = store_engine(request)
    listing: Listing = request.app.state.listing
    chosen = choose(listing.rows(), choice)
    rows = page.read_tickers(engine, chosen.tickers, listing.skills())
    return respond(
        request,
        TickerPage(
            tickers=[Ticker.model_validate(row) for row in rows],
            ticker_count=chosen.ticker_count,
            freshness_counts=chosen.freshness_counts,
            page=number,
            page_size=page_size,
            calendars=chosen.calendars,
        ),
    )


@router.get("/tickers/{ticker}", response_model=Ticker, summary="One ticker and its newest forecast")
def get_ticker(request: Request, ticker: TickerName) -> Response:
    """The ticker's row, with the fan of its newest forecast."""
    row = page.read_ticker(store_engine(request), ticker)
    if row is None:
        raise HTTPException(404, f"{ticker} was never added. Start the DAG onboard_ticker to add it.")
    return respond(request, Ticker.model_validate(row))


@router.get("/openapi.json", include_in_schema=False)
def describe(request: Request) -> Response:
    """The OpenAPI document of this API."""
    return tagged_response(request, json.dumps(request.app.openapi()).encode(), JSON)
