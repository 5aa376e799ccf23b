"""The endpoints of the page "Add tickers". They only read: Airflow's own API starts the run of ``onboard_ticker``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints

from include.store import page_requests
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, WITHOUT_NULL, respond, store_engine
from plugins.forecasts.schemas_requests import NameCheck, NameCheckList, RequestedTicker, RequestList

MOST_NAMES = 100
Action = Literal["add", "retire", "retrain"]
Text = Annotated[str, StringConstraints(max_length=250, pattern=WITHOUT_NULL)]

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/names", response_model=NameCheckList, summary="Whether names can be requested")
def check_names(
    request: Request,
    name: Annotated[list[Text], Query(min_length=1, max_length=MOST_NAMES, description="A name; can be repeated.")],
    action: Annotated[Action, Query(description="What would be requested.")] = "add",
) -> Response:
    """A check of each name, in order."""
    checks = page_requests.check_names(store_engine(request), name, action)
    return respond(request, NameCheckList(checks=[NameCheck(**asdict(check)) for check in checks]))


@router.get("/requests", response_model=RequestList, summary="Requests, and what became of each ticker")
def list_requests(
    request: Request,
    request_id: Annotated[
        list[Text] | None, Query(max_length=50, description="Id of a run; can be repeated. Without: the newest.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many requests at most.")] = 10,
) -> Response:
    """A row for each ticker of each request."""
    rows = page_requests.read_requests(store_engine(request), request_id or [], limit)
    return respond(request, RequestList(requests=[RequestedTicker.model_validate(row) for row in rows]))
