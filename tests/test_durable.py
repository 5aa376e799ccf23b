"""Private files, synced folders and locks."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from include.durable import exclusive, sync, write_private, write_whole


def test_a_private_file_is_readable_by_its_owner_only_also_where_it_was_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("old")
    secret.chmod(0o644)

    write_private(secret, "new\n")

    assert secret.read_text() == "new\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_file_that_cannot_be_written_is_as_it_was_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(kept, b"new")
    assert kept.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


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
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "missing")
