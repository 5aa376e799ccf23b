"""The API of files: the rows of a view that are about one ticker, as CSV or Parquet."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from include.store.page_ticker import Period
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, Since, TickerName, Until, store_engine
from plugins.forecasts.responses import tagged_response

MOST_ROWS = 100_000
"""A file is made in memory, within the time that a person waits for it."""

View = Literal["bar", "forecast", "hour_outcome", "model_history", "event", "data_quality", "accuracy_daily"]
Format = Literal["csv", "parquet"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get(
    "/tickers/{ticker}/export/{view}",
    response_class=Response,
    responses={200: {"content": {media_type: {} for media_type in MEDIA_TYPES.values()}}},
    summary="Rows of a view as a file",
)
def export_view(
    request: Request,
    ticker: TickerName,
    view: View,
    file_format: Annotated[Format, Query(alias="format")] = "csv",
    since: Since = None,
    until: Until = None,
) -> Response:
    """The rows of the period, newest first, with all columns of the view; at most 100,000."""
    from include.store.page_export import TooManyRowsError, export_rows

    period = Period(MOST_ROWS, since, until)
    try:
        content = export_rows(store_engine(request), view, ticker, period, is_parquet=file_format == "parquet")
    except TooManyRowsError as error:
        raise HTTPException(422, str(error)) from error
    response = tagged_response(request, content, MEDIA_TYPES[file_format])
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(ticker, view, period, file_format)}"'
    return response


def file_name(ticker: str, view: str, period: Period, file_format: str) -> str:
    """The file's name: ticker, view and days. Other than letters, digits, dots and hyphens become one hyphen."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", ticker).strip(".-") or "ticker"
    days = [bound.strftime("%Y-%m-%d") for bound in (period.since, period.until) if bound]
    return f"{'_'.join([plain, view, *days])}.{file_format}"
