"""Writes the login for Airflow's page, from the environment, into the file named as the first argument.

The file is what Airflow's simple auth manager reads: JSON, name to password; mode 0600. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

NAME = "admin"
VARIABLE = "AIRFLOW_ADMIN_PASSWORD"


def write_login(path: Path, password: str) -> None:
    """Puts name and password into ``path``, replacing what was there; nobody but its owner can read it.

    Raises:
        SystemExit: the password is empty, with which Airflow would invent one and print it into the log.
    """
    if not password:
        message = f"{VARIABLE} is empty; run `make env` and start again."
        raise SystemExit(message)
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({NAME: password}, file)
    scratch.replace(path)


if __name__ == "__main__":
    write_login(Path(sys.argv[1]), os.environ.get(VARIABLE, ""))
