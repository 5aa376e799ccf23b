"""What the tasks of ``pretrain_backbone`` call: one function a task, plain JSON values in and out.

A module apart from ``pipeline/tasks.py``, so that a task of an hour does not import the pre-trainer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from include.pipeline.pretraining import champions, comparison, promotions, requests
from include.pipeline.services import opened_services

Json = dict[str, Any]
APPROVE: Final = "Approve"
"""The option of Airflow's form that lets a backbone serve."""


def plan(request_id: str, as_of: datetime, params: Mapping[str, Any]) -> Json:
    """Checks and stores a request to pre-train a backbone; counts of tickers."""
    comparison.checked_methods(params.get("compare_with"))
    with opened_services() as services:
        request = requests.BackboneRequest.from_params(request_id, as_of, params)
        return dict(requests.plan(services, request))


def train(request_id: str) -> Json:
    """Trains the requested backbone; its version and the count of bars."""
    with opened_services() as services:
        return requests.train(services, request_id)


def score(request_id: str) -> Json:
    """Compares the requested backbone with the present one, the scale alone and HAR; skills."""
    with opened_services() as services:
        return dict(promotions.score(services, request_id))


def compare(request_id: str, methods: Sequence[str] | None) -> Json:
    """Trains the named methods beside the requested backbone and scores them; the skills of all forecasters."""
    with opened_services() as services:
        return dict(comparison.compare(services, request_id, methods))


def judge(request_id: str) -> Json:
    """Rejects the requested backbone if it does not pass the rule; ``is_open`` if a person is to decide, and a note."""
    with opened_services() as services:
        return _noted(promotions.judge(services, request_id))


def promote(request_id: str, response: Mapping[str, Any] | None = None) -> Json:
    """Lets the requested backbone serve if it passes the rule; the decision with its reason, and the note of the run.

    ``response`` is the result of Airflow's task that waited for a person.
    """
    with opened_services() as services:
        return _noted(promotions.promote(services, request_id, None if response is None else _answer(response)))


def _noted(decision: Json) -> Json:
    open_or_rejected = "waits for approval" if decision["is_open"] else "does not serve"
    words = "serves" if decision["is_promoted"] else open_or_rejected
    return {**decision, "note": f"The new backbone {words} ({decision['reason']})."}


def _answer(response: Mapping[str, Any]) -> promotions.Answer:
    """Airflow gives no user where it took the default because no answer came in time."""
    user = response["responded_by_user"]
    return promotions.Answer(
        is_approved=response["chosen_options"] == [APPROVE],
        decided_by=None if user is None else str(user["name"]),
        reason=str(response["params_input"].get("reason") or ""),
    )


def review(as_of: datetime) -> Json:
    """Takes the backbone in use back if it lost its first two weeks, or confirms it; the decision with its reason."""
    with opened_services() as services:
        return champions.review(services, as_of)
