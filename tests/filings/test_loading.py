"""From what a source gave to chunks in the database, again and again, and from a run that was ended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.filings import loading
from include.filings.__main__ import main
from include.filings.files import read_file
from include.store.engine import Engine, create_store_engine, fetch_rows, transaction
from tests.filings.test_dart import REPORT
from tests.filings.test_files import SUBMISSION

pytestmark = pytest.mark.integration
NOW = datetime(2024, 1, 1, tzinfo=UTC)
TABLES = ("company", "filing", "version", "document", "chunk")


@pytest.fixture
def engine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("HOURCAST_DATABASE_URL", database_url)
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


def everything(engine: Engine) -> dict[str, list[str]]:
    with transaction(engine) as connection:
        return {
            table: [
                row["row"]
                for row in fetch_rows(connection, f"select t::text as row from filings.{table} as t order by 1")
            ]
            for table in TABLES
        }


def write(folder: Path, text: str = "We report.", receipt: str = "0000000001-23-000044") -> Path:
    path = folder / f"{receipt}.txt"
    path.write_text(SUBMISSION.replace("We report.", text).replace("0000000001-23-000044", receipt))
    return path


def test_a_second_run_changes_nothing(engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "20230515002292.xml"
    report.write_bytes(REPORT.encode("cp949"))
    command = ["files", str(write(tmp_path)), str(report), "--store"]
    assert main(command) == 0
    first = everything(engine)
    assert [len(first[table]) for table in TABLES[:4]] == [2, 2, 2, 2]
    assert main(command) == 0
    assert everything(engine) == first
    assert capsys.readouterr().out.splitlines()[-1] == ("20230515002292: stored already, 0 converted, 0 unreadable")


def test_a_changed_filing_is_a_new_version_with_chunks_of_its_own(engine: Engine, tmp_path: Path) -> None:
    assert main(["files", str(write(tmp_path)), str(write(tmp_path, receipt="0000000001-23-000045")), "--store"]) == 0
    first = everything(engine)
    assert main(["files", str(write(tmp_path, "We report again.")), "--store"]) == 0
    second = everything(engine)
    assert set(first["chunk"]) < set(second["chunk"])
    assert set(first["document"]) < set(second["document"])
    assert len(second["version"]) == 3
    assert second["filing"] == first["filing"]


def test_what_was_kept_and_not_converted_is_converted_by_the_next_run(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path)
    with transaction(engine) as connection:
        assert loading.keep(connection, read_file(path)[0], path.read_bytes(), NOW)
        assert not loading.keep(connection, read_file(path)[0], path.read_bytes(), NOW)
    assert loading.convert_kept(engine) == {"converted": 1, "unreadable": 0}
    assert loading.convert_kept(engine) == {"converted": 0, "unreadable": 0}


def test_a_filing_that_cannot_be_converted_stops_no_other(engine: Engine, tmp_path: Path) -> None:
    good, bad = write(tmp_path), write(tmp_path, receipt="0000000001-23-000045")
    with transaction(engine) as connection:
        loading.keep(connection, read_file(bad)[0], b"<SEC-HEADER>x</SEC-HEADER>", NOW)
        loading.keep(connection, read_file(good)[0], good.read_bytes(), NOW)
    assert loading.convert_kept(engine) == {"converted": 1, "unreadable": 1}
    with transaction(engine) as connection:
        (problem,) = fetch_rows(connection, "select problem from filings.document where problem is not null")
    assert problem["problem"]


def test_a_chunks_range_leads_to_its_words_in_the_stored_text(engine: Engine, tmp_path: Path) -> None:
    assert (
        main(
            [
                "files",
                str(
                    write(tmp_path, "<b>Item 2.02 Results</b></p><p>Sales rose by 4 %."),
                ),
                "--store",
            ]
        )
        == 0
    )
    with transaction(engine) as connection:
        (chunk,) = fetch_rows(
            connection,
            """
            select
                chunk.text, document.markdown, first_character, end_character, titles,
                substr(document.markdown, first_character + 1, end_character - first_character) as cited
            from filings.chunk inner join filings.document using (version_id)
            where parent_number is not null
            """,
        )
    assert chunk["cited"] == chunk["text"] == "Sales rose by 4 %."
    assert chunk["titles"][-1] == "Item 2.02 Results"


def test_a_filing_and_its_row_are_the_same(tmp_path: Path) -> None:
    filing, _ = read_file(write(tmp_path))
    changed = replace(filing, items=("2.02",), address="https://example.org")
    assert loading.filing_of(loading.row_of(changed)) == changed


def test_without_a_database_the_command_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOURCAST_DATABASE_URL", raising=False)
    assert main(["files", str(write(tmp_path)), "--store"]) == 1
    assert "HOURCAST_DATABASE_URL is not set" in capsys.readouterr().err
