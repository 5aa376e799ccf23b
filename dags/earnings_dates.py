"""### The days on which companies report.

`update_earnings`

Once a day this DAG reads from each ticker's source when the company reports next. The source is Yahoo, the file
`earnings.csv` beside the bars, or the simulated market. Forecasts widen the night of a report. The view
`bi.earnings_date` shows the days. Where no source names a coming day, it is estimated from at least four earlier
reports.

* A date that moves keeps its history: an hour that is run again reads what was known then.
* Yahoo costs about one request a ticker and day, at a quiet time and after all requests for prices. Funds, indices,
  currencies and crypto do not report.
* If a source cannot be reached, the days that are known stay. No hour waits for this DAG.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.edge import dag_args, run_as_of

Json = dict[str, Any]


@dag(
    dag_id="earnings_dates",
    dag_display_name="Earnings dates",
    description="Reads once a day when each company reports next.",
    schedule=CronTriggerTimetable("5 2 * * *", timezone="UTC", interval=timedelta(days=1)),
    **dag_args(),
    dagrun_timeout=timedelta(hours=4),
    tags=["hourcast", "reports"],
    doc_md=__doc__,
)
def earnings_dates() -> None:
    """Wires the only task: one import, one call, one small value."""

    # What was read is not read again, so a retry reads the rest only.
    @task(retry_delay=timedelta(minutes=10), max_retry_delay=timedelta(hours=1))
    def update_earnings() -> Json:
        from include.pipeline import tasks

        return tasks.update_earnings(run_as_of(get_current_context()))

    update_earnings()


earnings_dates()
