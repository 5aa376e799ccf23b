"""The API of one ticker: its bars, its forecasts, and what became of it each hour."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from include.store import page_ticker
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, Limit, TickerName, Until, respond, store_engine
from plugins.forecasts.schemas_ticker import BarList, ForecastList, OutcomeList

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/tickers/{ticker}/bars", response_model=BarList, summary="Bars of a ticker")
def list_bars(request: Request, ticker: TickerName, limit: Limit = 500, until: Until = None) -> Response:
    """The newest bars, oldest first."""
    rows = page_ticker.read_bars(store_engine(request), ticker, limit, until)
    return respond(request, BarList.model_validate({"bars": rows}))


@router.get("/tickers/{ticker}/forecasts", response_model=ForecastList, summary="Stored forecasts of a ticker")
def list_forecasts(request: Request, ticker: TickerName, limit: Limit = 50, until: Until = None) -> Response:
    """The newest forecasts, newest first, with the closes that have come since."""
    rows = page_ticker.read_forecasts(store_engine(request), ticker, limit, until)
    return respond(request, ForecastList.model_validate({"forecasts": rows}))


@router.get("/tickers/{ticker}/outcomes", response_model=OutcomeList, summary="Outcomes of a ticker, by hour")
def list_outcomes(request: Request, ticker: TickerName, limit: Limit = 24) -> Response:
    """The newest hours that planned the ticker."""
    rows = page_ticker.read_outcomes(store_engine(request), ticker, limit)
    return respond(request, OutcomeList.model_validate({"outcomes": rows}))
