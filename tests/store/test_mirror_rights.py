"""What the role of MLflow's mirror may do: read which backbones there are. Each other thing is tried."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy import make_url

from include.local.postgres import SUPERUSER, EmbeddedPostgres
from include.settings import load_settings
from include.store.migrations import migrate
from include.store.mirror_rights import MIRROR_ROLE, MIRRORED_TABLES
from include.store.roles import DatabasePlan, Login, ensure_database
from tests.support.databases import owner_url, run_as_superuser
from tests.support.products import AT
from tracking.facts import SHIPPED, read_facts

pytestmark = pytest.mark.integration

FORBIDDEN = {
    "forecasts": "select * from forecast.prediction",
    "tickers": "select * from forecast.ticker",
    "views for people": "select * from bi.forecast",
    "filings": "select * from filings.filing",
    "a promotion": "update forecast.backbone set is_promoted = true",
    "a backbone": "insert into forecast.backbone (request_id) values ('mine')",
    "a leaderboard": "delete from forecast.method_score",
    "a table": "create table forecast.mine (one integer)",
    "a temporary table": "create temporary table mine (one integer)",
    "the product's rights": "set role hourcast_app",
}


@pytest.fixture
def mirror_url(postgres_server: EmbeddedPostgres, database_url: str) -> Iterator[str]:
    """The address of a migrated database with the role of the mirror, as the containers make it."""
    superuser = re.search(r"//\w+:([^@]+)@", postgres_server.url(SUPERUSER, "postgres"))
    assert superuser is not None
    url = make_url(database_url)
    writer = Login(str(url.username), str(url.password))
    login = Login(MIRROR_ROLE, secrets.token_hex(12))
    plan = DatabasePlan(str(url.database), writer=writer, readers=(login,), is_owned_apart=True)
    ensure_database("127.0.0.1", postgres_server.port, Login(SUPERUSER, superuser[1]), plan)
    migrate(owner_url(database_url))
    yield url.set(username=login.role, password=login.password).render_as_string(hide_password=False)
    inside = postgres_server.url(SUPERUSER, str(url.database))
    connection = psycopg2.connect(inside.replace("+psycopg2", ""))
    with connection, connection.cursor() as cursor:
        cursor.execute(f"drop owned by {MIRROR_ROLE}")
    connection.close()
    run_as_superuser(postgres_server, f"drop role {MIRROR_ROLE}")


def test_the_mirror_reads_every_fact(mirror_url: str, tmp_path: Path) -> None:
    facts = read_facts(load_settings({"HOURCAST_DATABASE_URL": mirror_url, "HOURCAST_LOCAL_DIR": str(tmp_path)}), AT)
    assert [run.key for run in facts.runs] == [SHIPPED]
    connection = psycopg2.connect(mirror_url.replace("+psycopg2", ""))
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select table_name from information_schema.table_privileges"
            " where grantee = %s and table_schema = 'forecast' and privilege_type = 'SELECT' order by 1",
            (MIRROR_ROLE,),
        )
        assert [name for (name,) in cursor.fetchall()] == sorted(MIRRORED_TABLES)
    connection.close()


def test_the_mirror_can_do_nothing_else(mirror_url: str) -> None:
    connection = psycopg2.connect(mirror_url.replace("+psycopg2", ""))
    connection.autocommit = True
    done = []
    with connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = off")  # a default that anybody may turn off
        for what, statement in FORBIDDEN.items():
            try:
                cursor.execute(statement)
                done.append(what)
            except errors.InsufficientPrivilege:
                continue
    connection.close()
    assert done == []
