"""The SQL that leaves the role of BI tools one right: to read the views of schema bi, within limits.

A superuser runs it, again at every start: Postgres lets a role change the settings of its session, its defaults and its
password. The rights and ``temp_file_limit`` are out of its reach. Each statement is one line, as Postgres' single-user
mode needs it. ``include/store/migrations.py`` grants the views.
"""

from __future__ import annotations

from collections.abc import Sequence

CONNECTION_LIMIT = 20

SETTINGS = {
    "search_path": "bi",
    "default_transaction_read_only": "on",
    "statement_timeout": "60s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "idle_session_timeout": "1h",
    "temp_file_limit": "1GB",  # only a superuser may change this one
}
"""Defaults of the role's sessions."""

# Every role may call these by default: large objects store data, advisory locks can block a migration, and messages
# fill the write-ahead log. All of that works in a session that has turned its read-only default off.
_REFUSED_FUNCTIONS = "^(lo_|loread$|lowrite$|pg_advisory_|pg_try_advisory_|pg_logical_emit_message$)"


def server_statements(reader: str) -> list[str]:
    """Statements for any database of the server: limits of the role, and no access to the server's other databases.

    ``reader`` is the role's name, quoted where it needs quotes.
    """
    return [
        f"alter role {reader} nosuperuser nocreatedb nocreaterole noreplication nobypassrls "
        f"connection limit {CONNECTION_LIMIT}",
        f"alter role {reader} reset all",
        *(f"alter role {reader} set {name} = '{value}'" for name, value in SETTINGS.items()),
        "revoke all on database postgres from public",
        "revoke all on database template1 from public",
    ]


def database_statements(database: str, writers: Sequence[str], reader: str) -> list[str]:
    """Statements to run in ``database``: no schema but bi, no temporary tables, no functions that store or block.

    The names are those of the database, of the roles that write to it and of the role that reads, quoted where they
    need it. Every other role loses these rights too; the writers keep them.
    """
    return [
        f"alter role {reader} in database {database} reset all",
        f"revoke all on database {database} from public, {reader}",
        f"grant connect on database {database} to {reader}",
        "revoke all on schema public from public",
        _refuse_functions(writers),
    ]


def _refuse_functions(writers: Sequence[str]) -> str:
    parts = (
        "do $$ declare refused regprocedure; begin",
        "for refused in select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace",
        f"and proname ~ '{_REFUSED_FUNCTIONS}' loop",
        "execute format('revoke execute on function %s from public', refused);",
        f"execute format('grant execute on function %s to %s', refused, $role${', '.join(writers)}$role$);",
        "end loop; end $$",
    )
    return " ".join(parts)
