"""Makes the two databases and their roles on Postgres, with the passwords of the environment.

The server is the compose file's, or the one that ``POSTGRES_HOST``, ``POSTGRES_PORT`` and ``POSTGRES_USER`` name.
Run by the one-shot migration at every start; changes nothing that is already so. A password changed in ``.env`` is
taken over, the superuser's excepted: the volume remembers that one from its first start.
"""

from __future__ import annotations

import os
import sys

from include.errors import HourcastError
from include.store.roles import DatabasePlan, Login, ensure_database

HOST = "postgres"
PORT = "5432"
SUPERUSER = "postgres"


def main() -> int:
    """Both databases: Airflow's with its role; ours with its owner, the role that writes and the one that reads.

    Returns the exit status: 0, or 1 with the reason on standard error.
    """
    host = os.environ.get("POSTGRES_HOST", HOST)
    port = int(os.environ.get("POSTGRES_PORT", PORT))
    superuser = Login(os.environ.get("POSTGRES_USER", SUPERUSER), os.environ["POSTGRES_PASSWORD"])
    airflow = Login("airflow", os.environ["AIRFLOW_DATABASE_PASSWORD"])
    app = Login("hourcast_app", os.environ["APP_DATABASE_PASSWORD"])
    reader = Login("bi_reader", os.environ["BI_READER_PASSWORD"])
    try:
        ensure_database(host, port, superuser, DatabasePlan("airflow", writer=airflow))
        plan = DatabasePlan("hourcast", writer=app, readers=(reader,), is_owned_apart=True)
        ensure_database(host, port, superuser, plan)
    except HourcastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
