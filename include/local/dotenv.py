"""Writes ``.env`` for docker compose: ``.env.example`` with every secret filled in at random, mode 0600.

Standard library only and no import from ``include``, so that any Python runs it by its path: ``make env``. A value in
an existing ``.env`` is never changed, because the database's volume was created with its passwords; a secret that a
newer version needs is added.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
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
    "MLFLOW_DATABASE_PASSWORD": random_password,
    "MIRROR_DATABASE_PASSWORD": random_password,
    "AIRFLOW_ADMIN_PASSWORD": random_password,
    "AIRFLOW_FERNET_KEY": random_fernet_key,
    "AIRFLOW_JWT_SECRET": random_signing_key,
    "AIRFLOW_SECRET_KEY": random_signing_key,
    "REDIS_PASSWORD": random_password,
    "METRICS_TOKEN": random_password,
}
"""The variables that docker-compose.yaml requires, and the function that generates each."""

KEPT_IN_VOLUMES = ("POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY")
"""Secrets whose first value the database's volume remembers; the migration sets all others anew at every start."""

PROFILES: dict[str, dict[str, str]] = {
    "celery": {"AIRFLOW_EXECUTOR": "CeleryExecutor", "AIRFLOW_PARALLELISM": "32"},
    "tls": {},
    "mlflow": {},
}
"""The profiles of docker-compose.yaml, and the values that go with each."""


def choices(profiles: Iterable[str]) -> dict[str, str]:
    """The values of ``.env`` that choose these profiles; empty without any."""
    names = [name for name in PROFILES if name in set(profiles)]
    chosen = {"COMPOSE_PROFILES": ",".join(names)} if names else {}
    for name in names:
        chosen |= PROFILES[name]
    return chosen


def filled(example: str, chosen: Mapping[str, str] | None = None) -> str:
    """``.env.example``'s text with a fresh random value for every secret, and the ``chosen`` values.

    Raises:
        ValueError: the text has no line ``NAME=`` for one of the secrets, or none for a chosen value.
    """
    text = example
    for name, make in SECRETS.items():
        text = _set(text, name, make(), before="")
    for name, value in (chosen or {}).items():
        text = _set(text, name, value, before=".*")
    return text


def _set(text: str, name: str, value: str, before: str) -> str:
    """``text`` with another value in the line ``NAME=``, where its value matches ``before``."""
    changed, count = re.subn(rf"(?m)^{name}={before}$", f"{name}={value}", text)
    if count != 1:
        message = f".env.example lacks the line {name}= ."
        raise ValueError(message)
    return changed


def write_env(project_dir: Path, chosen: Mapping[str, str] | None = None) -> bool:
    """Writes ``.env`` in ``project_dir``; returns False and changes nothing if there is one.

    Raises:
        OSError: the folder cannot be written.
    """
    target = project_dir / ".env"
    text = filled((project_dir / ".env.example").read_text(encoding="utf-8"), chosen)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    try:
        _write_durably(descriptor, text)
    except OSError:
        target.unlink()  # the next call would keep an incomplete file
        raise
    return True


def add_secrets(path: Path) -> list[str]:
    """Adds the secrets that a ``.env`` of an older version lacks; none if it lacks one that a volume remembers.

    Returns the names of the added ones.

    Raises:
        OSError: the file cannot be read or replaced.
    """
    target = path.resolve()
    text = target.read_text(encoding="utf-8")
    added = missing_secrets(text)
    if set(added) & set(KEPT_IN_VOLUMES):
        return []
    if added:
        kept = re.sub(rf"(?m)^(?:{'|'.join(added)})=\n?", "", text)
        lines = [kept.rstrip("\n"), *(f"{name}={SECRETS[name]()}" for name in added)]
        draft = target.with_name(f"{target.name}.new")
        draft.unlink(missing_ok=True)
        _write_durably(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "\n".join(lines) + "\n")
        draft.replace(target)
    return added


def _write_durably(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def missing_secrets(env: str) -> list[str]:
    """The secrets that the text of a ``.env`` lacks, as one of an older version may."""
    given = values(env)
    return [name for name in SECRETS if not given.get(name)]


def values(env: str) -> dict[str, str]:
    """Name -> value of every line ``NAME=value`` of a ``.env``; the last line of a name counts."""
    lines = (line for line in env.splitlines() if "=" in line and not line.startswith("#"))
    return dict(line.partition("=")[::2] for line in lines)


def main(arguments: list[str]) -> int:
    """Writes ``.env`` beside the Makefile, or completes the existing one, and prints which; returns the exit status.

    ``arguments`` are the names of profiles.
    """
    project_dir = Path(__file__).resolve().parent.parent.parent
    chosen = choices(arguments)
    if write_env(project_dir, chosen):
        sys.stderr.write(
            "Wrote .env with random secrets (mode 0600). Keep it: the database is created with its passwords.\n"
        )
        return 0
    path = project_dir / ".env"
    added = add_secrets(path)
    text = path.read_text(encoding="utf-8")
    if missing := missing_secrets(text):
        sys.stderr.write(f"Kept the existing .env, which lacks {', '.join(missing)}: see .env.example.\n")
        return 1
    sys.stderr.write(f"Kept the existing .env{' and added ' + ', '.join(added) if added else ''}.\n")
    given = values(text)
    if different := [f"{name}={value}" for name, value in chosen.items() if given.get(name) != value]:
        sys.stderr.write(f"For these profiles, write into it: {' '.join(different)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
