"""### Removes what is no longer needed.

`remove_old`

Once a day this DAG removes weights past `HOURCAST_MODEL_RETENTION_DAYS`, files of weights that no row names, unfinished
files, superseded readings and features past `HOURCAST_REVISION_RETENTION_DAYS`, and logs of tasks past
`HOURCAST_LOG_RETENTION_DAYS`. The note of the run says what was removed. Nothing goes that a score, a replay within the
retention or a running hour needs.

* Start it with "dry run" to see what would be removed.
* When a run has succeeded, the scheduler removes rows of Airflow's own tables past `HOURCAST_AIRFLOW_RETENTION_DAYS`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task
from airflow.sdk.configuration import conf

from include.edge import dag_args, run_as_of, with_note

PARAMS: dict[str, Any] = {
    "dry_run": Param(
        default=False,
        type="boolean",
        title="Dry run",
        description_md="Remove nothing. The note of the run says what would be removed.",
    ),
}
Json = dict[str, Any]


def log_folders() -> list[str]:
    """The folders in which this machine keeps the logs of tasks and of the parsing of DAG files."""
    tasks = sorted(Path(conf.get("logging", "base_log_folder")).glob("dag_id=*"))
    return [*map(str, tasks), conf.get("logging", "dag_processor_child_process_log_directory")]


@dag(
    dag_id="maintenance",
    dag_display_name="Maintenance",
    description="Removes old weights, logs and unfinished files once a day.",
    schedule=CronTriggerTimetable("10 0 * * *", timezone="UTC", interval=timedelta(days=1)),
    **dag_args(),
    dagrun_timeout=timedelta(hours=4),
    params=PARAMS,
    tags=["hourcast", "maintenance"],
    doc_md=__doc__,
)
def maintenance() -> None:
    """Wires the only task: one import, one call, one small value."""

    # What was removed is gone, so a retry removes the rest.
    @task
    def remove_old() -> Json:
        from include.pipeline import tasks

        context = get_current_context()
        as_of = run_as_of(context)
        return with_note(context, lambda: tasks.maintain(as_of, context["params"], log_folders()))

    remove_old()


maintenance()
