"""What DAG files share: default arguments, the retry policy, the ``as_of`` of a run, its note and its assets.

The only module of ``include`` that imports Airflow. DAG files import it while they are parsed, so it imports nothing
heavy: no torch, pandas, yfinance or sqlalchemy. The use cases are imported inside the task bodies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule

from include.contracts import require_utc
from include.errors import DataContractError, HourcastError, InvalidRequestError, PermanentError

_LOG: Final = logging.getLogger(__name__)
Result = TypeVar("Result")

FORECASTS = Asset("hourcast_forecasts")
"""Updated by every hour that finishes; the event's ``extra`` has the ``as_of`` and the counts of tickers by status."""

TICKERS = Asset("hourcast_tickers")
"""Updated by every onboarding that finishes; ``extra`` has its ``as_of`` and the counts of tickers by result."""

NOTE_KEY = "run_note"
"""XCom key of the sentence that ``plugins/run_notes.py`` makes the note of the run."""

REFUSAL_KEY = "refusal"
"""XCom key under which a task leaves why it refused the request of its run."""

AS_OF_PATTERN = r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$"
"""An instant with its zone, or nothing, as a JSON schema's pattern: Airflow refuses others when a run is asked for."""

TRAINING_POOL = "training"
"""Airflow pool with one slot for each core, since a training task uses one thread."""


class Refusal(SystemExit, Exception):  # noqa: N818  # it is an exit: a person's request is refused, nothing broke
    """Ends a task as failed with one sentence.

    Airflow logs the stack of every exception but ``SystemExit``. It is an ``Exception`` as well, since ``dag.test()``
    catches only those.
    """


RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=PermanentError, action=RetryAction.FAIL, reason="retrying cannot help; see the message"),
        RetryRule(exception=Refusal, action=RetryAction.FAIL, reason="the request has to be changed"),
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


def requested_by(context: Mapping[str, Any]) -> str | None:
    """The user who started the run; None if nobody did, or if this version of Airflow does not say."""
    name = getattr(context["dag_run"], "triggering_user_name", None)
    return str(name) if name else None


def with_note(
    context: Mapping[str, Any],
    work: Callable[[], Result],
    outlet: Asset | None = None,
    as_of: datetime | None = None,
) -> Result:
    """The result of ``work``. Its ``note``, or the sentence of its error, becomes the note of the run.

    With an ``outlet``, the result's ``counts`` and ``as_of`` become the extra of its event.

    Raises:
        Refusal: the request cannot be carried out as it is; the sentence is the only line in the log.
        HourcastError: whatever else ``work`` raised.
    """
    try:
        result = work()
    except InvalidRequestError as error:
        _leave_note(context, str(error))
        context["ti"].xcom_push(key=REFUSAL_KEY, value=str(error))
        raise Refusal(str(error)) from None
    except HourcastError as error:
        _leave_note(context, str(error))
        raise
    if isinstance(result, dict):
        _leave_note(context, result["note"])
        if outlet is not None and as_of is not None:
            context["outlet_events"][outlet].extra = {"as_of": as_of.isoformat(), **result["counts"]}
    return result


def refusal_of(context: Mapping[str, Any], task_id: str) -> str | None:
    """Why an earlier task of the run refused the request; None if it did not."""
    reason: str | None = context["ti"].xcom_pull(task_ids=task_id, key=REFUSAL_KEY)
    return reason


def _leave_note(context: Mapping[str, Any], text: str) -> None:
    _LOG.info("%s", text)
    context["ti"].xcom_push(key=NOTE_KEY, value=text)
