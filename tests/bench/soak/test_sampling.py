"""What the soak counts: rows of whole tables, files, and processes that last."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bench.soak import sampling
from include.local.processes import marks
from include.store.engine import create_store_engine, execute, transaction
from tests.support.databases import owner_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(owner_url(database_url))
    yield engine
    engine.dispose()


@pytest.mark.integration
def test_a_table_in_parts_counts_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        execute(connection, "create table public.whole (number int) partition by range (number)")
        for part in range(2):
            execute(
                connection,
                f"create table public.part_{part} partition of public.whole for values from ({part}) to ({part + 1})",
            )
        execute(connection, "insert into public.whole values (0), (1), (1)")
    counts = sampling.rows("ours", engine)
    assert counts["rows ours whole"] == 3.0
    assert "rows ours part_0" not in counts
    assert counts["rows ours ticker"] == 0.0
    assert counts["rows ours"] == sum(each for name, each in counts.items() if name != "rows ours")


def test_files_are_counted_with_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").write_bytes(b"0" * 1_500_000)
    (tmp_path / "two").write_bytes(b"0" * 500_000)
    assert sampling.files(tmp_path.rglob("*")) == (2.0, 2.0)
    assert sampling.files(tmp_path.glob("*")) == (1.0, 0.5)


def test_only_processes_that_last_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = dict(os.environ) | marks(tmp_path, "scheduler")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment) as process:
        try:
            assert sampling.processes(tmp_path) == {}
            monkeypatch.setattr(sampling, "LASTING_SECONDS", -1.0)
            found = sampling.processes(tmp_path)
        finally:
            process.kill()
    assert found["processes scheduler"] == 1.0
    assert found["descriptors scheduler"] >= 3.0
    assert 1.0 < found["MB allocated memory scheduler"] < found["MB memory scheduler"] < 100.0
