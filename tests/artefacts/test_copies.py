"""Copies on this disk."""

import os

from include.artefacts.copies import Copies


def test_a_copy_is_read_as_it_was_written(tmp_path):
    copies = Copies(tmp_path / "copies", 100)
    assert copies.read("a") is None
    copies.write("a", b"content")
    copies.write("a", b"content")
    assert copies.read("a") == b"content"
    assert len(list((tmp_path / "copies").iterdir())) == 1


def test_a_damaged_copy_is_removed(tmp_path):
    copies = Copies(tmp_path, 100)
    copies.write("a", b"content")
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"contend")
    assert copies.read("a") is None
    assert list(tmp_path.iterdir()) == []


def test_the_copies_read_longest_ago_leave(tmp_path):
    copies = Copies(tmp_path, 25)
    for number, name in enumerate("ab"):
        copies.write(name, name.encode() * 10)
        (path,) = tmp_path.glob(f"{name}.*")
        os.utime(path, (number, number))
    assert copies.read("a") == b"a" * 10  # now b was read longest ago
    copies.write("c", b"c" * 10)
    assert [copies.read(name) is None for name in "abc"] == [False, True, False]


def test_a_folder_that_cannot_be_written_costs_the_copy_only(tmp_path):
    (tmp_path / "file").touch()
    copies = Copies(tmp_path / "file", 100)
    copies.write("a", b"content")
    assert copies.read("a") is None
