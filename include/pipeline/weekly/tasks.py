"""What the task of ``weekly_report`` calls: plain JSON values in and out.

A module apart from ``pipeline/tasks.py``, so that a task of an hour does not import the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.pipeline.onboarding_form import split_names
from include.pipeline.services import opened_services
from include.pipeline.weekly.report import write_report

Json = dict[str, Any]


def write_weekly_report(as_of: datetime, params: Mapping[str, Any]) -> Json:
    """Writes the report of the week up to ``as_of``; its files and the run's note."""
    with opened_services() as services:
        return write_report(services, as_of, split_names(params.get("tickers") or ()))
