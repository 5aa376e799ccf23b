"""Texts and chunks of filings as files, in a folder and in an object store."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.artefacts.opening import open_store
from include.artefacts.store import ArtefactStore, FolderStore
from include.errors import ArtefactStoreUnavailableError
from include.filings import loading, tasks
from include.filings.__main__ import main
from include.filings.document_files import write_files
from include.filings.files import read_file
from include.settings import ModelSettings
from include.store.engine import Engine, create_store_engine, execute, fetch_rows, transaction
from tests.filings.test_dart import REPORT
from tests.filings.test_loading import NOW, write
from tests.support.databases import owner_url
from tests.support.object_server import BUCKET, ObjectServer

pytestmark = pytest.mark.integration
FOLDER = ("0000000001", "2023", "8-K-A")
RECEIPT = "0000000001-23-000044"


@pytest.fixture
def engine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("HOURCAST_DATABASE_URL", database_url)
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["folder", "objects"])
def artefacts(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtefactStore:
    """An empty store of artefacts, that of the settings."""
    monkeypatch.setenv("HOURCAST_MODELS_DIR", str(tmp_path / "models"))
    if request.param == "folder":
        return open_store(ModelSettings(models_dir=tmp_path / "models"))
    server: ObjectServer = request.getfixturevalue("server")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    monkeypatch.setenv("HOURCAST_ARTIFACTS_URI", f"s3://{BUCKET}/models")
    return open_store(ModelSettings(artifacts_uri=f"s3://{BUCKET}/models"))


def keep(engine: Engine, path: Path, content: bytes | None = None) -> None:
    with transaction(engine) as connection:
        loading.keep(connection, read_file(path)[0], path.read_bytes() if content is None else content, NOW)
    loading.convert_kept(engine)


def test_texts_and_chunks_lie_by_company_year_and_form(
    engine: Engine, artefacts: ArtefactStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filing, report = write(tmp_path, "Sales rose."), tmp_path / "20230515002292.xml"
    report.write_bytes(REPORT.encode("cp949"))
    keep(engine, filing)
    keep(engine, report)
    assert tasks.write_files() == {"written": 2, "unchanged": 0}

    text = artefacts.below("docs", *FOLDER).read(f"{RECEIPT}.md").decode()
    assert main(["files", str(filing)]) == 0
    assert text == capsys.readouterr().out
    table = pq.read_table(io.BytesIO(artefacts.below("chunks", *FOLDER).read(f"{RECEIPT}.parquet")))
    parent, child = table.to_pylist()
    assert (parent["text"], child["text"]) == ("Sales rose.", "Sales rose.")
    assert (child["receipt"], child["version"], child["form"], child["parent_number"]) == (RECEIPT, 1, "8-K/A", 0)
    body = text.split("---\n\n", 1)[1]
    assert body[child["first_character"] : child["end_character"]] == child["text"]
    korean = artefacts.below("docs", "00149655", "2023", "분기보고서")
    assert list(korean.files()) == ["20230515002292.md"]


def test_a_second_run_writes_nothing_and_what_is_lost_is_written_again(
    engine: Engine, artefacts: ArtefactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(engine, write(tmp_path))
    keep(engine, write(tmp_path, receipt="0000000001-23-000045"))
    assert write_files(engine, artefacts) == {"written": 2, "unchanged": 0}
    first = artefacts.below("chunks", *FOLDER).read(f"{RECEIPT}.parquet")
    with monkeypatch.context() as refused:
        refused.setattr(type(artefacts), "write", lambda *values: pytest.fail("nothing is to be written"))
        assert write_files(engine, artefacts) == {"written": 0, "unchanged": 2}
    artefacts.below("chunks", *FOLDER).remove(f"{RECEIPT}.parquet")
    assert write_files(engine, artefacts) == {"written": 1, "unchanged": 1}
    assert artefacts.below("chunks", *FOLDER).read(f"{RECEIPT}.parquet") == first


def test_a_corrected_filing_is_a_file_of_its_own(engine: Engine, artefacts: ArtefactStore, tmp_path: Path) -> None:
    path = write(tmp_path, "Sales rose.")
    keep(engine, path)
    write_files(engine, artefacts)
    texts = artefacts.below("docs", *FOLDER)
    first = texts.read(f"{RECEIPT}.md")
    keep(engine, write(tmp_path, "Sales fell."))
    assert write_files(engine, artefacts) == {"written": 1, "unchanged": 1}
    assert texts.read(f"{RECEIPT}.md") == first
    assert "Sales fell." in texts.read(f"{RECEIPT}-v2.md").decode()
    chunks = pq.read_table(io.BytesIO(artefacts.below("chunks", *FOLDER).read(f"{RECEIPT}-v2.parquet")))
    assert chunks.column("version").to_pylist() == [2, 2]
    assert chunks.column("known_at").to_pylist() == [NOW, NOW]


def test_a_new_converter_rewrites_only_files_whose_bytes_differ(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    keep(engine, write(tmp_path))
    write_files(engine, FolderStore(folder))
    (text,) = folder.rglob("*.md")
    os.utime(text, (1, 1))
    with transaction(engine) as connection:
        execute(connection, "update filings.document set converter = 'another'")
    assert write_files(engine, FolderStore(folder)) == {"written": 1, "unchanged": 0}
    assert text.stat().st_mtime == 1
    with transaction(engine) as connection:
        execute(connection, "update filings.document set converter = 'third', front_matter = 'company: Other\n'")
    write_files(engine, FolderStore(folder))
    assert text.read_text().startswith("---\ncompany: Other\n---\n\n# ")


def test_another_place_is_written_in_full(engine: Engine, tmp_path: Path) -> None:
    keep(engine, write(tmp_path))
    for name in ("first", "second"):
        assert write_files(engine, FolderStore(tmp_path / name)) == {"written": 1, "unchanged": 0}
        assert len([path for path in (tmp_path / name).rglob("*") if path.is_file()]) == 2


def test_a_filing_without_a_text_has_no_file(engine: Engine, tmp_path: Path) -> None:
    keep(engine, write(tmp_path), b"<SEC-HEADER>x</SEC-HEADER>")
    assert write_files(engine, FolderStore(tmp_path / "models")) == {"written": 0, "unchanged": 0}


def test_a_store_that_fails_leaves_the_rest_for_the_next_run(
    engine: Engine, tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    store = open_store(ModelSettings(artifacts_uri=f"s3://{BUCKET}/models"))
    monkeypatch.setattr("include.artefacts.objects.PAUSES", ())
    for receipt in (RECEIPT, "0000000001-23-000045"):
        keep(engine, write(tmp_path, receipt=receipt))
    server.faults[("PUT", "45.parquet")] = ["lost"] * 4
    with pytest.raises(ArtefactStoreUnavailableError):
        write_files(engine, store)
    server.faults.clear()
    assert write_files(engine, store) == {"written": 1, "unchanged": 1}


def test_removing_a_filing_removes_what_is_known_of_its_files(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    keep(engine, write(tmp_path))
    write_files(engine, FolderStore(tmp_path / "models"))
    owner = create_store_engine(owner_url(database_url))
    with transaction(owner) as connection:
        execute(connection, "delete from filings.filing")
        assert fetch_rows(connection, "select from filings.document_file") == []
    owner.dispose()
