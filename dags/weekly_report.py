"""### Writes a report of three to four pages about the week.

`write_report`

Every Monday at 06:20 UTC this DAG writes what was forecast, how good it was beside the baselines, where there is an
edge and where none, what went wrong, and what was trained. It is an HTML page and, where Chromium is installed, a PDF.
The page "Forecasts" links it under *Reports*. Reports of earlier weeks stay.

* A run of the same day replaces the report.
* Residuals of a few tickers are tested: those of the form, or one of each of the largest markets.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from include.edge import dag_args, run_as_of, with_note

PARAMS: dict[str, Any] = {
    "tickers": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 40},
        title="Tickers",
        description_md="Whose residuals are tested, one a line. Empty: one of each of the largest markets.",
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="weekly_report",
    dag_display_name="Weekly report",
    description="Writes three to four pages about the week: forecasts, scores, incidents, trainings.",
    schedule=CronTriggerTimetable("20 6 * * 1", timezone="UTC", interval=timedelta(days=7)),
    **dag_args(),
    dagrun_timeout=timedelta(hours=1),
    params=PARAMS,
    tags=["hourcast", "reports"],
    doc_md=__doc__,
)
def weekly_report() -> None:
    """Wires the only task: one import, one call, one small value."""

    # The report of a day replaces itself, so a retry writes it again.
    @task
    def write_report() -> Json:
        from include.pipeline.weekly import tasks

        context = get_current_context()
        as_of = run_as_of(context)
        return with_note(context, lambda: tasks.write_weekly_report(as_of, context["params"]))

    write_report()


weekly_report()
