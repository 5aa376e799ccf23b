"""The place of the files: whole or not at all, with a manifest, and a clear error where it cannot be."""

import os
import tarfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec
import pytest

from include.artefacts.addresses import open_address
from include.errors import InvalidRequestError, RetryableError
from include.pipeline.exporting.target import StoredFile, Target
from tests.support.object_server import BUCKET, ObjectServer

ENTRY = StoredFile(1, 3, "abc")
PART = "month=2026-11/part.parquet"


@pytest.fixture(params=["disk", "memory"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder, and an address of fsspec."""
    return str(tmp_path / "exports") if request.param == "disk" else f"memory://{tmp_path}/exports"


@pytest.fixture
def bucket(server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a bucket of an S3 server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    return f"s3://{BUCKET}"


def test_a_file_is_replaced_and_removed_and_nothing_is_left_aside(uri: str, tmp_path: Path) -> None:
    target, file = Target(uri), tmp_path / "made"
    for content in ("old", "new"):
        file.write_text(content)
        target.replace("bars", PART, file)
    found = fsspec.get_mapper(uri)

    assert dict(found) == {f"bars/{PART}": b"new"}
    assert target.holds("bars", PART, ENTRY)
    assert not target.holds("bars", PART, StoredFile(1, 4, "abc"))
    for _ in range(2):
        target.remove("bars", PART)
    assert not target.holds("bars", PART, ENTRY)


def test_the_manifest_comes_back(uri: str) -> None:
    assert Target(uri).read_manifest("bars") == {}

    Target(uri).write_manifest("bars", "bi.bar", {PART: ENTRY})

    assert Target(uri).read_manifest("bars") == {PART: ENTRY}


def test_an_s3_server_holds_files_and_manifests_and_no_object_for_a_folder(
    server: ObjectServer, bucket: str, tmp_path: Path
) -> None:
    target, file = Target(f"{bucket}/some/exports"), tmp_path / "made"
    for content in ("old", "new"):
        file.write_text(content)
        target.replace("bars", PART, file)
    target.write_manifest("bars", "bi.bar", {PART: ENTRY})
    files, _ = open_address(bucket, server.url)

    assert files.cat_file(f"{BUCKET}/some/exports/bars/{PART}") == b"new"
    assert {unquote(key).partition("exports/")[2] for method, key in server.requests if method == "PUT"} == {
        "bars/_manifest.json",
        f"bars/{PART}",
    }
    assert target.read_manifest("bars") == {PART: ENTRY}
    assert target.holds("bars", PART, ENTRY)
    target.remove("bars", PART)
    target.remove("bars", PART)
    assert not target.holds("bars", PART, ENTRY)


def test_an_s3_server_that_fails_is_worth_another_try(server: ObjectServer, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "made").write_text("new")
    server.faults = {("PUT", ""): ["error"] * 99}
    with pytest.raises(RetryableError, match=r"s3://bucket/exports cannot be written to now: .*continues"):
        Target(f"{bucket}/exports").replace("bars", PART, tmp_path / "made")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"files": {"month=2026-11/part.parquet": {}}}',
        '{"files": {"../../x": {"row_count": 1}}}',
        '{"files": 1}',
    ],
    ids=["empty", "list", "no-counts", "other-path", "no-files"],
)
def test_a_manifest_that_is_not_ours_counts_for_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "_manifest.json").write_text(text)

    assert Target(str(tmp_path)).read_manifest("bars") == {}


def test_a_path_out_of_the_folder_is_not_taken_from_a_manifest(tmp_path: Path) -> None:
    Target(str(tmp_path)).write_manifest("bars", "bi.bar", {"../../part.parquet": ENTRY, PART: ENTRY})

    assert Target(str(tmp_path)).read_manifest("bars") == {PART: ENTRY}


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target, file, seen = Target(str(tmp_path / "to")), tmp_path / "made", set()
    place, is_done = tmp_path / "to" / "bars" / PART, threading.Event()
    contents = [bytes([number]) * 4_000_000 for number in (1, 2)]
    file.write_bytes(contents[0])
    target.replace("bars", PART, file)

    def read() -> None:
        while not is_done.is_set():
            seen.add(place.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        file.write_bytes(contents[number % 2])
        target.replace("bars", PART, file)
    is_done.set()
    reader.join()

    assert seen <= set(contents)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target, file = Target(str(tmp_path / "to")), tmp_path / "made"
    file.write_text("old")
    target.replace("bars", PART, file)

    with pytest.raises(InvalidRequestError, match="cannot be written to"):
        target.replace("bars", PART, tmp_path / "missing")

    assert [path.name for path in (tmp_path / "to" / "bars").rglob("*") if path.is_file()] == ["part.parquet"]
    assert (tmp_path / "to" / "bars" / PART).read_text() == "old"


@pytest.mark.parametrize("uri", ["nowhere://bucket/x", "gs://bucket/x"])
def test_an_address_that_cannot_be_opened_is_refused_with_its_reason(uri: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{uri} cannot be written to: .*(not known|gcsfs)"):
        Target(uri)


def test_a_place_that_can_only_be_read_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bars.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("bars"))

    with pytest.raises(InvalidRequestError, match="Read-only filesystem"):
        Target(f"tar://::{tmp_path}/bars.tar").write_manifest("bars", "bi.bar", {})


def test_a_server_that_does_not_respond_is_worth_another_try() -> None:
    with pytest.raises(RetryableError, match=r"ftp://localhost:1/a cannot be written to now: .*continues"):
        Target("ftp://localhost:1/a")


def test_a_folder_that_is_a_file_is_refused_without_showing_a_password(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidRequestError, match=r"cannot be written to: .*Choose another target"):
        Target(str(tmp_path / "file")).write_manifest("bars", "bi.bar", {})
    with pytest.raises(InvalidRequestError) as caught:
        Target("nowhere://me:hunter2@bucket/x")
    assert "hunter2" not in str(caught.value)


def test_a_full_disk_is_worth_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    target = Target(str(tmp_path))
    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(RetryableError, match="No space left on device"):
        target.write_manifest("bars", "bi.bar", {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
