"""Writes the secrets that ``deploy/kubernetes`` names into one file for ``kubectl apply``, with random values.

    POSTGRES_PASSWORD=... python3 -m include.local.kubernetes_secrets postgres.example secrets.json

Standard library only. The file is JSON, which kubectl reads as it reads YAML, and has mode 0600. An existing file is
never changed, because the databases keep the passwords and Airflow the Fernet key of the first one.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from include.local.dotenv import SECRETS

RELEASE: Final = "hourcast"
"""The name of the Helm release: the service of Redis has it in its name."""

DATABASE: Final = "postgresql+psycopg2://{role}:{password}@{server}/{name}"

_SERVER = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?")
_PASSWORD = re.compile(r"[A-Za-z0-9._~-]+")

Secrets = dict[str, dict[str, str]]
"""Name of a secret -> key in it -> value."""


def new_secrets(server: str, environment: Mapping[str, str]) -> Secrets:
    """The secrets for the Postgres at ``server`` (``host`` or ``host:port``).

    ``environment`` has ``POSTGRES_PASSWORD`` of the role ``POSTGRES_USER`` (postgres), which may make roles and
    databases, and, if the pods need keys of the object store, ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.

    Raises:
        ValueError: the server's name or the password would not fit into an address, or the password is missing.
    """
    user, password = environment.get("POSTGRES_USER", "postgres"), environment.get("POSTGRES_PASSWORD", "")
    if not _SERVER.fullmatch(server):
        message = f"{server!r} is no name of a server; give a host, or host:port."
        raise ValueError(message)
    if not _PASSWORD.fullmatch(password):
        message = f"Set POSTGRES_PASSWORD to the password of {user}: letters, digits and . _ ~ - only."
        raise ValueError(message)
    made = {name: make() for name, make in SECRETS.items()} | {"POSTGRES_PASSWORD": password}
    return _databases(server, user, made) | _airflow(server, made) | _object_store(environment)


def _databases(server: str, user: str, made: Mapping[str, str]) -> Secrets:
    def address(role: str, password: str) -> str:
        return DATABASE.format(role=role, password=password, server=server, name="hourcast")

    return {
        "hourcast-databases": {
            "app-url": address("hourcast_app", made["APP_DATABASE_PASSWORD"]),
            "reader-url": address("bi_reader", made["BI_READER_PASSWORD"]),
        },
        "hourcast-migration": {
            "superuser-password": made["POSTGRES_PASSWORD"],
            "superuser-url": address(user, made["POSTGRES_PASSWORD"]),
            "airflow-password": made["AIRFLOW_DATABASE_PASSWORD"],
            "app-password": made["APP_DATABASE_PASSWORD"],
            "reader-password": made["BI_READER_PASSWORD"],
        },
    }


def _airflow(server: str, made: Mapping[str, str]) -> Secrets:
    password = made["AIRFLOW_DATABASE_PASSWORD"]
    return {
        "hourcast-airflow": {
            "connection": DATABASE.format(role="airflow", password=password, server=server, name="airflow"),
            "fernet-key": made["AIRFLOW_FERNET_KEY"],
            "api-secret-key": made["AIRFLOW_SECRET_KEY"],
            "jwt-secret": made["AIRFLOW_JWT_SECRET"],
        },
        "hourcast-page": {
            "admin-password": made["AIRFLOW_ADMIN_PASSWORD"],
            "metrics-token": made["METRICS_TOKEN"],
        },
        "hourcast-broker": {
            "connection": f"redis://:{made['REDIS_PASSWORD']}@{RELEASE}-redis:6379/0",
            "password": made["REDIS_PASSWORD"],
        },
    }


def _object_store(environment: Mapping[str, str]) -> Secrets:
    keys = {
        "access-key-id": environment.get("AWS_ACCESS_KEY_ID", ""),
        "secret-access-key": environment.get("AWS_SECRET_ACCESS_KEY", ""),
    }
    return {"hourcast-object-store": keys} if all(keys.values()) else {}


def manifest(secrets: Secrets) -> str:
    """The secrets as a list that ``kubectl apply`` takes, in JSON."""
    items = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque", "stringData": values}
        for name, values in secrets.items()
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2) + "\n"


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Writes the file named second for the server named first; returns the exit status, 2 if nothing was written."""
    if len(arguments) != 2:  # a server and a file
        sys.stderr.write("Name the Postgres server and the file to write: postgres.example secrets.json\n")
        return 2
    target = Path(arguments[1])
    try:
        text = manifest(new_secrets(arguments[0], environment))
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except FileExistsError:
        sys.stderr.write(f"{target} exists and is kept: the databases have its passwords.\n")
        return 2
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    sys.stderr.write(f"Wrote {target} (mode 0600). Apply it, keep it in a safe place, and never commit it.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
