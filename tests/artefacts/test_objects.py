"""Artefacts in an S3 server that fails, is late, or returns other bytes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from include.artefacts import addresses
from include.artefacts.copies import Copies
from include.artefacts.objects import ObjectStore
from include.errors import ArtefactStoreUnavailableError, CheckpointError, RetryableError, SettingsError
from tests.support.object_server import BUCKET, ObjectServer

CONTENT = bytes(range(256)) * 4000  # read in several parts
NAME = f"shard-{hashlib.sha256(CONTENT).hexdigest()[:32]}"


def is_intact(name: str, content: bytes) -> bool | None:
    """Whether the name is the hash of the content; None for names without a hash."""
    return name == f"shard-{hashlib.sha256(content).hexdigest()[:32]}" if name.startswith("shard-") else None


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """One try of a request, and a second of patience."""
    monkeypatch.setattr(addresses, "open_address", _impatient(addresses.open_address))
    monkeypatch.setattr("include.artefacts.objects.open_address", addresses.open_address)


def _impatient(function):
    return lambda uri, endpoint: function(uri, endpoint, timeout_seconds=1.0, attempts=1)


def opened(server: ObjectServer, copies: Copies | None = None) -> ObjectStore:
    return ObjectStore.opened(f"s3://{BUCKET}/some/models", is_intact, copies, server.url)


def reads(server: ObjectServer) -> int:
    """Requests for the object since the last call; a whole read is one HEAD and some GETs."""
    count = sum(method == "HEAD" and key.endswith(NAME) for method, key in server.requests)
    server.requests.clear()
    return count


def test_an_object_is_written_read_listed_and_removed(server):
    store = opened(server)
    assert store.files() == {}
    store.write(NAME, CONTENT)
    store.write("note.json", b"{}")
    store.below("backbones", "1").write("elsewhere.json", b"1")

    assert store.read(NAME) == CONTENT
    assert (store.exists(NAME), store.exists("elsewhere.json")) == (True, False)
    assert list(store.files()) == ["note.json", NAME]
    assert list(store.files("shard-")) == [NAME]
    status = store.files()[NAME]
    assert status.byte_count == len(CONTENT)
    assert status.modified_at.tzinfo is UTC
    assert status.modified_at < datetime.now(UTC) + timedelta(minutes=1)
    assert (store.remove(NAME), store.remove(NAME)) == (len(CONTENT), 0)
    assert store.below("backbones", "1").read("elsewhere.json") == b"1"
    assert store.place_of(NAME) == f"s3://{BUCKET}/some/models/{NAME}"
    with pytest.raises(CheckpointError, match="is missing from"):
        store.read(NAME)


def test_writing_the_same_again_sends_nothing(server):
    store = opened(server)
    store.write(NAME, CONTENT)
    server.requests.clear()
    store.write(NAME, CONTENT)
    assert {method for method, _ in server.requests} == {"HEAD", "GET"}


def test_many_writers_of_the_same_object_agree(server):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: opened(server).write(NAME, CONTENT), range(6)))
    assert opened(server).read(NAME) == CONTENT


@pytest.mark.parametrize("fault", ["error", "hang", "missing", "broken", "flipped", "short"])
def test_a_read_that_fails_once_is_tried_again(server, fault):
    store = opened(server)
    store.write(NAME, CONTENT)
    server.faults = {("HEAD" if fault == "missing" else "GET", NAME): [fault]}
    assert store.read(NAME) == CONTENT
    assert server.faults.popitem()[1] == []


@pytest.mark.parametrize("fault", ["error", "hang", "lost"])
def test_a_write_that_fails_once_is_tried_again(server, fault):
    store = opened(server)
    server.faults = {("PUT", NAME): [fault]}
    store.write(NAME, CONTENT)
    assert server.faults == {("PUT", NAME): []}
    assert store.read(NAME) == CONTENT


def test_a_new_object_that_is_not_shown_yet_is_looked_for_again(server):
    store = opened(server)
    server.faults = {("HEAD", NAME): ["missing"] * 3}
    store.write(NAME, CONTENT)
    assert server.faults.popitem()[1] == []


@pytest.mark.parametrize("fault", ["error", "hang"])
def test_a_store_that_stays_away_is_an_error_that_may_be_tried_again(server, fault):
    store = opened(server)
    server.hang_seconds = 1.5
    server.faults = {(method, ""): [fault] * 99 for method in ("GET", "HEAD", "PUT", "DELETE")}
    for work in (
        lambda: store.read(NAME),
        lambda: store.write(NAME, CONTENT),
        store.files,
        lambda: store.exists(NAME),
        lambda: store.remove(NAME),
    ):
        with pytest.raises(ArtefactStoreUnavailableError, match=f"s3://{BUCKET}/some/models/.* now: .* tried again"):
            work()
    assert issubclass(ArtefactStoreUnavailableError, RetryableError)


def test_a_write_that_is_never_kept_is_an_error(server):
    server.faults = {("PUT", NAME): ["lost"] * 99}
    with pytest.raises(ArtefactStoreUnavailableError, match="what was written is not read back"):
        opened(server).write(NAME, CONTENT)


def test_an_object_that_stays_damaged_is_read_twice_and_handed_on_for_the_check_of_each_ticker(server, tmp_path):
    store = opened(server, Copies(tmp_path, 10_000_000))
    store.write("shard-0", CONTENT)
    server.requests.clear()
    assert store.read("shard-0") == CONTENT
    assert [key for method, key in server.requests if method == "HEAD"] == [f"{BUCKET}/some/models/shard-0"] * 2
    assert list(tmp_path.iterdir()) == []


def test_a_copy_saves_the_request_and_a_damaged_copy_does_not_count(server, tmp_path):
    store = opened(server, Copies(tmp_path, 10_000_000))
    store.write(NAME, CONTENT)
    reads(server)
    assert store.read(NAME) == CONTENT
    assert reads(server) == 0
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"other")
    assert store.read(NAME) == CONTENT
    assert reads(server) == 1
    assert store.read(NAME) == CONTENT
    assert reads(server) == 0


def test_a_copy_of_another_content_under_this_name_does_not_count(server, tmp_path):
    copies = Copies(tmp_path, 10_000_000)
    store = opened(server, copies)
    store.write(NAME, CONTENT)
    for path in tmp_path.iterdir():
        path.unlink()
    copies.write(NAME, b"other")
    assert store.read(NAME) == CONTENT


def test_a_name_without_a_hash_is_not_copied(server, tmp_path):
    store = opened(server, Copies(tmp_path, 10_000_000))
    store.write("backbone.json", b"1")
    assert store.read("backbone.json") == b"1"
    assert list(tmp_path.iterdir()) == []


def test_a_path_is_no_name(server):
    with pytest.raises(CheckpointError, match="without a path"):
        opened(server).read("../a")


def test_no_secret_is_shown(server, monkeypatch):
    monkeypatch.setattr(addresses, "S3FileSystem", _refuse)
    with pytest.raises(SettingsError) as caught:
        ObjectStore.opened("s3://key:secret@bucket/models", is_intact)
    assert "secret" not in str(caught.value)
    assert "s3://bucket/models cannot be used" in str(caught.value)
    monkeypatch.undo()
    assert "secret-key-of-the-tests" not in repr(opened(server))


def _refuse(**_options: object) -> None:
    raise OSError("no such region")


@pytest.mark.parametrize("uri", ["nonsense://models", "gs://bucket/models"])
def test_an_address_that_cannot_be_opened_is_a_wrong_setting(uri):
    with pytest.raises(SettingsError, match=f"HOURCAST_ARTIFACTS_URI={uri} cannot be used"):
        ObjectStore.opened(uri, is_intact)


def test_an_address_of_fsspec_is_used(tmp_path):
    store = ObjectStore.opened("memory://hourcast-tests/models", is_intact)
    store.write(NAME, CONTENT)
    assert store.read(NAME) == CONTENT
    assert store.files()[NAME].modified_at is not None
    assert store.remove(NAME) == len(CONTENT)
    assert store.files() == {}
