"""`make env`: random secrets, once."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from include.local.dotenv import KEPT_IN_VOLUMES, PROFILES, SECRETS, add_secrets, choices, filled, write_env
from tests.docker.compose import PROJECT_DIR, example, read, required, services


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


def test_a_file_of_an_older_version_gets_the_new_secrets_and_keeps_its_values(folder: Path) -> None:
    write_env(folder)
    path = folder / ".env"
    before = values(path.read_text(encoding="utf-8"))
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if "REDIS_PASSWORD" not in line)
    path.write_text(text.replace(before["BI_READER_PASSWORD"], ""), encoding="utf-8")
    assert add_secrets(path) == ["BI_READER_PASSWORD", "REDIS_PASSWORD"]
    after = values(path.read_text(encoding="utf-8"))
    assert {name for name in before if before[name] != after[name]} == {"BI_READER_PASSWORD", "REDIS_PASSWORD"}
    assert len(after["REDIS_PASSWORD"]) == 48
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert add_secrets(path) == []


def test_new_secrets_go_through_a_link_into_the_file_that_it_names(folder: Path) -> None:
    write_env(folder)
    (folder / ".env").rename(folder / "elsewhere")
    (folder / ".env").symlink_to("elsewhere")
    kept = (folder / "elsewhere").read_text(encoding="utf-8").replace("REDIS_PASSWORD=", "OTHER=")
    (folder / "elsewhere").write_text(kept, encoding="utf-8")
    assert add_secrets(folder / ".env") == ["REDIS_PASSWORD"]
    assert (folder / ".env").is_symlink()
    assert "\nREDIS_PASSWORD=" in (folder / "elsewhere").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", KEPT_IN_VOLUMES)
def test_a_secret_that_a_volume_remembers_is_not_invented_again_but_named(name: str, folder: Path) -> None:
    script = install(folder)
    write_env(folder)
    path = folder / ".env"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"{name}={values(text)[name]}", f"{name}=").replace("REDIS_", "OTHER_"))
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert name in done.stderr
    assert "REDIS_PASSWORD" in done.stderr
    assert path.read_bytes() == before


def test_a_profile_chooses_its_values_and_is_one_of_the_compose_file() -> None:
    known = {profile for service in services().values() for profile in service.get("profiles", [])}
    assert set(PROFILES) == known
    made = values(filled(read(".env.example"), choices(["celery"])))
    assert made["COMPOSE_PROFILES"] == "celery"
    assert made["AIRFLOW_EXECUTOR"] == "CeleryExecutor"
    assert choices([]) == {}
    assert choices(["tls", "celery"])["COMPOSE_PROFILES"] == "celery,tls"


def test_an_existing_file_is_not_switched_to_a_profile_but_the_lines_are_named(folder: Path) -> None:
    script = install(folder)
    write_env(folder)
    before = (folder / ".env").read_bytes()
    done = subprocess.run([sys.executable, "-I", str(script), "celery"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "COMPOSE_PROFILES=celery AIRFLOW_EXECUTOR=CeleryExecutor" in done.stderr
    assert (folder / ".env").read_bytes() == before


def test_it_runs_by_its_path_with_nothing_but_python(folder: Path) -> None:
    script = install(folder)
    argv = [sys.executable, "-I", "-S", str(script)]
    first = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=True)
    second = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=True)
    assert "Wrote .env" in first.stderr
    assert "Kept" in second.stderr
    made = values((folder / ".env").read_text(encoding="utf-8"))
    assert not any(value in first.stderr + first.stdout for name, value in made.items() if name in SECRETS)
