"""Makes the databases and their roles on Postgres, with the passwords of the environment.

The server is the compose file's, or the one that ``POSTGRES_HOST``, ``POSTGRES_PORT`` and ``POSTGRES_USER`` name.
Run by the one-shot migration at every start; changes nothing that is already so. A password changed in ``.env`` is
taken over, the superuser's excepted: the volume remembers that one from its first start.
"""

from __future__ import annotations

import os
import sys

from include.errors import HourcastError
from include.store.mirror_rights import MIRROR_ROLE
from include.store.roles import DatabasePlan, Login, ensure_database

HOST = "postgres"
PORT = "5432"
SUPERUSER = "postgres"
MLFLOW_PASSWORDS = ("MLFLOW_DATABASE_PASSWORD", "MIRROR_DATABASE_PASSWORD")


def main() -> int:
    """Airflow's database with its role; ours with its owner, the role that writes and those that read; MLflow's.

    MLflow's database and the role of its mirror are made where both have a password, as in the compose
    file. Returns the exit status: 0, or 1 with the reason on standard error.
    """
    host = os.environ.get("POSTGRES_HOST", HOST)
    port = int(os.environ.get("POSTGRES_PORT", PORT))
    superuser = Login(os.environ.get("POSTGRES_USER", SUPERUSER), os.environ["POSTGRES_PASSWORD"])
    airflow = Login("airflow", os.environ["AIRFLOW_DATABASE_PASSWORD"])
    app = Login("hourcast_app", os.environ["APP_DATABASE_PASSWORD"])
    reader = Login("bi_reader", os.environ["BI_READER_PASSWORD"])
    mlflow_password, mirror_password = (os.environ.get(name, "") for name in MLFLOW_PASSWORDS)
    has_mlflow = bool(mlflow_password and mirror_password)
    readers = (reader, Login(MIRROR_ROLE, mirror_password)) if has_mlflow else (reader,)
    plans = [
        DatabasePlan("airflow", writer=airflow),
        DatabasePlan("hourcast", writer=app, readers=readers, is_owned_apart=True),
    ]
    if has_mlflow:
        plans.append(DatabasePlan("mlflow", writer=Login("mlflow", mlflow_password)))
    try:
        for plan in plans:
            ensure_database(host, port, superuser, plan)
    except HourcastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
