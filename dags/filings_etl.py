"""### Fetches, converts and stores filings of the SEC and of DART.

`list_filings` → `fetch` → `transform` → `store_report_days`, `write_files`, `embed`

Once a day this DAG reads which filings the tracked companies have made, fetches those that are missing, and converts
them into Markdown and chunks, which it also writes as files. It stores in which minute companies have reported. With
`HOURCAST_EMBEDDING_MODEL` it also stores a vector of each chunk. It has a schedule as soon as `HOURCAST_EDGAR_CONTACT`
or `OPENDART_KEY` is set.

* A run that was ended goes on where it stopped; what is stored is neither fetched nor converted again.
* The SEC is asked five times a second at most, and not for ten minutes after it has refused.
* No hour reads filings or waits for this DAG.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from include.edge import dag_args, run_as_of, with_note
from include.settings import load_settings, opendart_key

PARAMS: dict[str, Any] = {
    "tickers": Param(
        default=[],
        type=["null", "array"],
        items={"type": "string", "maxLength": 40},
        title="Tickers",
        description_md="Whose filings are fetched, one a line, also of companies that are not tracked. Empty: all "
        "tracked tickers.",
    ),
    "days": Param(
        default=None,
        type=["null", "integer"],
        minimum=1,
        maximum=20000,
        title="Days",
        description_md="Filings of this many days before the run. Empty: HOURCAST_FILINGS_HISTORY_DAYS.",
        section="Advanced",
    ),
}
Json = dict[str, Any]


@dag(
    dag_id="filings_etl",
    dag_display_name="Filings",
    description="Fetches, converts and stores filings of the SEC and of DART.",
    # twenty past four in UTC: both days are over, in New York and in Seoul
    schedule=CronTriggerTimetable("20 4 * * *", timezone="UTC", interval=timedelta(days=1))
    if load_settings().filings.edgar_contact or opendart_key()
    else None,
    **dag_args(),
    dagrun_timeout=timedelta(hours=6),
    params=PARAMS,
    tags=["filings", "hourcast"],
    doc_md=__doc__,
)
def filings_etl() -> None:
    """Wires the stages; every body is one import, one call, one small value."""

    # a source that has refused is not asked again for ten minutes
    @task(retry_delay=timedelta(minutes=10), max_retry_delay=timedelta(hours=1))
    def list_filings() -> Json:
        from include.filings import tasks

        context = get_current_context()
        return with_note(context, lambda: tasks.list_filings(run_as_of(context), context["params"]))

    @task(retry_delay=timedelta(minutes=10), max_retry_delay=timedelta(hours=1))
    def fetch() -> Json:
        from include.filings import tasks

        return tasks.fetch(run_as_of(get_current_context()))

    # what was converted is not converted again, so a retry continues
    @task
    def transform() -> Json:
        from include.filings import tasks

        return tasks.transform()

    @task
    def store_report_days() -> Json:
        from include.filings import tasks

        context = get_current_context()
        return with_note(context, lambda: tasks.store_report_days(run_as_of(context)))

    @task
    def write_files() -> Json:
        from include.filings import tasks

        return tasks.write_files()

    @task
    def embed() -> Json:
        from include.filings import tasks

        return tasks.embed()

    # an object store or a model that cannot be reached keeps no report from the forecasts
    list_filings() >> fetch() >> transform() >> [store_report_days(), write_files(), embed()]


filings_etl()
