"""The API of the models: drift that is proven now, and what was done with the backbones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from include.store import page_models
from plugins.forecasts.endpoints import PREFIX, PROBLEMS, Since, Until, respond, store_engine

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


class Drift(BaseModel):
    """One kind of drift that the newest look found in one market."""

    is_simulated: bool
    calendar: str = Field(description="Session calendar; all for all markets together.")
    kind: str = Field(description="coverage, pit, shape, skill, missing, late, rejected or revised.")
    drifted_at: datetime = Field(description="as_of of the first look in a row that found it proven.")
    as_of: datetime = Field(description="as_of of the newest look.")
    reason: str = Field(description="What the last 28 days were like, in words.")


class ModelOperation(BaseModel):
    """One thing that was done with a backbone."""

    as_of: datetime = Field(description="The decision used nothing known later; hours from then on follow it.")
    operation: str = Field(description="retrain, promote, reject or roll back.")
    reason: str
    decided_by: str
    model_version: str | None
    request_id: str | None
    happened_at: datetime


class ModelState(BaseModel):
    """Drift now, and the newest operations, newest first."""

    drift: list[Drift]
    operations: list[ModelOperation]


@router.get("/models", response_model=ModelState, summary="Drift, and what was done with the backbones")
def get_models(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500, description="How many operations at most, the newest.")] = 20,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Drift that the newest look found proven, and the newest operations of the period."""
    engine = store_engine(request)
    found = {"drift": page_models.read_drift(engine)}
    found["operations"] = page_models.read_operations(engine, limit, since, until)
    return respond(request, ModelState.model_validate(found))
