"""The SQL that leaves the mirror of MLflow one right: to read which backbones were trained and which one serves.

Only containers have this role (``docker/roles.py``), so that the process beside MLflow, whose page has no login, can
change nothing. Where next: ``tracking/facts.py``, which reads with it.
"""

from __future__ import annotations

from typing import Final

from include.store.engine import Connection, execute

MIRROR_ROLE: Final = "hourcast_mirror"
"""The role of the mirror; a database may be without it."""
MIRRORED_TABLES: Final = ("backbone", "backbone_choice", "method_score")
"""What ``tracking/facts.py`` reads, in schema forecast."""


def grant_mirror(connection: Connection, mirror_role: str) -> None:
    """Grants a role the rows of MIRRORED_TABLES to read, and takes every other right in schema forecast from it."""
    role = connection.dialect.identifier_preparer.quote(mirror_role)
    execute(connection, f"revoke all on all tables in schema forecast from {role}")
    execute(connection, f"grant usage on schema forecast to {role}")
    named = ", ".join(f"forecast.{name}" for name in MIRRORED_TABLES)
    execute(connection, f"grant select on {named} to {role}")
