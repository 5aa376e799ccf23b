"""The endpoint for Prometheus: who may read it, and what it says when a part is down."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from include.errors import StoreUnavailableError
from include.store.metrics import Sample
from plugins.metrics.app import create_app
from plugins.metrics.collection import DESCRIPTIONS, KEPT_SECONDS, UP, Collection
from plugins.metrics.exposition import render
from tests.support.client import TestClient

TOKEN = "a-token-of-the-tests"


class Pipeline:
    """A part that counts how often it is read, and may be down."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_down = False

    def __call__(self) -> Sequence[Sample]:
        self.reads += 1
        if self.is_down:
            raise StoreUnavailableError("nobody is there")
        return [Sample("hourcast_tickers", self.reads, {"status": "active"})]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.token"
    path.write_text(f"{TOKEN}\n")
    return path


def client(token_file: Path | None, collection: Collection | None = None) -> TestClient:
    return TestClient(create_app(lambda: token_file, collection or Collection({"pipeline": Pipeline()})))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
    ],
)
def test_without_the_token_nobody_reads_the_metrics(token_file: Path, header: str | None) -> None:
    response = client(token_file).get("/metrics", headers={} if header is None else {"Authorization": header})

    assert response.status_code == 401
    assert "hourcast" not in response.text


@pytest.mark.parametrize(
    "content", [None, "", "short", "ünlesbar und lang genug"], ids=["no file", "", "short", "text"]
)
def test_without_a_proper_token_file_the_endpoint_is_closed(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "metrics.token"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    for given in (content or "", TOKEN):
        assert client(path).get("/metrics", headers={"Authorization": f"Bearer {given}".encode()}).status_code == 401
    assert client(None).get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_with_the_token_the_metrics_have_prometheus_text_format(token_file: Path) -> None:
    response = client(token_file).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.text == (
        "# HELP hourcast_tickers Tickers by status.\n"
        "# TYPE hourcast_tickers gauge\n"
        'hourcast_tickers{status="active"} 1\n'
        f"# HELP hourcast_up {DESCRIPTIONS[UP]}\n"
        "# TYPE hourcast_up gauge\n"
        'hourcast_up{part="pipeline"} 1\n'
    )


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/metrics/", "/metrics/x"])
def test_there_is_nothing_else(token_file: Path, path: str) -> None:
    response = client(token_file).get(path, headers={"Authorization": f"Bearer {TOKEN}"}, follow_redirects=False)
    assert response.status_code in {307, 404}


def test_the_databases_are_read_once_in_30_seconds() -> None:
    part, now = Pipeline(), [0.0]
    collection = Collection({"pipeline": part}, lambda: now[0])
    first = collection.text()
    now[0] = KEPT_SECONDS
    assert collection.text() == first
    now[0] = KEPT_SECONDS + 1
    assert collection.text() != first
    assert part.reads == 2


def test_a_part_that_is_down_is_named_and_the_others_are_shown() -> None:
    down, well = Pipeline(), Pipeline()
    down.is_down = True

    text = Collection({"airflow": down, "pipeline": well}).text()

    assert 'hourcast_up{part="airflow"} 0\n' in text
    assert 'hourcast_up{part="pipeline"} 1\n' in text
    assert "hourcast_tickers" in text


def test_labels_are_escaped() -> None:
    text = render([Sample("m", 1.5, {"a": 'x"y\\z\nw'})], {"m": "help\\\nme"})

    assert text == '# HELP m help\\\\\\nme\n# TYPE m gauge\nm{a="x\\"y\\\\z\\nw"} 1.5\n'
