"""Where Airflow meets the product: default arguments, retry policy, and the instant a run is about.

The only module of ``include`` that knows Airflow. Imported by DAG files at parse time, so it imports nothing heavy:
no torch, pandas, yfinance or sqlalchemy. The use cases themselves are imported inside the task bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from include.contracts import require_utc
from include.errors import DataContractError, InvalidRequestError, PermanentError

TRAINING_POOL = "training"
"""Airflow pool with one slot a core: a training task uses one thread, so the pool is the machine's compute."""

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=PermanentError, action=RetryAction.FAIL, reason="retrying cannot help; see the message"),
    ],
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "hourcast",
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "retry_policy": RETRY_POLICY,
    # an execution token outlives this (see the local environment and docker-compose.yaml)
    "execution_timeout": timedelta(minutes=50),
}


def as_of_of(context: Mapping[str, Any]) -> datetime:
    """The instant a run is about, in UTC: its data interval's end, else the moment it was asked to run.

    Runs without a logical date (the REST API's default) have no interval, and the context then lacks the key.
    A clear or a retry keeps both, so the answer never changes within a run. A plain datetime, since that of Airflow's
    own class loses its zone when a timedelta is taken from it.
    """
    interval_end = context.get("data_interval_end")
    moment = interval_end if interval_end is not None else context["dag_run"].run_after
    return require_utc(datetime.fromisoformat(moment.isoformat()), "as_of")


def requested_as_of(context: Mapping[str, Any], text: str | None) -> datetime:
    """The instant a person asked for in a form, in UTC, else the run's own.

    Raises:
        InvalidRequestError: the text is no date and time with a zone.
    """
    if not text:
        return as_of_of(context)
    try:
        return require_utc(datetime.fromisoformat(text), "as_of")
    except (ValueError, DataContractError) as error:
        message = f"as_of={text!r} is no date and time with a zone; write it like 2025-03-31T20:35:00+00:00."
        raise InvalidRequestError(message) from error
