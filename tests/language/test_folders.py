"""Folders that appear as a whole."""

from pathlib import Path

import pytest

from include.errors import CheckpointError
from language.folders import hashes_of, only_one, read_json, write_folder, write_json


def test_a_folder_appears_as_a_whole_or_not_at_all(tmp_path: Path):
    def fail(draft: Path) -> None:
        (draft / "half.txt").write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_folder(tmp_path / "v1", fail)
    assert not (tmp_path / "v1").exists()
    write_folder(tmp_path / "v1", lambda draft: write_json(draft / "a.json", {"a": 1}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v1"]
    assert list(hashes_of(tmp_path / "v1")) == ["a.json"]


def test_json_comes_back_and_a_damaged_file_is_named(tmp_path: Path):
    write_json(tmp_path / "deep" / "a.json", {"b": "매출"})
    assert read_json(tmp_path / "deep" / "a.json") == {"b": "매출"}
    (tmp_path / "a.json").write_text("{")
    for name in ("a.json", "missing.json"):
        with pytest.raises(CheckpointError, match=name):
            read_json(tmp_path / name)


def test_only_one_process_holds_the_lock(tmp_path: Path):
    with only_one(tmp_path / "lock") as first, only_one(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with only_one(tmp_path / "lock") as again:
        assert again
