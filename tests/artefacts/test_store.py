"""The folder of artefacts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.artefacts.store import FolderStore
from include.errors import CheckpointError


def test_a_file_is_written_read_listed_and_removed(tmp_path):
    store = FolderStore(tmp_path / "models")
    assert store.files() == {}
    store.write("shard-b", b"second")
    store.write("shard-a", b"first")
    store.below("backbones", "1").write("shard-c", b"elsewhere")

    assert store.read("shard-a") == b"first"
    assert (store.exists("shard-a"), store.exists("shard-c")) == (True, False)
    assert list(store.files()) == ["shard-a", "shard-b"]
    assert list(store.files("shard-b")) == ["shard-b"]
    status = store.files()["shard-a"]
    assert status.byte_count == 5
    assert abs(status.modified_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (store.remove("shard-a"), store.remove("shard-a")) == (5, 0)
    assert store.below("backbones", "1").read("shard-c") == b"elsewhere"
    assert store.place_of("shard-a") == str(tmp_path / "models" / "shard-a")


def test_writing_the_same_again_changes_no_file_and_other_content_replaces_it(tmp_path):
    store = FolderStore(tmp_path)
    store.write("a", b"first")
    before = (tmp_path / "a").stat().st_mtime_ns, (tmp_path / "a").stat().st_ino
    store.write("a", b"first")
    assert ((tmp_path / "a").stat().st_mtime_ns, (tmp_path / "a").stat().st_ino) == before
    store.write("a", b"second")
    assert store.read("a") == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    store.write("a", b"first")

    def refuse(_path, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CheckpointError, match="No space left"):
        store.write("a", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"first")]


@pytest.mark.parametrize("name", ["../a", "b/a", "/etc/passwd"])
def test_a_path_is_no_name(tmp_path, name):
    with pytest.raises(CheckpointError, match="without a path"):
        FolderStore(tmp_path).read(name)


def test_a_missing_file_and_a_folder_are_not_read(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(CheckpointError, match="a is missing from the models folder"):
        FolderStore(tmp_path).read("a")
    with pytest.raises(CheckpointError, match="b cannot be read"):
        FolderStore(tmp_path).read("b")
