"""What DAG files share: default arguments, the retry policy, and the ``as_of`` of a run.

The only module of ``include`` that imports Airflow. DAG files import it while they are parsed, so it imports nothing
heavy: no torch, pandas, yfinance or sqlalchemy. The use cases are imported inside the task bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from include.contracts import require_utc
from include.errors import DataContractError, InvalidRequestError, PermanentError

TRAINING_POOL = "training"
"""Airflow pool with one slot for each core, since a training task uses one thread."""

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


def run_as_of(context: Mapping[str, Any]) -> datetime:
    """A run's ``as_of``, UTC: the end of its data interval or, without one, the instant from which on it may run.

    Runs without a logical date (the default of the REST API) have no data interval: the context lacks the key. A clear
    or a retry keeps both values, so a run's ``as_of`` never changes. The result is a plain datetime, because Airflow's
    class loses its time zone when a timedelta is subtracted.
    """
    interval_end = context.get("data_interval_end")
    moment = interval_end if interval_end is not None else context["dag_run"].run_after
    return require_utc(datetime.fromisoformat(moment.isoformat()), "as_of")


def requested_as_of(context: Mapping[str, Any], text: str | None) -> datetime:
    """The instant given in the form, UTC; without one, the run's ``as_of``.

    Raises:
        InvalidRequestError: the text is no date and time with a zone.
    """
    if not text:
        return run_as_of(context)
    try:
        return require_utc(datetime.fromisoformat(text), "as_of")
    except (ValueError, DataContractError) as error:
        message = f"as_of={text!r} is no date and time with a zone; write it like 2025-03-31T20:35:00+00:00."
        raise InvalidRequestError(message) from error
