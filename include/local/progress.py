"""Watches a DAG run until it ends: which stage it is at, how many of its tasks are done, how far its tickers are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from include.errors import HourcastError, LaunchError, RetryableError
from include.local.airflow_api import AirflowApi
from include.local.screen import Screen

STAGES = {
    "onboard_ticker": ("validate", "backfill_history", "first_training", "first_forecast", "activate", "report"),
    "hourly_forecast": ("plan", "fetch_bars", "compute_features", "fine_tune", "predict", "score", "check_hour"),
}
_ENDED = {"success", "failed", "skipped", "upstream_failed", "removed"}
_POLL_SECONDS = 1.0
_SILENCE_SECONDS = 300.0


def describe_stage(stages: Sequence[str], tasks: Sequence[tuple[str, str]]) -> str:
    """The first stage of a run that has not ended, and how many of its task instances have."""
    for number, stage in enumerate(stages, start=1):
        states = [state for task_id, state in tasks if task_id == stage]
        done = sum(state in _ENDED for state in states)
        if done < len(states) or not states:
            share = f", {done} of {len(states)} tasks done" if len(states) > 1 else ""
            return f"stage {number}/{len(stages)} {stage}{share}"
    return "finishing"


def failed_tasks(tasks: Sequence[tuple[str, str]]) -> list[str]:
    """Ids of the tasks that failed, without those that were not started because of them; each once, in order."""
    return list(dict.fromkeys(task_id for task_id, state in tasks if state == "failed"))


def watch_run(
    api: AirflowApi,
    dag_id: str,
    run_id: str,
    screen: Screen,
    describe_tickers: Callable[[], str],
    require_running: Callable[[], None],
) -> None:
    """Shows a run's progress until its stages have succeeded; tasks after the last stage are not waited for.

    ``describe_tickers`` returns how far the tickers are, ``require_running`` raises when the background has ended.

    Raises:
        LaunchError: the run failed, or Airflow could not be reached for five minutes; the message says where to look.
    """
    last_response = time.monotonic()
    while True:
        try:
            state = str(api.run(dag_id, run_id)["state"])
            tasks = api.task_states(dag_id, run_id)
            tickers = describe_tickers()
        except RetryableError as error:
            require_running()
            if time.monotonic() - last_response > _SILENCE_SECONDS:
                message = f"The progress of {dag_id} could not be read for {_SILENCE_SECONDS:.0f} s: {error}"
                raise LaunchError(message) from error
            time.sleep(_POLL_SECONDS)
            continue
        last_response = time.monotonic()
        if state == "success" or (STAGES[dag_id][-1], "success") in tasks:
            return
        if state == "failed":
            raise _failure(api, dag_id, run_id, tasks)
        where = "queued" if state == "queued" else describe_stage(STAGES[dag_id], tasks)
        screen.progress(f"{dag_id}: {where}{f'; {tickers}' if tickers else ''}")
        require_running()
        time.sleep(_POLL_SECONDS)


def _failure(api: AirflowApi, dag_id: str, run_id: str, tasks: Sequence[tuple[str, str]]) -> HourcastError:
    names = ", ".join(failed_tasks(tasks)) or "its tasks"
    return LaunchError(f"{dag_id} failed at {names}; the reason is at {api.url}/dags/{dag_id}/runs/{run_id}")
