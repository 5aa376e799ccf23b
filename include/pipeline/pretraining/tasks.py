"""What the tasks of ``pretrain_backbone`` call: one function a task, plain JSON values in and out.

A module apart from ``pipeline/tasks.py``, so that a task of an hour does not import the pre-trainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.pipeline.pretraining import requests
from include.pipeline.services import opened_services

Json = dict[str, Any]


def plan(request_id: str, as_of: datetime, params: Mapping[str, Any]) -> Json:
    """Checks and stores a request to pre-train a backbone; counts of tickers."""
    with opened_services() as services:
        request = requests.BackboneRequest.from_params(request_id, as_of, params)
        return dict(requests.plan(services, request))


def train(request_id: str) -> Json:
    """Trains the requested backbone; its version and the count of bars."""
    with opened_services() as services:
        return requests.train(services, request_id)


def score(request_id: str) -> Json:
    """Compares the requested backbone with the scale alone and the present backbone; skills."""
    with opened_services() as services:
        return dict(requests.score(services, request_id))


def promote(request_id: str) -> Json:
    """Promotes the requested backbone if it is not worse; the decision with its reason."""
    with opened_services() as services:
        return requests.promote(services, request_id)
