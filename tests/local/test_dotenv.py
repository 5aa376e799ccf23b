"""`make env`: random secrets, once."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from include.local.dotenv import SECRETS, filled, write_env
from tests.docker.compose import PROJECT_DIR, example, read, required


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".env.example").write_text(read(".env.example"), encoding="utf-8")
    return tmp_path


def install(folder: Path) -> Path:
    """The script, at its place below a project's folder."""
    script = folder / "include" / "local" / "dotenv.py"
    script.parent.mkdir(parents=True)
    script.write_text((PROJECT_DIR / "include" / "local" / "dotenv.py").read_text(encoding="utf-8"), encoding="utf-8")
    return script


def values(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def test_every_secret_that_compose_requires_is_made() -> None:
    assert set(SECRETS) == required()


def test_the_file_is_the_example_with_its_secrets_filled_in(folder: Path) -> None:
    assert write_env(folder) is True
    made = values((folder / ".env").read_text(encoding="utf-8"))
    assert list(made) == list(example())
    assert {name: value for name, value in made.items() if name not in SECRETS} == {
        name: value for name, value in example().items() if name not in SECRETS
    }
    assert all(len(made[name]) >= 44 for name in SECRETS)
    assert len({made[name] for name in SECRETS}) == len(SECRETS)


def test_no_two_installations_share_a_secret() -> None:
    first, second = values(filled(read(".env.example"))), values(filled(read(".env.example")))
    assert all(first[name] != second[name] for name in SECRETS)


def test_passwords_need_no_quoting_in_an_address() -> None:
    made = values(filled(read(".env.example")))
    assert all(made[name].isalnum() for name in SECRETS if name.endswith("_PASSWORD"))


def test_the_fernet_key_is_one() -> None:
    made = values(filled(read(".env.example")))
    assert len(base64.urlsafe_b64decode(made["AIRFLOW_FERNET_KEY"])) == 32


def test_signing_keys_are_as_long_as_their_hash() -> None:
    made = values(filled(read(".env.example")))
    assert all(len(made[name]) >= 64 for name in ("AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY"))


def test_only_its_owner_can_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        write_env(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


def test_a_second_time_keeps_the_file(folder: Path) -> None:
    write_env(folder)
    first = (folder / ".env").read_bytes()
    assert write_env(folder) is False
    assert (folder / ".env").read_bytes() == first


def test_an_existing_file_is_kept_even_if_it_is_a_broken_link(folder: Path) -> None:
    (folder / ".env").symlink_to(folder / "nowhere")
    assert write_env(folder) is False
    assert not (folder / "nowhere").exists()


def test_an_example_without_a_secret_is_refused_before_anything_is_written(folder: Path) -> None:
    (folder / ".env.example").write_text("AIRFLOW_PORT=8080\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the line"):
        write_env(folder)
    assert not (folder / ".env").exists()


def test_a_file_that_lacks_a_secret_is_kept_and_the_secret_named(folder: Path) -> None:
    script = install(folder)
    (folder / ".env").write_text("POSTGRES_PASSWORD=mine\nBI_READER_PASSWORD=\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "BI_READER_PASSWORD" in done.stderr
    assert "POSTGRES_PASSWORD" not in done.stderr
    assert (folder / ".env").read_text(encoding="utf-8") == "POSTGRES_PASSWORD=mine\nBI_READER_PASSWORD=\n"


def test_it_runs_by_its_path_with_nothing_but_python(folder: Path) -> None:
    script = install(folder)
    argv = [sys.executable, "-I", "-S", str(script)]
    first = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=True)
    second = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=True)
    assert "Wrote .env" in first.stderr
    assert "Kept" in second.stderr
    made = values((folder / ".env").read_text(encoding="utf-8"))
    assert not any(value in first.stderr + first.stdout for name, value in made.items() if name in SECRETS)
