"""The DAG of maintenance in a real Airflow, and the cleaning of Airflow's own tables."""

import importlib.util
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from include.local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from tests.dags.conftest import METADATA_DATABASE
from tests.support.airflow import PROJECT_DIR, AirflowDriver, airflow_environment
from tests.support.databases import plain_url

pytestmark = pytest.mark.integration
NIGHT = "2025-04-03T00:10:00+00:00"


def test_a_dry_run_says_what_would_be_removed_and_a_run_removes_it(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    folder = Path(environment["HOURCAST_MODELS_DIR"])
    folder.mkdir(parents=True)
    orphan = folder / f"shard-{'a' * 32}.safetensors"
    orphan.write_bytes(b"x" * 2_000_000)
    os.utime(orphan, (1.7e9, 1.7e9))
    run = airflow.run("maintenance", environment, run_after=NIGHT, conf={"dry_run": True})
    assert (run["state"], run["note"]) == ("success", "Would remove: 1 files of weights that no row names (2.0 MB).")
    assert orphan.exists()
    run = airflow.run("maintenance", environment, run_after="2025-04-04T00:10:00+00:00")
    assert (run["state"], run["note"]) == ("success", "Removed: 1 files of weights that no row names (2.0 MB).")
    assert not orphan.exists()


@pytest.mark.timeout(900)  # Airflow's command visits 20 tables
def test_airflows_own_command_removes_old_runs_and_keeps_the_others(
    airflow: AirflowDriver, environment: dict[str, str], postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = postgres_server.url(AIRFLOW_ROLE, METADATA_DATABASE)
    for day in (1, 2):
        airflow.run("maintenance", environment, logical_date=f"2025-05-0{day}T00:10:00+00:00")
    with psycopg2.connect(plain_url(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select id from dag_run where dag_id = 'maintenance' order by id desc limit 2")
        (new,), (old,) = cursor.fetchall()
        for number, days in ((old, 90), (new, 30)):
            cursor.execute(
                """with run as (
                    update dag_run set start_date = now() - make_interval(days => %s) where id = %s returning *
                )
                update task_instance set start_date = run.start_date from run
                where task_instance.dag_id = run.dag_id and task_instance.run_id = run.run_id""",
                (days, number),
            )
    connection.close()
    path = Path(PROJECT_DIR, "plugins", "metadata_cleanup.py")
    spec = importlib.util.spec_from_file_location("metadata_cleanup", path)
    assert spec is not None
    assert spec.loader is not None
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    command = plugin.command_of(SimpleNamespace(run_after=datetime.now(UTC) + timedelta(minutes=1)), 60)
    done = subprocess.run(
        command, env=airflow_environment(tmp_path, url), cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with psycopg2.connect(plain_url(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select id from dag_run where id in (%s, %s)", (new, old))
        left = cursor.fetchall()
        cursor.execute(
            """select count(*) from task_instance inner join dag_run using (dag_id, run_id)
            where dag_run.id = %s""",
            (new,),
        )
        tasks = cursor.fetchone()
        cursor.execute("select count(*) from information_schema.tables where table_name like '_airflow_deleted%'")
        archives = cursor.fetchone()
    connection.close()
    assert (left, archives) == ([(new,)], (0,))
    assert tasks == (1,)
