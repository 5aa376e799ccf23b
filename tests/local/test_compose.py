"""The Makefile's commands for containers: what docker reports becomes addresses, states and errors with the remedy."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.local import compose
from tests.docker.compose import PROJECT_DIR, services


def report(service: str, status: str = "running", health: str | None = "healthy", **more: Any) -> dict[str, Any]:
    """One container, as `docker inspect` shows it."""
    state: dict[str, Any] = {
        "Status": status,
        "ExitCode": more.get("exit_code", 0),
        "StartedAt": "2026-01-05T10:00:00.5Z",
    }
    if health is not None:
        state["Health"] = {"Status": health}
    ports = {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": host}] for port, host in more.get("ports", {}).items()}
    return {
        "Id": f"id-of-{service}",
        "Name": f"/hourcast_{service}_1",
        "State": state,
        "Config": {"Labels": {"com.docker.compose.service": service}},
        "NetworkSettings": {"Ports": ports | {"8793/tcp": None}},
    }


WELL = [
    report("postgres", ports={"5432": "15432"}),
    report("migrate", "exited", None),
    report("api-server", ports={"8080": "18080"}),
    report("scheduler"),
]

FAKE_DOCKER = """#!/bin/sh
# Stands for docker and compose: notes what was called, and shows the containers of the file `reports`.
echo "$(basename "$0") $*" >>"$FOLDER/calls"
case "$(basename "$0") $*" in
"docker compose"*) exit 1 ;;
"docker-compose ps"*) cat "$FOLDER/ids" ;;
"docker inspect"*) cat "$FOLDER/reports" ;;
"docker exec"*) echo "PGPASSWORD=$PGPASSWORD" >>"$FOLDER/secrets"; cat ;;
esac
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> compose.Install:
    for name in ("docker", "docker-compose"):
        (tmp_path / name).write_text(FAKE_DOCKER)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FOLDER", str(tmp_path))
    (tmp_path / ".env").write_text("BI_READER_PASSWORD=old\nBI_READER_PASSWORD=of-the-reader\n")
    show(tmp_path, WELL)
    return compose.Install(tmp_path)


def show(folder: Path, reports: list[dict[str, Any]]) -> None:
    (folder / "ids").write_text("\n".join(each["Id"] for each in reports))
    (folder / "reports").write_text(json.dumps(reports))


def calls(install: compose.Install) -> list[str]:
    return (install.project_dir / "calls").read_text().splitlines()


def test_up_prints_where_the_page_is_where_the_passwords_are_and_what_to_do_next(
    install: compose.Install, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose.up(install, ["--scale", "worker=2"]) == 0
    assert "docker-compose up --build --detach --scale worker=2" in calls(install)
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:18080" in printed
    assert "127.0.0.1:15432" in printed
    assert "AIRFLOW_ADMIN_PASSWORD in .env" in printed
    assert "make cli" in printed
    assert "of-the-reader" not in printed


def test_an_address_with_tls_is_shown_where_the_proxy_publishes_one() -> None:
    containers = compose.parse_containers(json.dumps([*WELL, report("proxy", ports={"8443": "443"})]))
    assert any("https://127.0.0.1:443" in line for line in compose.describe_addresses(containers))


@pytest.mark.parametrize(
    ("failed", "state"),
    [
        (report("scheduler", health="unhealthy"), "scheduler (unhealthy)"),
        (report("migrate", "exited", None, exit_code=1), "migrate (exited)"),
        (report("api-server", "exited"), "api-server (healthy)"),
    ],
    ids=["unhealthy", "migration failed", "ended"],
)
def test_up_names_what_failed_without_waiting_longer(
    install: compose.Install, failed: dict[str, Any], state: str
) -> None:
    show(install.project_dir, [report("postgres"), failed])
    with pytest.raises(SystemExit, match="make logs") as raised:
        compose.wait_until_well(install)
    assert state in str(raised.value)


def test_up_gives_up_on_what_never_becomes_healthy(install: compose.Install) -> None:
    show(install.project_dir, [report("postgres"), report("worker", health="starting")])
    with pytest.raises(SystemExit, match=r"worker \(starting\)"):
        compose.wait_until_well(install, wait_seconds=0)


def test_psql_reads_files_here_and_hands_the_password_on_by_the_environment(
    install: compose.Install, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "query.sql").write_text("select 1;\n")
    assert install.psql(["--", "-f", "query.sql", "-A"]) == 0
    call = calls(install)[-1]
    assert call.startswith("docker exec --interactive --env PGPASSWORD id-of-postgres psql -h 127.0.0.1 -U bi_reader")
    assert call.endswith("-A --file=-")
    assert "of-the-reader" not in "".join(calls(install))
    assert (tmp_path / "secrets").read_text() == "PGPASSWORD=of-the-reader\n"
    assert capfdbinary.readouterr().out == b"select 1;\n"


def test_a_restoration_runs_beside_the_database_alone(
    install: compose.Install, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose.restore(install, ["2025-04-01T023000Z", "--sample", "10"]) == 0
    assert calls(install)[-2:] == [
        "docker-compose stop api-server scheduler",
        "docker-compose run --rm migrate restore 2025-04-01T023000Z --sample 10",
    ]
    assert "make up" in capsys.readouterr().err


def test_make_restore_restores_into_containers_where_no_container_exists_yet(install: compose.Install) -> None:
    folder = install.project_dir
    show(folder, [])
    for name in ("Makefile", "include/local/compose.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((PROJECT_DIR / name).read_bytes())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "-C", str(folder), "restore", "SAMPLE=10"], env=inherited, check=True, capture_output=True)
    assert calls(install)[-1] == "docker-compose run --rm migrate restore --sample 10"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"missing\.sql cannot be read"):
        compose.read_files(["--file=missing.sql"], tmp_path)


def test_status_shows_every_container_and_fails_where_one_is_not_well(
    install: compose.Install, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose.status(install) == 0
    printed = capsys.readouterr().out
    assert "hourcast_scheduler_1" in printed
    assert "exited (0)" in printed
    show(install.project_dir, [*WELL, report("worker", health="unhealthy")])
    assert compose.status(install) == 1


def test_a_command_runs_in_a_running_container_or_says_how_to_start_one(install: compose.Install) -> None:
    install.execute("scheduler", ["python", "-m", "include.cli", "--help"], text=b"")
    assert calls(install)[-1] == "docker exec --interactive id-of-scheduler python -m include.cli --help"
    show(install.project_dir, [report("scheduler", "exited")])
    with pytest.raises(SystemExit, match="make up"):
        install.running("scheduler")


def test_mlflow_is_asked_where_the_mirror_runs_and_its_absence_is_named(
    install: compose.Install, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="Add mlflow to COMPOSE_PROFILES"):
        compose.mlflow(install, [])
    more = [report("mlflow", ports={"5000": "15001"}), report("mlflow-mirror")]
    show(install.project_dir, [*WELL, *more])
    assert compose.mlflow(install, []) == 0
    assert calls(install)[-1].endswith("id-of-mlflow-mirror python -m tracking check")
    compose.mlflow(install, ["mirror"])
    assert calls(install)[-1].endswith("id-of-mlflow-mirror python -m tracking mirror")
    assert "http://127.0.0.1:15001" in capsys.readouterr().out


def test_without_containers_there_is_no_install(install: compose.Install) -> None:
    show(install.project_dir, [])
    assert install.containers() == []
    assert compose.status(install) == 1


def test_it_runs_by_its_path_with_nothing_but_python_and_a_folder_without_env_has_no_install(tmp_path: Path) -> None:
    script = tmp_path / "include" / "local" / "compose.py"
    script.parent.mkdir(parents=True)
    script.write_text((PROJECT_DIR / "include" / "local" / "compose.py").read_text(encoding="utf-8"))
    argv = [sys.executable, "-I", "-S", str(script), "exists"]
    assert subprocess.run(argv, check=False).returncode == 1


def test_the_services_that_it_names_are_those_of_the_compose_file() -> None:
    assert {"postgres", "scheduler", "migrate", compose.MIRROR} <= set(services())
