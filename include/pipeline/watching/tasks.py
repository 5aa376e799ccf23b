"""What the tasks of ``watch_models`` call: one function a task, plain JSON values in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from include.pipeline.services import opened_services
from include.pipeline.watching import decisions, looks

Json = dict[str, Any]


def look(as_of: datetime) -> Json:
    """Looks at drift; counts of tests, of drifts and of shifted inputs."""
    with opened_services() as services:
        return dict(looks.look(services, as_of))


def decide(as_of: datetime, request_id: str) -> Json:
    """Decides whether another backbone is trained; the decision, its reason, and the note of the run."""
    with opened_services() as services:
        found = decisions.decide(services, as_of, request_id)
    words = "Another backbone is trained" if found["decision"] == decisions.RETRAIN else "No backbone is trained"
    return {**found, "note": f"{words}: {found['reason']}."}
