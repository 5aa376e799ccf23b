"""Makes the two databases and the three roles on the compose file's Postgres, with the passwords of ``.env``.

Run by the one-shot migration at every start; changes nothing that is already so. A password changed in ``.env`` is
taken over, the superuser's excepted: the volume remembers that one from its first start.
"""

from __future__ import annotations

import os
import sys

from include.errors import HourcastError
from include.store.roles import DatabasePlan, Login, ensure_database

HOST = "postgres"
PORT = 5432


def main() -> int:
    """Both databases: Airflow's with its role, ours with the role that writes and the role that reads ``bi``.

    Returns the exit status: 0, or 1 with the reason on standard error.
    """
    superuser = Login("postgres", os.environ["POSTGRES_PASSWORD"])
    airflow = Login("airflow", os.environ["AIRFLOW_DATABASE_PASSWORD"])
    app = Login("hourcast_app", os.environ["APP_DATABASE_PASSWORD"])
    reader = Login("bi_reader", os.environ["BI_READER_PASSWORD"])
    try:
        ensure_database(HOST, PORT, superuser, DatabasePlan("airflow", owner=airflow))
        ensure_database(HOST, PORT, superuser, DatabasePlan("hourcast", owner=app, readers=(reader,)))
    except HourcastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
