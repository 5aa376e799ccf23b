"""The API of how good a ticker's forecasts were: over windows of days, by day, and by level of the quantiles."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from include.contracts import HORIZON_COUNT
from include.store import page, page_accuracy
from include.store.page_ticker import Days
from plugins.forecasts.assessment import assess
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, FirstDay, LastDay, TickerName, respond, store_engine
from plugins.forecasts.schemas_accuracy import CalibrationList, DailyScoreList, ScoreList

OneHorizon = Annotated[int, Query(ge=1, le=HORIZON_COUNT, description="Number of bars ahead.")]


class WindowDays(IntEnum):
    """Windows of days for which there is a calibration curve of the market."""

    MONTH = 30
    QUARTER = 90


router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/tickers/{ticker}/scores", response_model=ScoreList, summary="Accuracy over the last days")
def list_scores(request: Request, ticker: TickerName) -> Response:
    """Errors, skill with its standard error, and coverage over 1, 7, 30, 90 days and all time."""
    engine = store_engine(request)
    row = page.read_ticker(engine, ticker)
    if row is None:
        raise HTTPException(404, f"{ticker} was never added. Start the DAG onboard_ticker to add it.")
    windows = page_accuracy.read_windows(engine, ticker)
    return respond(request, ScoreList.model_validate({"windows": windows, "assessment": assess(row, windows)}))


@router.get("/tickers/{ticker}/scores/daily", response_model=DailyScoreList, summary="Accuracy by day")
def list_daily_scores(
    request: Request,
    ticker: TickerName,
    horizon: OneHorizon = 1,
    since_day: FirstDay = None,
    until_day: LastDay = None,
) -> Response:
    """Each day, regular and refreshed forecasts apart, newest first; without days the last 30."""
    rows = page_accuracy.read_daily(store_engine(request), ticker, horizon, Days(since_day, until_day))
    return respond(request, DailyScoreList.model_validate({"days": rows}))


@router.get("/tickers/{ticker}/calibration", response_model=CalibrationList, summary="Calibration curve")
def list_calibration(
    request: Request,
    ticker: TickerName,
    horizon: OneHorizon = 1,
    window_days: Annotated[WindowDays, Query(description="Forecasts of so many days.")] = WindowDays.QUARTER,
) -> Response:
    """How often closes were below each quantile, beside the ticker's market."""
    rows = page_accuracy.read_calibration(store_engine(request), ticker, horizon, window_days.value)
    return respond(request, CalibrationList.model_validate({"levels": rows}))
