"""`make doctor` on a real small installation: nothing is found while it is healthy, and each defect by its name."""

import http.server
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from include.local.doctor import checkup
from include.local.doctor.checkup import Check, lines_of, run_check
from include.local.doctor.installation import Installation, Limits
from include.local.doctor.problem import Problem
from tests.local.doctor.conftest import UNREACHABLE, Patient
from tests.support.databases import run_as_superuser

pytestmark = pytest.mark.integration

NOVA = "NOVA-USD.SIM"


def look_over(found: Installation) -> list[Problem]:
    """What all checks find; the date of an HTTP response is asked for only where a test has a server."""
    if found.clock_address.startswith("https"):
        found = replace(found, clock_address=UNREACHABLE)
    results = checkup.look_over(found, is_complete=True)
    return [problem for result in results for problem in result.problems if not problem.is_coming]


def embedded(patient: Patient) -> Installation:
    """The installation as that of `make run`, with its own password file and data folder."""
    local_dir = patient.local_dir
    (local_dir / "postgres").mkdir()
    reader = local_dir / "pgpass.bi_reader"
    reader.write_text("127.0.0.1:5432:hourcast:bi_reader:secret\n")
    reader.chmod(0o600)
    return replace(patient.installation(), is_embedded=True)


def test_nothing_is_wrong_with_a_healthy_installation(patient: Patient) -> None:
    assert look_over(embedded(patient)) == []


def test_looking_changes_nothing(patient: Patient) -> None:
    found = embedded(patient)

    def state() -> list[object]:
        return [(path, path.stat().st_mtime_ns) for path in sorted(patient.local_dir.rglob("*"))]

    before = state()
    look_over(found)

    assert state() == before


def _planned(hours: float, patient: Patient) -> None:
    patient.execute(
        "insert into forecast.planned_hour select max(as_of) + %s from forecast.planned_hour", timedelta(hours=hours)
    )


def _status(status: str, days: float, patient: Patient) -> None:
    patient.execute(
        "update forecast.ticker set status = %s, status_at = now() - %s where ticker = %s",
        status,
        timedelta(days=days),
        NOVA,
    )


def _outcome(values: str, patient: Patient, which: str = "max") -> None:
    patient.execute(
        f"update forecast.outcome set {values} where as_of = (select {which}(as_of) from forecast.planned_hour)"
    )


def _held(patient: Patient) -> None:
    patient.execute(
        "insert into forecast.scale_question (ticker, opened_at, kind, known_at, factor, evidence) "
        "values (%s, now() - interval '6 days', 'step', now() - interval '5 days', 2, '{}')",
        NOVA,
    )


def _yahoo_down(patient: Patient) -> None:
    _outcome("source = 'yahoo', stage = 'planned', status = 'failed', reason = 'fetch: timeout'", patient)


def _flip(patient: Patient, prefix: str) -> None:
    path = max(patient.artefacts(prefix), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _flip_header(patient: Patient) -> None:
    """The smallest file may hold no tensor, only its header."""
    path = min(patient.artefacts("shard-"), key=lambda path: path.stat().st_size)
    path.write_bytes(path.read_bytes().replace(b"}", b"{", 1))


def _truncate(patient: Patient, keep: int = -10) -> None:
    path = patient.artefacts("shard-")[0]
    path.write_bytes(path.read_bytes()[:keep])


def _remove(patient: Patient, prefix: str) -> None:
    patient.artefacts(prefix)[0].unlink()


def _old_part(patient: Patient) -> None:
    path = patient.models_dir / ".shard-1.safetensors.77.ab.tmp"
    path.write_bytes(b"half")
    yesterday = time.time() - 86400
    os.utime(path, (yesterday, yesterday))


def _environment(name: str, value: str, patient: Patient) -> None:
    patient.environment[name] = value


def _sql(sql: str, patient: Patient) -> None:
    patient.execute(sql)


def _airflow_sql(sql: str, patient: Patient) -> None:
    patient.execute_in_airflow(sql)


def _ended_list(patient: Patient) -> None:
    path = Path(patient.environment["HOURCAST_ANNOUNCEMENTS_FILE"])
    path.write_text(
        path.read_text() + '[more]\ntext = "output"\nkind = "figures"\ntime = "08:30"\ndays = ["2020-01-02"]\n'
    )


def _ended_calendar(patient: Patient) -> None:
    path = patient.local_dir.parent / "calendars.toml"
    path.write_text(
        '[OURS]\ntimezone = "UTC"\nweek = "1111111"\nsince = "2020-01-01"\npublished = "2020-12-31"\n'
        'hours = [{ open = "00:00", close = "23:00" }]\n'
    )
    _environment("HOURCAST_CALENDARS_FILE", str(path), patient)
    patient.execute("update forecast.ticker set calendar = 'OURS' where ticker = %s", NOVA)


def _secret(patient: Patient) -> None:
    path = patient.local_dir / "pgpass"
    path.write_text("secret")
    path.chmod(0o644)


def _queued(patient: Patient) -> None:
    patient.execute_in_airflow("set session_replication_role = replica; " + _QUEUED_TASK)


_QUEUED_TASK = """
insert into task_instance (
    id, task_id, dag_id, run_id, map_index, try_number, max_tries, pool, pool_slots, state, queued_dttm, queue
)
values (
    gen_random_uuid(), 'plan', 'hourly_forecast', 'late', -1, 0, 2, 'default_pool', 1, 'queued',
    now() - interval '1 hour', 'default'
)
"""

DEFECTS: dict[str, tuple[str, Callable[[Patient], None]]] = {
    "a file of the newest weights is missing": ("artefact-missing", partial(_remove, prefix="shard-")),
    "a file of weights was changed": ("artefact-changed", partial(_flip, prefix="shard-")),
    "the header of a file of weights was changed": ("artefact-changed", _flip_header),
    "a file of weights was cut off": ("artefact-truncated", _truncate),
    "little of a file of weights is left": ("artefact-truncated", partial(_truncate, keep=4)),
    "the file of the backbone was changed": ("artefact-changed", partial(_flip, prefix="base-")),
    "the file of the backbone is missing": ("artefact-missing", partial(_remove, prefix="base-")),
    "a killed task left half a file": ("partial-file", _old_part),
    "a file with passwords can be read by others": ("secret-mode", _secret),
    "two settings contradict each other": ("settings", partial(_environment, "HOURCAST_STALE_AFTER_SESSIONS", "20")),
    "the folder of the backbone is empty": ("backbone", partial(_environment, "HOURCAST_BACKBONE_DIR", "/nowhere")),
    "the folder of bars cannot be read": ("bars-folder", partial(_environment, "HOURCAST_BARS_DIR", "/nowhere")),
    "a list of announcements has ended": ("announcements", _ended_list),
    "the holidays of a calendar have ended": ("calendar", _ended_calendar),
    "the schema is older than the code": (
        "schema-older",
        partial(_sql, "update forecast.alembic_version set version_num = '0001'"),
    ),
    "the schema is newer than the code": (
        "schema-newer",
        partial(_sql, "update forecast.alembic_version set version_num = '9999'"),
    ),
    "the schema is missing": ("schema-missing", partial(_sql, "drop table forecast.alembic_version")),
    "a view is missing": ("view-missing", partial(_sql, "drop view bi.superset_forecast")),
    "the reader may write": ("reader-rights", partial(_sql, "grant insert on forecast.bar to bi_reader")),
    "the reader may read the tables": ("reader-rights", partial(_sql, "grant usage on schema forecast to bi_reader")),
    "the reader may not read a view": ("reader-closed", partial(_sql, "revoke select on bi.bar from bi_reader")),
    "an index is invalid": (
        "index-invalid",
        partial(
            _sql, "update pg_index set indisvalid = false where indexrelid = 'forecast.outcome_by_ticker'::regclass"
        ),
    ),
    "no hour has run": ("hour-overdue", partial(_sql, "delete from forecast.planned_hour")),
    "an hour is missing": ("hour-missing", partial(_planned, -5)),
    "an hour is of the future": ("clock-back", partial(_planned, 5)),
    "a ticker failed in an hour": ("hour-failed", partial(_outcome, "status = 'failed', reason = 'fetch: odd'")),
    "an hour was never finished": (
        "hour-unfinished",
        partial(_outcome, "status = 'planned', as_of = as_of - interval '1 hour'", which="min"),
    ),
    "a ticker has been pending for days": ("ticker-waiting", partial(_status, "pending", 2)),
    "a ticker has failed": ("ticker-lost", partial(_status, "failed", 0)),
    "a ticker is stale": ("ticker-lost", partial(_status, "stale", 0)),
    "a ticker is held": ("ticker-held", _held),
    "Yahoo could not be reached": ("yahoo", _yahoo_down),
    "Yahoo refuses requests": (
        "yahoo-limit",
        partial(_sql, "insert into forecast.request_budget values ('yahoo', now(), now() + interval '1 hour')"),
    ),
}

AIRFLOW_DEFECTS: dict[str, tuple[str, Callable[[Patient], None]]] = {
    "the training pool is missing": ("pool", partial(_airflow_sql, "delete from slot_pool where pool = 'training'")),
    "the training pool has other slots": (
        "pool",
        partial(_airflow_sql, "update slot_pool set slots = 99 where pool = 'training'"),
    ),
    "the default pool has no slots": (
        "pool",
        partial(_airflow_sql, "update slot_pool set slots = 0 where pool = 'default_pool'"),
    ),
    "the hourly DAG is paused": (
        "dag-paused",
        partial(_airflow_sql, "update dag set is_paused = true where dag_id = 'hourly_forecast'"),
    ),
    "Airflow does not know a DAG": (
        "dag-missing",
        partial(_airflow_sql, "update dag set is_stale = true where dag_id = 'onboard_ticker'"),
    ),
    "a DAG file cannot be imported": (
        "dag-import",
        partial(
            _airflow_sql,
            "insert into import_error (timestamp, filename, stacktrace) values (now(), 'x.py', 'ImportError: no y')",
        ),
    ),
    "the scheduler is dead": (
        "scheduler-dead",
        partial(
            _airflow_sql,
            "update job set latest_heartbeat = now() - interval '1 hour' where job_type = 'SchedulerJob'",
        ),
    ),
    "the dag-processor is dead": (
        "dag-processor-dead",
        partial(_airflow_sql, "delete from job where job_type = 'DagProcessorJob'"),
    ),
    "a task waits to start": ("queue", _queued),
    "Airflow's tables are missing": ("airflow-database", partial(_airflow_sql, "drop table slot_pool cascade")),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_named_and_nothing_else_is(patient: Patient, defect: str) -> None:
    code, plant = DEFECTS[defect]
    plant(patient)

    found = look_over(patient.installation())

    assert {problem.code for problem in found} == {code}, found
    assert all(problem.text and problem.advice for problem in found)


@pytest.mark.parametrize("defect", AIRFLOW_DEFECTS)
def test_a_defect_of_airflow_is_named_and_nothing_else_is(airflow_patient: Patient, defect: str) -> None:
    code, plant = AIRFLOW_DEFECTS[defect]
    plant(airflow_patient)

    found = look_over(airflow_patient.installation())

    assert {problem.code for problem in found} == {code}, found


def test_a_writing_role_that_is_a_superuser_is_named(patient: Patient) -> None:
    run_as_superuser(patient.server, "alter role hourcast_app superuser")
    try:
        found = look_over(patient.installation())
    finally:
        run_as_superuser(patient.server, "alter role hourcast_app nosuperuser")

    assert [problem.code for problem in found] == ["app-role"]


def test_a_reader_that_cannot_log_in_is_named(patient: Patient) -> None:
    patient.environment["HOURCAST_READER_URL"] = patient.environment["HOURCAST_READER_URL"].replace(
        "bi_reader:", "bi_reader:other"
    )

    assert [problem.code for problem in look_over(patient.installation())] == ["reader-login"]


def test_a_full_disk_is_named(patient: Patient) -> None:
    found = replace(patient.installation(), limits=Limits(free_bytes=10**18))

    assert [problem.code for problem in look_over(found)] == ["disk"]


def test_a_killed_database_and_a_lost_password_file_are_named(patient: Patient) -> None:
    found = embedded(patient)
    (patient.local_dir / "postgres" / "postmaster.pid").write_text("4194303\n")
    assert [problem.code for problem in look_over(found)] == ["lock"]

    (patient.local_dir / "postgres" / "postmaster.pid").unlink()
    (patient.local_dir / "pgpass.bi_reader").unlink()
    assert [problem.code for problem in look_over(found)] == ["reader-file"]


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def test_a_port_that_another_program_has_taken_is_named(patient: Patient) -> None:
    found = embedded(patient)
    with silent_server() as port:
        (patient.local_dir / "postgres.port").write_text(f"{port}\n")
        assert [problem.code for problem in look_over(found)] == ["port"]


def test_a_database_that_never_responds_is_named_in_time(patient: Patient) -> None:
    with silent_server() as port:
        url = f"postgresql+psycopg2://hourcast_app:x@127.0.0.1:{port}/hourcast"
        started = time.monotonic()
        found = look_over(replace(patient.installation(), hourcast_url=lambda: url))

    assert [problem.code for problem in found] == ["database-unreachable"]
    assert time.monotonic() - started < 90


def test_a_frozen_lock_on_a_table_does_not_stop_the_report(patient: Patient) -> None:
    connection = psycopg2.connect(patient.server.url("postgres", patient.hourcast).replace("+psycopg2", ""))
    with connection.cursor() as cursor:
        cursor.execute("lock table forecast.planned_hour in access exclusive mode")
        found = look_over(patient.installation())
    connection.rollback()
    connection.close()

    assert {problem.code for problem in found} == {"refused"}


class _WrongDate(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", "Mon, 31 Mar 2025 15:35:00 GMT")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing is written."""


def test_a_clock_that_differs_from_the_network_is_named(patient: Patient) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _WrongDate) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        found = replace(patient.installation(), clock_address=f"http://127.0.0.1:{server.server_port}")
        assert [problem.code for problem in look_over(found)] == ["clock-network"]


def test_a_clock_that_differs_from_the_database_is_named(patient: Patient) -> None:
    found = replace(patient.installation(), now=lambda: datetime.now(UTC) - timedelta(seconds=60))

    assert [problem.code for problem in look_over(found)] == ["clock-database"]


def test_an_installation_that_was_never_started_says_so(tmp_path: Path) -> None:
    from include.local.doctor.installation import open_installation

    announcements = tmp_path / "announcements.toml"
    announcements.write_text('[consumer_prices]\ndays = ["2100-01-01"]\n[jobs_report]\ndays = ["2100-01-01"]\n')
    found = open_installation({"HOURCAST_LOCAL_DIR": str(tmp_path), "HOURCAST_ANNOUNCEMENTS_FILE": str(announcements)})

    problems = look_over(found)

    assert [problem.code for problem in problems] == ["database-unreachable", "airflow-database"]
    assert all("never started" in problem.text for problem in problems)


def test_a_check_that_does_not_end_is_named(patient: Patient) -> None:
    ended = threading.Event()

    def wait(_found: Installation) -> list[Problem]:
        ended.wait(30)
        return []

    result = run_check(Check("slow", wait, seconds=0.1), patient.installation())
    ended.set()

    assert [problem.code for problem in result.problems] == ["no-response"]


def test_a_check_that_breaks_hides_nothing(patient: Patient) -> None:
    def fail(_found: Installation) -> list[Problem]:
        raise ZeroDivisionError("by nothing")

    result = run_check(Check("broken", fail), patient.installation())

    assert [label for label, _ in lines_of([result])] == ["PROBLEM", ""]
    with suppress(IndexError):
        assert "by nothing" in result.problems[0].text


def test_of_many_tickers_with_one_reason_five_are_named(patient: Patient) -> None:
    patient.execute(
        "insert into forecast.ticker (ticker, source, history_days, status, status_reason, status_at) "
        "select 'T' || i || '.SIM', 'simulated', 90, 'stale', 'no bar', now() from generate_series(1, 8) as i"
    )

    (found,) = look_over(patient.installation())

    assert found.text == "T1.SIM, T2.SIM, T3.SIM, T4.SIM, T5.SIM and 3 more are stale: no bar."


def test_an_address_of_the_reader_that_is_not_set_here_is_not_checked(patient: Patient) -> None:
    patient.environment["HOURCAST_READER_URL"] = ""
    results = {result.title: result for result in checkup.look_over(patient.installation())}

    assert "HOURCAST_READER_URL is not set here" in str(results["reader's login"].not_checked)
