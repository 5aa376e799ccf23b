"""The SQL that leaves the role of the product one right: to read and write rows. Another role owns the tables.

The owner has no login. Migrations become it (``include/store/migrations.py``), which a superuser may. So whoever gets
hold of the product's password can neither drop a table nor change a view. A superuser runs these statements again at
every start; they also move what an older version's role owns to the owner. Each statement is one line, as Postgres'
single-user mode needs it.
"""

from __future__ import annotations

from include.store.engine import Connection, execute, fetch_rows

OWNER_ROLE = "hourcast_owner"
"""Owns the database and everything in it. Nobody logs in as this role."""
APP_ROLE = "hourcast_app"
"""The role of the product."""

_EXTENSIONS = "extensions"
_LIMITS = "nosuperuser nocreatedb nocreaterole noreplication nobypassrls"


def owner_statements(database: str, app: str) -> list[str]:
    """Statements to run in ``database``: the owner exists and owns everything, and ``app`` may connect.

    Both names are quoted where they need it. Call it before the migrations, which grant the tables.
    """
    role = f"if not exists (select from pg_roles where rolname = '{OWNER_ROLE}') then create role {OWNER_ROLE}; end if"
    return [
        f"do $$ begin {role}; end $$",
        f"alter role {OWNER_ROLE} nologin {_LIMITS}",
        f"alter role {app} {_LIMITS}",
        f"alter database {database} owner to {OWNER_ROLE}",
        f"reassign owned by {app} to {OWNER_ROLE}",
        f"revoke all on database {database} from public, {app}",
        f"grant connect, temporary on database {database} to {app}",
    ]


def extension_statement(app: str) -> str:
    """One line that creates the extension ``vector`` for owner and ``app``, where the server has it; for a superuser.

    It is in a schema of its own: nobody may use schema public, and a restoration drops the others. Call it after
    ``owner_statements``.
    """
    create = (
        f"create schema if not exists {_EXTENSIONS}; create extension if not exists vector schema {_EXTENSIONS}; "
        f"grant usage on schema {_EXTENSIONS} to {OWNER_ROLE}, {app}"
    )
    is_there = "exists (select from pg_available_extensions where name = 'vector')"
    return f"do $$ begin if {is_there} then {create}; end if; end $$"


def grant_app(connection: Connection, app_role: str) -> None:
    """Grants a role the rows of the schemas forecast and filings, and the views to read; no more than that."""
    role = connection.dialect.identifier_preparer.quote(app_role)
    found = fetch_rows(connection, "select nspname from pg_namespace where nspname in ('forecast', 'filings')")
    written = ", ".join(row["nspname"] for row in found)
    execute(connection, f"grant usage on schema {written}, bi to {role}")
    execute(connection, f"grant select, insert, update, delete on all tables in schema {written} to {role}")
    execute(connection, f"revoke insert, update, delete on forecast.alembic_version from {role}")
    execute(connection, f"grant usage, select on all sequences in schema {written} to {role}")
    # An older schema, as a test of one migration has it, is without the functions.
    for name in ("filings.make_vector_table", "filings.drop_vector_table"):
        for row in fetch_rows(connection, "select to_regproc(:name) as name", {"name": name}):
            if row["name"] is not None:
                execute(connection, f"grant execute on function {row['name']} to {role}")
    execute(connection, f"grant select on all tables in schema bi to {role}")
