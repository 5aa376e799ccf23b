"""### Writes bars, features and forecasts as Parquet files.

`export_views`

The files are for pandas, DuckDB, Spark and others: one a month and view, `forecasts/month=2026-11/part.parquet`. They
go to a folder or an object store, by default to `HOURCAST_EXPORT_URI`.

* A month whose rows did not change is not written again, so the DAG may run as often as you like.
* A reader never sees half a file. A run that failed continues when it is run again.
* Any view of the schema `bi` can be exported under its name. Units are in the metadata of the columns.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.edge import dag_args, with_note

PARAMS: dict[str, Any] = {
    "views": Param(
        default=["bars", "features", "forecasts"],
        type=["null", "array"],
        items={"type": "string", "maxLength": 128},
        title="Views",
        description_md="What to export, one a line: bars, features, forecasts, or the name of any view of the schema "
        "bi, such as accuracy. Empty: the first three.",
    ),
    "months": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "pattern": r"^(\d{4}-(0[1-9]|1[0-2]))?$"},
        title="Months",
        description_md="Only these months in UTC, one a line, for example 2026-11. Empty: all there are.",
    ),
    "target": Param(
        default=None,
        type=["null", "string"],
        maxLength=500,
        title="Target",
        description_md="A folder, or an address such as s3://bucket/prefix, without a password. Empty: the setting "
        "HOURCAST_EXPORT_URI.",
        section="Advanced",
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="export_data",
    dag_display_name="Export data",
    description="Writes bars, features and forecasts as Parquet files, month by month.",
    schedule=None,
    **dag_args(),
    dagrun_timeout=timedelta(hours=4),
    params=PARAMS,
    tags=["export", "hourcast"],
    doc_md=__doc__,
)
def export_data() -> None:
    """Wires the only task: one import, one call, one small value."""

    # What was written is not written again, so a retry continues.
    @task
    def export_views() -> Json:
        from include.pipeline.exporting import tasks

        context = get_current_context()
        return with_note(context, lambda: tasks.export_views(context["params"]))

    export_views()


export_data()
