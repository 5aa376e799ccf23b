"""The endpoint of the scoreboard: our forecasts against the random walk and HAR."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from include.store.page_scores import ScoreChoice, Scores, read_scores
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, WITHOUT_NULL, respond, store_engine
from plugins.forecasts.schemas_scores import DaySkill, MethodScore, RankedTicker, Scoreboard
from plugins.forecasts.sentence import honest_sentence

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/scores", response_model=Scoreboard, summary="Our forecasts against the baselines")
def show_scores(
    request: Request,
    days: Annotated[Literal["7", "30", "90", "all"], Query(description="How many days back, or all time.")] = "30",
    horizon: Annotated[int, Query(ge=1, le=7, description="Number of bars ahead.")] = 1,
    is_refresh: Annotated[bool, Query(description="The forecasts that were refreshed by night.")] = False,
    calendar: Annotated[
        str, Query(max_length=20, pattern=WITHOUT_NULL, description="Session calendar; empty for all together.")
    ] = "",
    is_simulated: Annotated[
        bool | None, Query(description="Simulated markets, or real ones. Without: real ones if there are any.")
    ] = None,
    since: Annotated[date | None, Query(description="First day, on the exchanges' clocks, in place of days.")] = None,
    until: Annotated[date | None, Query(description="Last day.")] = None,
) -> Response:
    """The methods by market and by horizon, the skill by day, and the best and the worst tickers of ``days``."""
    if since or until:
        since, until = since or date(1970, 1, 1), until or date(2999, 12, 31)
    choice = ScoreChoice(
        None if days == "all" else int(days), horizon, is_refresh, calendar, is_simulated, since, until
    )
    scores = read_scores(store_engine(request), choice)
    return respond(
        request,
        Scoreboard(
            sentence=_sentence(scores, choice),
            is_simulated=scores.is_simulated,
            methods=[MethodScore.model_validate(row) for row in scores.methods],
            daily=[DaySkill.model_validate(row) for row in scores.daily],
            best=[RankedTicker.model_validate(row) for row in scores.best],
            worst=[RankedTicker.model_validate(row) for row in scores.worst],
            ranked_count=scores.ranked_count,
        ),
    )


def _sentence(scores: Scores, choice: ScoreChoice) -> str:
    rows = [
        row
        for row in scores.methods
        if row["horizon"] == choice.horizon
        and (row["calendar"] or "") == choice.calendar
        and row["is_simulated"] == scores.is_simulated
    ]
    every = "all simulated markets" if scores.is_simulated else "all markets"
    return honest_sentence(rows, choice.calendar or every)
