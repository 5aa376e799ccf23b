"""The launcher's commands, as far as they need no Airflow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.local.postgres import EmbeddedPostgres

PROJECT_DIR = Path(__file__).parents[2]


def launch(local_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOURCAST_")}
    return subprocess.run(
        [sys.executable, "-m", "include.local", *arguments],
        env=clean | {"HOURCAST_LOCAL_DIR": str(local_dir)} | environment,
        cwd=PROJECT_DIR,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_clean_removes_nothing_without_a_confirmation(tmp_path: Path) -> None:
    local_dir = tmp_path / "local"
    local_dir.mkdir()
    done = launch(local_dir, "clean")
    assert done.returncode == 1
    assert "FORCE=1" in done.stderr
    assert local_dir.exists()


def test_clean_removes_without_a_question_when_forced(tmp_path: Path) -> None:
    local_dir = tmp_path / "local"
    (local_dir / "models").mkdir(parents=True)
    done = launch(local_dir, "clean", "--force")
    assert done.returncode == 0, done.stderr
    assert not local_dir.exists()


def test_clean_refuses_a_folder_with_files_that_are_not_hourcasts(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = launch(tmp_path, "clean", "--force")
    assert done.returncode == 1
    assert "thesis.txt" in done.stderr
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("command", ["status", "logs"])
def test_before_a_run_there_is_nothing_to_see_and_the_next_step_is_named(tmp_path: Path, command: str) -> None:
    done = launch(tmp_path / "local", command)
    assert done.returncode == 1
    assert "make run" in done.stdout
    assert not (tmp_path / "local").exists()


def test_down_without_a_run_succeeds(tmp_path: Path) -> None:
    done = launch(tmp_path / "local", "down")
    assert (done.returncode, done.stdout.strip()) == (0, "Nothing was running.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tickers=../x"], "hourcast: '../x' is not a ticker; a ticker starts with"),
        (["--tickers=-USD"], "hourcast: '-USD' is not a ticker; a ticker starts with"),
        (["--tickers=X.SIM", "--source=files"], "hourcast: X.SIM cannot come from the source files; "),
        (["--source=bloomberg"], "hourcast: 'bloomberg' is not a source; "),
    ],
)
def test_a_run_without_a_ticker_that_it_can_onboard_ends_in_a_sentence_before_anything_starts(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = launch(tmp_path / "local", "run", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "local").exists()


def test_a_command_that_does_not_exist_is_reported_in_a_sentence(tmp_path: Path) -> None:
    local_dir = tmp_path / "local"
    local_dir.mkdir()
    (local_dir / "postgres.port").write_text("5432\n")
    roles = ("postgres", "airflow", "hourcast_app", "bi_reader")
    (local_dir / "pgpass").write_text("".join(f"127.0.0.1:*:*:{role}:word\n" for role in roles))
    done = launch(local_dir, "exec", "no-such-command")
    assert done.returncode == 1
    assert done.stderr == "hourcast: no-such-command cannot be run: No such file or directory.\n"


def test_a_command_before_the_first_start_ends_in_a_sentence(tmp_path: Path) -> None:
    done = launch(tmp_path / "local", "exec", "true")
    assert done.returncode == 1
    assert done.stderr == "hourcast: Nothing was started here yet, so there is no database; start with: make run\n"


def test_a_setting_that_does_not_exist_is_refused_in_one_line(tmp_path: Path) -> None:
    done = launch(tmp_path / "local", "status", HOURCAST_TYPO="1")
    assert done.returncode == 1
    assert done.stderr.startswith("hourcast: HOURCAST_TYPO: not a setting.")
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_psql_opens_as_the_reader_with_its_options(postgres_server: EmbeddedPostgres) -> None:
    done = launch(postgres_server.reader_file.parent, "psql", "--", "-Atc", "select current_user")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "bi_reader", "")
