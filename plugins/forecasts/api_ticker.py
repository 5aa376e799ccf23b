"""The API of one ticker: its bars, forecasts, events, outcomes, model versions and the quality of its data."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from include.store import page_ticker
from include.store.page_ticker import Days, Period
from plugins.forecasts.endpoints import (
    PREFIX,
    PROBLEMS,
    FirstDay,
    Horizon,
    LastDay,
    Limit,
    Since,
    TickerName,
    Until,
    respond,
    store_engine,
)
from plugins.forecasts.schemas_ticker import BarList, EventList, ForecastList, OutcomeList, QualityList, VersionList

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/tickers/{ticker}/bars", response_model=BarList, summary="Bars of a ticker")
def list_bars(
    request: Request,
    ticker: TickerName,
    limit: Annotated[int, Query(ge=1, le=20_000, description="How many at most, the newest.")] = 500,
    since: Since = None,
    until: Until = None,
) -> Response:
    """The newest bars of the period, oldest first."""
    rows = page_ticker.read_bars(store_engine(request), ticker, Period(limit, since, until))
    return respond(request, BarList.model_validate({"bars": rows}))


@router.get("/tickers/{ticker}/forecasts", response_model=ForecastList, summary="Stored forecasts of a ticker")
def list_forecasts(
    request: Request,
    ticker: TickerName,
    limit: Limit = 50,
    since: Since = None,
    until: Until = None,
    horizon: Horizon = None,
) -> Response:
    """The newest forecasts of the period, newest first, with the closes that have come since."""
    rows = page_ticker.read_forecasts(store_engine(request), ticker, Period(limit, since, until), horizon)
    return respond(request, ForecastList.model_validate({"forecasts": rows}))


@router.get("/tickers/{ticker}/outcomes", response_model=OutcomeList, summary="Outcomes of a ticker, by hour")
def list_outcomes(request: Request, ticker: TickerName, limit: Limit = 24) -> Response:
    """The newest hours that planned the ticker."""
    rows = page_ticker.read_outcomes(store_engine(request), ticker, limit)
    return respond(request, OutcomeList.model_validate({"outcomes": rows}))


@router.get("/tickers/{ticker}/events", response_model=EventList, summary="Reports, announcements, dividends, splits")
def list_events(
    request: Request,
    ticker: TickerName,
    limit: Limit = 500,
    since_day: FirstDay = None,
    until_day: LastDay = None,
) -> Response:
    """Events beside the bars, newest first; without days those of 30 days before and after today."""
    rows = page_ticker.read_events(store_engine(request), ticker, Days(since_day, until_day), limit)
    return respond(request, EventList.model_validate({"events": rows}))


@router.get("/tickers/{ticker}/versions", response_model=VersionList, summary="Versions of a ticker's model")
def list_versions(
    request: Request,
    ticker: TickerName,
    limit: Limit = 50,
    until: Until = None,
    is_promoted: Annotated[bool, Query(description="Only versions that may serve.")] = False,
) -> Response:
    """What served, since when, and on what evidence; newest first."""
    rows = page_ticker.read_versions(store_engine(request), ticker, Period(limit, None, until), is_promoted)
    return respond(request, VersionList.model_validate({"versions": rows}))


@router.get("/tickers/{ticker}/quality", response_model=QualityList, summary="Quality of a ticker's bars, by day")
def list_quality(
    request: Request, ticker: TickerName, since_day: FirstDay = None, until_day: LastDay = None
) -> Response:
    """Bars due, stored, missing, late, revised and rejected, newest day first; without days the last 30."""
    rows = page_ticker.read_quality(store_engine(request), ticker, Days(since_day, until_day))
    return respond(request, QualityList.model_validate({"days": rows}))
