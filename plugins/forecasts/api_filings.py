"""The API of filings: those of a ticker's company, and answers from them.

An answer is in the filings' own words, unless a language model is set up. Two answers at a time may wait for it, so
that a slow one does not take the server's threads.
"""

from __future__ import annotations

import threading
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from include.errors import InvalidRequestError
from include.store import page_filings
from plugins.forecasts.endpoints import (
    PREFIX,
    PROBLEMS,
    WITHOUT_NULL,
    Instant,
    TickerName,
    Until,
    respond,
    store_engine,
)
from plugins.forecasts.schemas_filings import Answer, FilingList

MODEL_SECONDS = 20.0
"""A person waits for the answer."""
_MODEL_USERS = threading.BoundedSemaphore(2)
_BUSY = "Other questions wait for the language model, so the answer is in the filings' own words."

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/tickers/{ticker}/filings", response_model=FilingList, summary="Filings of a ticker's company")
def list_filings(
    request: Request,
    ticker: TickerName,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most, the newest.")] = 50,
    until: Until = None,
) -> Response:
    """The newest filings that were accepted at ``until`` or before, newest first."""
    rows = page_filings.read_filings(store_engine(request), ticker, limit, until)
    return respond(request, FilingList.model_validate({"filings": rows}))


@router.get("/answers", response_model=Answer, summary="What filings say to a question")
def answer_question(
    request: Request,
    question: Annotated[str, Query(min_length=1, max_length=500, pattern=WITHOUT_NULL)],
    ticker: Annotated[
        str, Query(max_length=40, pattern=WITHOUT_NULL, description="Only filings of this company; empty for all.")
    ] = "",
    as_of: Annotated[
        Instant | None, Query(description="Nothing that became known later is seen; default: now.")
    ] = None,
    level: Literal["beginner", "expert"] = "beginner",
) -> Response:
    """Sentences and rows of filings with their citations, or a written answer whose sentences cite passages."""
    from include.filings.answering import Level, language_model, reply
    from include.store.filings_search import Bounds

    engine = store_engine(request)
    bounds = Bounds(as_of or page_filings.read_clock(engine), (ticker,) if ticker else None)
    model = language_model(MODEL_SECONDS)
    is_free = model is not None and _MODEL_USERS.acquire(blocking=False)
    try:
        found = reply(engine, question, bounds, Level(level), model if is_free else None).as_json()
    except InvalidRequestError as error:
        raise HTTPException(422, str(error)) from error
    finally:
        if is_free:
            _MODEL_USERS.release()
    if model is not None and not is_free:
        found["note"] = _BUSY
    return respond(request, Answer.model_validate(found))
