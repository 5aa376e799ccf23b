"""The password files of the embedded Postgres, in the format of libpq: ``host:port:database:role:password``.

``pgpass`` has the passwords of all roles and is for the launcher alone. ``pgpass.bi_reader`` has one complete line, for
people and BI tools. Both have mode 0600, without which libpq ignores them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from include.durable import write_private
from include.local.ports import HOST


def create_passwords(path: Path, roles: Sequence[str]) -> None:
    """Writes a random password for each role, for every port and database of this machine."""
    lines = [f"{HOST}:*:*:{role}:{secrets.token_urlsafe(24)}\n" for role in roles]
    write_private(path, "".join(lines))


def read_passwords(path: Path) -> dict[str, str]:
    """Each role's password."""
    rows = [line.split(":") for line in path.read_text(encoding="ascii").splitlines()]
    return {row[3]: row[4] for row in rows}


def write_password(path: Path, port: int, database: str, role: str, password: str) -> None:
    """Writes the one line of a role; leaves a file alone that has it already."""
    line = f"{HOST}:{port}:{database}:{role}:{password}\n"
    if not path.exists() or path.read_text(encoding="ascii") != line:
        write_private(path, line)
