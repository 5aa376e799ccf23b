"""Runs DAGs in this process with Airflow's own `dag.test()`, one JSON request a line on standard input.

A process of its own, because Airflow reads its configuration when it is imported, and because its warnings are not
ours. Answers with one JSON line on a file descriptor that nothing else writes to.
"""

import json
import os
import sys
from datetime import datetime
from typing import Any


def run(request: dict[str, Any]) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    os.environ.update(request["environment"])
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    dag = bag.dags[request["dag_id"]]
    logical_date = request.get("logical_date")
    finished = dag.test(
        run_conf=request.get("conf") or {},
        logical_date=datetime.fromisoformat(logical_date) if logical_date else None,
        run_after=datetime.fromisoformat(request["run_after"]) if request.get("run_after") else None,
    )
    return {
        "state": str(finished.state),
        "run_id": finished.run_id,
        "import_errors": bag.import_errors,
        "tasks": sorted(
            [item.task_id, item.map_index, str(item.state), item.rendered_map_index]
            for item in finished.get_task_instances()
        ),
        "triggered": _runs_of("onboard_ticker", finished.run_id),
        "note": _note_of(finished.id),
        "events": _events_of(finished.run_id),
    }


def _runs_of(dag_id: str, run_id: str) -> list[Any]:
    """The configurations of the runs that this one triggered."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id.contains(run_id)))
        return [item.conf for item in found if item.run_id != run_id]


def _note_of(run_key: int) -> str | None:
    """The note of a run, as Airflow's page reads it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        return session.get_one(DagRun, run_key).note


def _events_of(run_id: str) -> list[Any]:
    """The updates of assets by a run, as [name, extra]."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run_id).order_by(AssetEvent.id))
        return [[event.asset.name, event.extra] for event in found]


def main() -> None:
    answers = os.fdopen(int(sys.argv[1]), "w", buffering=1)
    for line in sys.stdin:
        try:
            answer = run(json.loads(line))
        except Exception as error:  # noqa: BLE001  # the test that asked is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
