"""What DAG files share: default arguments, the retry policy, the ``as_of`` of a run, its note and its assets.

The only module of ``include`` that imports Airflow. DAG files import it while they are parsed, so it imports nothing
heavy: no torch, pandas, yfinance or sqlalchemy. The use cases are imported inside the task bodies.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote
from urllib.request import Request, urlopen

from airflow.sdk import Asset, BaseHook, BaseNotifier, Context, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.configuration import conf

from include.contracts import require_utc
from include.errors import DataContractError, HourcastError, InvalidRequestError, PermanentError, SettingsError
from include.settings import load_settings

_LOG: Final = logging.getLogger(__name__)
_NOTICE_SECONDS: Final = 15
Result = TypeVar("Result")

FORECASTS = Asset("hourcast_forecasts")
"""Updated by every hour that finishes; the event's ``extra`` has the ``as_of`` and the counts of tickers by status."""

TICKERS = Asset("hourcast_tickers")
"""Updated by every onboarding that finishes; ``extra`` has its ``as_of`` and the counts of tickers by result."""

NOTE_KEY = "run_note"
"""XCom key of the sentence that ``plugins/run_notes.py`` makes the note of the run."""

REFUSAL_KEY = "refusal"
"""XCom key under which a task leaves why it refused the request of its run."""

AS_OF_PATTERN = r"^((19[7-9]|20\d|21\d)\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$"
"""An instant of 1970 to 2199 with its zone, or nothing, as a JSON schema's pattern. Airflow refuses others when a run
is requested."""

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


def failure_notices() -> list[Callable[[Any], None]] | None:
    """What a DAG calls when a run of it has failed, to send the message of ``HOURCAST_NOTIFY``; None if nobody gets it.

    Airflow's dag-processor calls it once for a failed run, whatever has failed in it.
    """
    addresses = load_settings().operations.notify
    return [partial(send_notice, addresses)] if addresses else None


def dag_args() -> dict[str, Any]:
    """What all DAGs have in common, to be given to ``dag``: one run at a time, retries, the message of a failed run."""
    return {
        "start_date": datetime.fromisoformat("2020-01-01T00:00:00+00:00"),
        "catchup": False,
        "max_active_runs": 1,
        "default_args": DEFAULT_ARGS,
        "on_failure_callback": failure_notices(),
    }


def send_notice(addresses: str, context: Mapping[str, Any]) -> None:
    """Sends the message about a failed run to each address; one that cannot be reached leaves a line in the log."""
    subject, text = describe_failure(context)
    for address in filter(None, map(str.strip, addresses.split(","))):
        try:
            _notifier_of(address)(cast("Context", {"hourcast_subject": subject, "hourcast_text": text}))
        except Exception as error:  # noqa: BLE001  # the other addresses still get it, and the run is not affected
            _LOG.error("The message about %s could not be sent to %s: %s", context["run_id"], address, error)


def describe_failure(context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of the message about a failed run: its note, what failed, a link, and what to do."""
    dag, run_id, task = context["dag"], str(context["run_id"]), context.get("ti")
    has_instant = "dag_run" in context or context.get("data_interval_end") is not None
    instant = f", {run_as_of(context):%a %d %b %Y %H:%M} UTC" if has_instant else ""
    note, failed = _details(dag, run_id, task)
    lines = [
        note or f"The run has failed ({context.get('reason', 'no reason was given')}).",
        *([f"Failed tasks: {', '.join(failed)}."] if failed else []),
        f"Run: {run_id}",
        f"{_page_address()}/dags/{dag.dag_id}/runs/{quote(run_id, safe='')}",
        "What to do: when the cause is mended, clear the failed tasks with those downstream. See docs/runbook.md, "
        "Hour failed.",
    ]
    return f"Hourcast: {dag.dag_id} has failed{instant}", "\n".join(lines)


class WebHook(BaseNotifier):
    """Posts the message as ``{"text": ...}`` to the address that an Airflow connection has as its host."""

    def __init__(self, connection_id: str) -> None:
        super().__init__()
        self._connection_id = connection_id

    def notify(self, context: Any) -> None:  # noqa: ANN401  # Airflow's context
        """Sends the message.

        Raises:
            SettingsError: the connection has no address of a web hook.
        """
        connection = BaseHook.get_connection(self._connection_id)
        address = str(connection.host or "")
        if not address.startswith(("http://", "https://")):
            message = f"the host of connection {self._connection_id} is no address of a web hook (https://...)"
            raise SettingsError(message)
        body = json.dumps({"text": f"{context['hourcast_subject']}\n{context['hourcast_text']}"}).encode()
        headers = {"Content-Type": "application/json"}
        if connection.password:
            headers["Authorization"] = f"Bearer {connection.password}"
        request = Request(address, body, headers)  # noqa: S310  # http or https, as checked
        with urlopen(request, timeout=_NOTICE_SECONDS):  # noqa: S310  # as above
            _LOG.info("The message was sent to %s.", self._connection_id)


def _notifier_of(address: str) -> BaseNotifier:
    """The notifier of an address. The text is no template: it is a variable of one."""
    if not address.startswith("mailto:"):
        return WebHook(address)
    mail = import_module("airflow.providers.smtp.notifications.smtp")  # only when something has failed
    text = "<pre>{{ hourcast_text | e }}</pre>"
    notifier: BaseNotifier = mail.SmtpNotifier(
        to=address.removeprefix("mailto:"), subject="{{ hourcast_subject }}", html_content=text
    )
    return notifier


def _details(dag: Any, run_id: str, task: Any) -> tuple[str | None, list[str]]:  # noqa: ANN401  # as above
    """The note of the run and its failed tasks; nothing of both if Airflow cannot be read. Any message is better."""
    try:
        return (None, []) if task is None else (_note_of(dag, task), _failed_tasks(dag, run_id, task))
    except Exception as error:  # noqa: BLE001  # whatever it is, that the run has failed is still worth a message
        _LOG.warning("The note of %s could not be read: %s", run_id, error)
        return None, []


def _note_of(dag: Any, task: Any) -> str | None:  # noqa: ANN401  # Airflow's DAG and task instance
    """The note that a task of the run left."""
    found = [task.xcom_pull(task_ids=each.task_id, key=NOTE_KEY) for each in dag.tasks if not each.is_mapped]
    return next((str(note) for note in reversed(found) if note), None)


def _failed_tasks(dag: Any, run_id: str, task: Any) -> list[str]:  # noqa: ANN401  # as above
    """The tasks of the run that failed, in the order of their names."""
    states = task.get_task_states(dag_id=dag.dag_id, run_ids=[run_id]).get(run_id, {})
    return sorted(name for name, state in states.items() if state == "failed")


def _page_address() -> str:
    """Airflow's page, without a slash at the end."""
    default = f"http://{conf.get('api', 'host')}:{conf.get('api', 'port')}"
    return (conf.get("api", "base_url", fallback="") or default).rstrip("/")


def _leave_note(context: Mapping[str, Any], text: str) -> None:
    _LOG.info("%s", text)
    context["ti"].xcom_push(key=NOTE_KEY, value=text)
