"""The note of a run: what its last task says about it, where Airflow's page shows it.

A task cannot set its run's note: it leaves the text under an XCom key (``include/edge.py``). This listener copies it
when the run ends. It runs inside the scheduler, so it reads in a session of its own and changes only the note. A note
that a person wrote stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

NOTE_KEY = "run_note"  # the name in include.edge, which plugins do not import
LONGEST_NOTE = 1000


class RunNotes:
    """Listens to the end of runs."""

    @hookimpl
    def on_dag_run_success(self, dag_run: DagRun) -> None:
        """Sets the note of a run that succeeded."""
        set_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: DagRun) -> None:
        """Sets the note of a run that failed."""
        set_note(dag_run)


class RunNotesPlugin(AirflowPlugin):
    """Registers the listener."""

    name = "hourcast_run_notes"
    listeners: list[object] = [RunNotes()]  # noqa: RUF012  # as Airflow's base class declares it


def set_note(dag_run: DagRun) -> None:
    """Makes the newest text that a task of the run left its note.

    A run of the scheduler belongs to the scheduler's session, which saves the note. One of ``dag.test()`` has none.
    """
    from airflow.models.dagrun import DagRun as StoredRun
    from airflow.utils.session import create_session
    from sqlalchemy.orm import object_session

    text = _newest_text(dag_run)
    if text is None:
        return
    if object_session(dag_run) is not None:
        _write(dag_run, text)
        return
    with create_session(scoped=False) as session:
        _write(session.get_one(StoredRun, dag_run.id), text)


def _write(dag_run: DagRun, text: str) -> None:
    """Sets the note, unless a person wrote one."""
    written = dag_run.dag_run_note
    if written is None or not written.user_id:
        dag_run.note = text[:LONGEST_NOTE]


def _newest_text(dag_run: DagRun) -> str | None:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    found = (
        select(XComModel)
        .where(XComModel.dag_id == dag_run.dag_id, XComModel.run_id == dag_run.run_id, XComModel.key == NOTE_KEY)
        .order_by(XComModel.timestamp.desc())
        .limit(1)
    )
    with create_session(scoped=False) as session:
        stored = session.scalars(found).first()
        return None if stored is None else str(XComModel.deserialize_value(stored))
