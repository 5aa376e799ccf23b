"""What the product's role may do with its database: rows, and nothing else. Each forbidden thing is tried."""

from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import errors

from include.store.app_rights import OWNER_ROLE
from tests.support.databases import plain_url

pytestmark = pytest.mark.integration

FORBIDDEN = {
    "a dropped table": "drop table forecast.bar",
    "a table without its rows": "truncate forecast.bar",
    "a changed table": "alter table forecast.bar add column mine integer",
    "a table without its triggers": "alter table forecast.bar disable trigger all",
    "a table of its own": "create table forecast.mine (one integer)",
    "a dropped filing": "drop table filings.filing cascade",
    "a table in public": "create table public.mine (one integer)",
    "a schema": "create schema mine",
    "a changed view": "create or replace view bi.mine as select 1 as one",
    "a dropped view": "drop view bi.forecast",
    "a dropped schema": "drop schema bi cascade",
    "a changed function": "drop function forecast.bars_known_at",
    "the version of the schema": "update forecast.alembic_version set version_num = '0001'",
    "the owner's rights": f"set role {OWNER_ROLE}",
    "the superuser's rights": "set role postgres",
    "a role": "create role mine",
    "a database": "create database mine",
    "other roles' passwords": "select * from pg_authid",
    "a server's file": "select pg_read_file('/etc/hostname')",
    "a program": "copy (select 1) to program 'true'",
}


@pytest.fixture
def app(database_url: str) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(plain_url(database_url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_product_changes_rows_and_nothing_else(app: psycopg2.extensions.cursor, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement)


def test_the_product_writes_reads_locks_and_stages(app: psycopg2.extensions.cursor) -> None:
    app.execute("insert into forecast.planned_hour (as_of) values (now())")
    app.execute("update forecast.planned_hour set planned_at = now()")
    app.execute("delete from forecast.planned_hour")
    app.execute("insert into filings.company values ('edgar', '0000000001', 'Nova', '{}')")
    app.execute("create temporary table staged (one integer)")
    app.execute("begin; lock table forecast.accuracy_day in share row exclusive mode; commit")
    app.execute("select pg_advisory_lock(1), count(*) from bi.forecast")
    app.execute("select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user")
    assert app.fetchall() == [(False,)]


def test_nobody_logs_in_as_the_owner(app: psycopg2.extensions.cursor) -> None:
    app.execute("select rolcanlogin or rolsuper from pg_roles where rolname = %s", (OWNER_ROLE,))
    assert app.fetchall() == [(False,)]
    app.execute("select distinct tableowner from pg_tables where schemaname in ('forecast', 'filings', 'bi')")
    assert app.fetchall() == [(OWNER_ROLE,)]
