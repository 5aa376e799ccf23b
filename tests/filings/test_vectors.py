"""Vectors of chunks: embedded once, goes on after a kill, beside those of another model, and searched within bounds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.errors import SettingsError
from include.filings import loading, tasks
from include.filings.__main__ import main
from include.filings.embedding import Embedder, service
from include.filings.files import read_file
from include.filings.searching import search
from include.filings.vectors import embed_chunks
from include.local.postgres import EmbeddedPostgres
from include.store import filing_vectors as store
from include.store.app_rights import APP_ROLE, extension_statement
from include.store.dump import dump_database
from include.store.engine import Engine, create_store_engine, execute, fetch_rows, run_script, transaction
from include.store.filing_vectors import ModelVersion
from include.store.filings_search import Bounds
from tests.filings.embedding_server import KEY, EmbeddingServer
from tests.filings.test_loading import NOW, write
from tests.support.databases import owner_url
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
LATER = NOW + timedelta(days=30)
ACCEPTED = datetime(2023, 3, 15, 20, 6, 36, tzinfo=UTC)


@pytest.fixture
def embeddings() -> Iterator[EmbeddingServer]:
    with EmbeddingServer().running() as running:
        yield running


@pytest.fixture
def engine(database_url: str, embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    for name, value in {
        "HOURCAST_DATABASE_URL": database_url,
        "HOURCAST_EMBEDDING_MODEL": "small",
        "HOURCAST_EMBEDDING_URL": f"{embeddings.url}/v1",
        "EMBEDDING_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def embedder(embeddings: EmbeddingServer) -> Embedder:
    return service(f"{embeddings.url}/v1", "small", KEY)


def keep(engine: Engine, path: Path, at: datetime = NOW) -> None:
    with transaction(engine) as connection:
        loading.keep(connection, read_file(path)[0], path.read_bytes(), at)
    loading.convert_kept(engine)


def paragraphs(*texts: str) -> str:
    """The inside of a page with each text in a section of its own, so that each is a chunk."""
    return "".join(f"</p><p><b>Item {number}. Part</b></p><p>{text}" for number, text in enumerate(texts, 1))


def vectors(engine: Engine, model_id: int = 1) -> dict[int, str]:
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection, f"select chunk_id, xmin::text || vector::text as v from filings.vector_{model_id}"
        )
    return {row["chunk_id"]: row["v"] for row in rows}


def test_chunks_are_embedded_once(
    engine: Engine, embeddings: EmbeddingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(engine, write(tmp_path, paragraphs("Our staff grew.", "The lawsuit ended.")))
    assert tasks.embed() == {"embedded": 2, "left": 0}
    asked = [text for text in embeddings.texts if "Part" in text]
    assert asked == ["Item 1. Part\n\nOur staff grew.", "Item 2. Part\n\nThe lawsuit ended."]
    first = vectors(engine)
    assert tasks.embed() == {"embedded": 0, "left": 0}
    assert vectors(engine) == first
    assert main(["embed"]) == 0
    assert capsys.readouterr().out == "small: 0 embedded, 0 left\n"


def test_a_changed_document_replaces_only_the_vectors_of_its_changed_chunks(
    engine: Engine, embedder: Embedder, tmp_path: Path
) -> None:
    keep(engine, write(tmp_path, paragraphs("Our staff grew.", "Sales fell.")))
    keep(engine, write(tmp_path, "The lawsuit ended.", receipt="0000000001-23-000045"))
    embed_chunks(engine, embedder, 60)
    first = vectors(engine)
    with transaction(engine) as connection:
        execute(connection, "delete from filings.chunk where text = 'Sales fell.'")
        execute(connection, "update filings.document set converter = 'earlier'")
    loading.convert_kept(engine)
    assert len(vectors(engine)) == 2
    assert embed_chunks(engine, embedder, 60) == {"embedded": 1, "left": 0}
    assert first.items() - vectors(engine).items() == {item for item in first.items() if item[0] not in vectors(engine)}
    assert len(vectors(engine)) == 3


def test_two_models_stand_side_by_side(engine: Engine, embeddings: EmbeddingServer, tmp_path: Path) -> None:
    keep(engine, write(tmp_path, paragraphs("Our staff grew.", "Sales fell.")))
    small, large = (service(f"{embeddings.url}/v1", name, KEY) for name in ("small", "large"))
    embed_chunks(engine, small, 60)
    first = vectors(engine, 1)
    assert embed_chunks(engine, large, 60) == {"embedded": 2, "left": 0}
    assert vectors(engine, 1) == first
    assert vectors(engine, 2).keys() == first.keys()
    with transaction(engine) as connection:
        models = fetch_rows(
            connection, "select model_id, name, dimension_count from filings.embedding_model order by 1"
        )
    assert [tuple(model.values()) for model in models] == [(1, "small", 5), (2, "large", 5)]


def test_a_model_that_is_no_longer_used_can_be_removed(
    engine: Engine, embeddings: EmbeddingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(engine, write(tmp_path, paragraphs("Our staff grew.", "Sales fell.")))
    for name, address in (("small", "v1"), ("large", "v1"), ("large", "v1/")):
        embed_chunks(engine, service(f"{embeddings.url}/{address}", name, KEY), 60)
    other = ModelVersion("large", "of other weights", 5)
    with transaction(engine) as connection:
        store.open_model(connection, other)
    assert main(["embed", "--drop", "large"]) == 0
    assert capsys.readouterr().out == "large: 2 versions removed\n"
    assert len(vectors(engine)) == 2
    with transaction(engine) as connection:
        assert store.model_names(connection) == ["small"]
        tables = fetch_rows(connection, "select tablename from pg_tables where tablename like 'vector\\_%'")
    assert [row["tablename"] for row in tables] == ["vector_1"]


@pytest.mark.parametrize(("name", "reason"), [("small", "Unset it"), ("tiny", "there are small")])
def test_a_model_in_use_and_an_unknown_one_are_not_removed(
    engine: Engine, embedder: Embedder, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    embed_chunks(engine, embedder, 60)
    assert main(["embed", "--drop", name]) == 1
    assert reason in capsys.readouterr().err
    with transaction(engine) as connection:
        assert store.model_names(connection) == ["small"]


def test_a_run_that_may_take_no_longer_leaves_the_rest(engine: Engine, embedder: Embedder, tmp_path: Path) -> None:
    keep(engine, write(tmp_path, paragraphs(*(f"Sales of region {number} fell." for number in range(150)))))
    instants = iter([0.0, 1.0, 2.0, 11.0])
    assert embed_chunks(engine, embedder, 10, lambda: next(instants)) == {"embedded": 128, "left": 22}
    assert embed_chunks(engine, embedder, 60) == {"embedded": 22, "left": 0}


def test_a_killed_run_loses_and_doubles_nothing(engine: Engine, embeddings: EmbeddingServer, tmp_path: Path) -> None:
    keep(engine, write(tmp_path, paragraphs(*(f"Sales of region {number} fell." for number in range(600)))))
    command = [sys.executable, "-m", "include.filings", "embed"]
    with subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL) as process:
        assert eventually(lambda: embeddings.requests >= 4, 120)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    before = vectors(engine)
    assert 64 <= len(before) < 600
    assert main(["embed"]) == 0
    after = vectors(engine)
    assert len(after) == 600
    assert before.items() <= after.items()


def test_meaning_finds_what_has_no_word_of_the_question(engine: Engine, embedder: Embedder, tmp_path: Path) -> None:
    keep(engine, write(tmp_path, paragraphs("Our employees number 300.", "The payout is stable.", "We paint walls.")))
    question = "How large is the staff that paints?"
    bounds = Bounds(LATER)
    by_words = [hit.passage.text for hit in search(engine, question, bounds).hits]
    assert by_words == ["We paint walls."]
    assert search(engine, question, bounds, embedder=embedder).hits == search(engine, question, bounds).hits
    embed_chunks(engine, embedder, 60)
    both = search(engine, question, bounds, embedder=embedder).hits
    assert [hit.passage.text for hit in both][:2] == ["We paint walls.", "Our employees number 300."]
    assert both[1].covered_ratio == 0


def test_meaning_sees_nothing_that_was_filed_later_and_only_the_version_that_counted(
    engine: Engine, embedder: Embedder, tmp_path: Path
) -> None:
    keep(engine, write(tmp_path, paragraphs("Our staff shrank.")), NOW)
    keep(engine, write(tmp_path, paragraphs("Our staff grew.")), LATER)
    embed_chunks(engine, embedder, 60)

    def found(as_of: datetime, **bounds: tuple[str, ...]) -> list[str]:
        hits = search(engine, "people part", Bounds(as_of, **bounds), embedder=embedder).hits
        return [hit.passage.text for hit in hits]

    assert found(ACCEPTED - timedelta(seconds=1)) == []
    assert found(ACCEPTED) == found(LATER - timedelta(seconds=1)) == ["Our staff shrank."]
    assert found(LATER) == ["Our staff grew."]
    assert found(LATER, forms=("10-K",)) == found(LATER, companies=("0000000002",)) == []


def test_few_among_many_are_all_found(engine: Engine, embedder: Embedder, tmp_path: Path) -> None:
    """The nearest of all are of a filing that the search may not see, more than the index looks at by itself."""
    keep(
        engine,
        write(
            tmp_path,
            paragraphs(*(f"Staff{' sales' * (number % 30)}{' payout' * (number // 30)}." for number in range(700))),
        ),
        NOW,
    )
    keep(engine, write(tmp_path, "The court decided.", receipt="0000000001-23-000045"), NOW)
    embed_chunks(engine, embedder, 60)
    with transaction(engine) as connection:
        execute(connection, "set local enable_seqscan = off")
        execute(connection, "set local enable_bitmapscan = off")
        execute(connection, "set local enable_sort = off")
        (last,) = fetch_rows(connection, "select max(version_id) as id from filings.version")
        nearest = store.find_by_vector(connection, 1, [last["id"]], embedder.question("staff"), 10)
        plan = fetch_rows(
            connection,
            "explain select chunk_id from filings.vector_1 where version_id = 2 "
            "order by vector operator(extensions.<=>) '[1,0,0,0,0]' limit 10",
        )
    assert any("vector_1_nearest" in str(row) for row in plan)
    assert len(nearest) == 1


def test_a_backup_leaves_vectors_out(engine: Engine, embedder: Embedder, database_url: str, tmp_path: Path) -> None:
    keep(engine, write(tmp_path, "Sales fell."))
    embed_chunks(engine, embedder, 60)
    dump_database(owner_url(database_url), tmp_path / "dump")
    owner = create_store_engine(owner_url(database_url))
    with transaction(owner) as connection:
        execute(connection, "drop table filings.vector_1")
    owner.dispose()
    assert b"vector_1" not in (tmp_path / "dump").read_bytes()
    assert search(engine, "revenue fell", Bounds(LATER), embedder=embedder).hits
    assert embed_chunks(engine, embedder, 60) == {"embedded": 1, "left": 0}


def test_without_the_extension_the_search_is_by_words_and_embedding_says_what_to_do(
    engine: Engine, embedder: Embedder, database_url: str, tmp_path: Path
) -> None:
    keep(engine, write(tmp_path, "Sales fell."))
    owner = create_store_engine(owner_url(database_url))
    with transaction(owner) as connection:
        execute(connection, "drop extension vector")
    with pytest.raises(SettingsError, match="POSTGRES_IMAGE=pgvector"):
        tasks.embed()
    assert [hit.passage.text for hit in search(engine, "sales", Bounds(LATER), embedder=embedder).hits] == [
        "Sales fell."
    ]
    with transaction(owner) as connection:
        run_script(connection, extension_statement(APP_ROLE))
        run_script(connection, extension_statement(APP_ROLE))
    owner.dispose()
    assert tasks.embed() == {"embedded": 1, "left": 0}


def test_the_product_makes_no_table_but_that_of_a_model(engine: Engine, postgres_server: EmbeddedPostgres) -> None:
    with pytest.raises(Exception, match="query returned no rows"), transaction(engine) as connection:
        execute(connection, "select filings.make_vector_table(99)")
    with pytest.raises(Exception, match="permission denied"), transaction(engine) as connection:
        execute(connection, "create table filings.vector_1 (chunk_id bigint)")


def test_without_a_model_nothing_is_embedded(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOURCAST_EMBEDDING_MODEL")
    assert tasks.embed() == {"embedded": 0, "left": 0}
    assert main(["embed"]) == 1
    assert "HOURCAST_EMBEDDING_MODEL is not set" in capsys.readouterr().err
