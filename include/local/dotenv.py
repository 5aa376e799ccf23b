"""Writes ``.env`` for docker compose: ``.env.example`` with every secret filled in at random, mode 0600.

Standard library only and no import from ``include``, so that any Python runs it by its path: ``make env``. An existing
``.env`` is never changed, because the database's volume was created with its passwords.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path


def random_password() -> str:
    """192 random bits as 48 hexadecimal digits, which need no quoting in an address, a shell or a .env file."""
    return secrets.token_hex(24)


def random_signing_key() -> str:
    """512 random bits as 128 hexadecimal digits: Airflow signs with SHA-512, whose key has at least 512 bits."""
    return secrets.token_hex(64)


def random_fernet_key() -> str:
    """32 random bytes in URL-safe base64, as Airflow's encryption of connections (Fernet) needs them."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


SECRETS: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": random_password,
    "AIRFLOW_DATABASE_PASSWORD": random_password,
    "APP_DATABASE_PASSWORD": random_password,
    "BI_READER_PASSWORD": random_password,
    "AIRFLOW_ADMIN_PASSWORD": random_password,
    "AIRFLOW_FERNET_KEY": random_fernet_key,
    "AIRFLOW_JWT_SECRET": random_signing_key,
    "AIRFLOW_SECRET_KEY": random_signing_key,
}
"""The variables that docker-compose.yaml requires, and the function that generates each."""


def filled(example: str) -> str:
    """``.env.example``'s text with a fresh random value for every secret.

    Raises:
        ValueError: the text has no line ``NAME=`` for one of the secrets.
    """
    lines = example.splitlines()
    for name, make in SECRETS.items():
        try:
            place = lines.index(f"{name}=")
        except ValueError as error:
            message = f".env.example lacks the line {name}= ."
            raise ValueError(message) from error
        lines[place] = f"{name}={make()}"
    return "\n".join(lines) + "\n"


def write_env(project_dir: Path) -> bool:
    """Writes ``.env`` in ``project_dir``; returns False and changes nothing if there is one.

    Raises:
        OSError: the folder cannot be written.
    """
    target = project_dir / ".env"
    text = filled((project_dir / ".env.example").read_text(encoding="utf-8"))
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        target.unlink()  # the next call would keep an incomplete file
        raise
    return True


def missing_secrets(env: str) -> list[str]:
    """The secrets that the text of a ``.env`` lacks, as one of an older version may."""
    given = dict(line.partition("=")[::2] for line in env.splitlines())
    return [name for name in SECRETS if not given.get(name)]


def main() -> int:
    """Writes ``.env`` beside the Makefile or checks the existing one, and prints which; returns the exit status."""
    project_dir = Path(__file__).resolve().parent.parent.parent
    if write_env(project_dir):
        sys.stderr.write(
            "Wrote .env with random secrets (mode 0600). Keep it: the database is created with its passwords.\n"
        )
        return 0
    missing = missing_secrets((project_dir / ".env").read_text(encoding="utf-8"))
    if missing:
        sys.stderr.write(f"Kept the existing .env, which lacks {', '.join(missing)}: see .env.example.\n")
        return 1
    sys.stderr.write("Kept the existing .env.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
