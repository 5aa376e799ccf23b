"""Private files, synced folders and locks."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from include.local.durable import exclusive, sync_folder, write_private


def test_a_private_file_is_readable_by_its_owner_only_also_where_it_was_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("old")
    secret.chmod(0o644)
    (tmp_path / "secret.new").write_text("left behind by a killed process")

    write_private(secret, "new\n")

    assert secret.read_text() == "new\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def _hold(path: Path, order: "multiprocessing.Queue[str]") -> None:
    with exclusive(path):
        order.put("theirs")


def test_a_lock_blocks_another_process_until_it_is_released(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    order = context.Queue()
    with exclusive(tmp_path / "lock"):
        other = context.Process(target=_hold, args=(tmp_path / "lock", order))
        other.start()
        other.join(1.5)
        order.put("ours")

    other.join(20)

    assert [order.get(timeout=5), order.get(timeout=5)] == ["ours", "theirs"]


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "missing")
