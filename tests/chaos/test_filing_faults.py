"""The series of faults of filings: its sources grow, its checker finds what is planted, its page names every fault."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.filings import tasks
from include.store.engine import Engine, create_store_engine, execute, transaction
from tests.chaos.checker import DOUBLED, HALF, LOST, WRONG, Finding
from tests.chaos.filing_faults import AT_ONCE, FAULTS, Facts, FilingSeries, digest_of
from tests.chaos.filing_sources import Sources, opened_sources, tickers
from tests.chaos.page import filings_page_of
from tests.chaos.trials import Result
from tests.support.databases import owner_url

COUNT = 21
AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def sources() -> Iterator[Sources]:
    with opened_sources(COUNT, paragraphs=3) as found:
        yield found


@pytest.fixture
def series(
    sources: Sources,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[FilingSeries]:
    """A series on a database in which all filings are stored by the stages of the DAG, without Airflow."""
    settings = sources.settings() | {"HOURCAST_DATABASE_URL": database_url, "HOURCAST_MODELS_DIR": str(tmp_path)}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    sources.show(COUNT)
    tasks.list_filings(AT, {"tickers": list(tickers()), "days": 20_000})
    tasks.fetch(AT)
    tasks.transform()
    tasks.write_files()
    engine: Engine = create_store_engine(owner_url(database_url))
    found: Any = FilingSeries.__new__(FilingSeries)
    found.product, found.sources = SimpleNamespace(hourcast=engine, models_dir=tmp_path), sources
    yield found
    engine.dispose()


def test_sources_show_more_and_more(sources: Sources) -> None:
    assert sources.receipts() == set()
    sources.show(8)
    first = sources.receipts()
    sources.show(100)
    assert len(first) == 8
    assert first < sources.receipts()
    assert len(sources.receipts()) == COUNT
    assert sum(sources.digest_of(receipt) is None for receipt in sources.receipts()) == 3


@pytest.mark.integration
def test_the_stages_leave_nothing_to_find(series: FilingSeries) -> None:
    assert series.missing() == set()
    assert series.check() == []
    assert list(series._compare_texts()) == []


@pytest.mark.integration
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("delete from filings.version where receipt = :receipt", LOST),
        ("update filings.version set sha256 = 'x' where receipt = :receipt", WRONG),
        (
            "insert into filings.version (source, receipt, version, sha256, address, fetched_at, known_at, content) "
            "select source, receipt, 2, sha256, address, fetched_at, known_at, content from filings.version "
            "where receipt = :receipt",
            DOUBLED,
        ),
        (
            "delete from filings.chunk using filings.version "
            "where chunk.version_id = version.version_id and receipt = :receipt",
            HALF,
        ),
    ],
)
def test_what_is_planted_in_the_database_is_found(series: FilingSeries, statement: str, kind: str) -> None:
    receipt = next(iter(series.sources.edgar.made))
    with transaction(series.product.hourcast) as connection:
        execute(connection, statement, {"receipt": receipt})
    assert (kind, receipt) in {(finding.kind, finding.words.split()[0]) for finding in series.check()}


@pytest.mark.integration
def test_a_changed_text_a_missing_file_and_a_write_are_found(series: FilingSeries) -> None:
    before = series._fingerprint()
    assert series._fingerprint() == before
    with transaction(series.product.hourcast) as connection:
        execute(connection, "update filings.document set markdown = markdown || ' ' where version_id = 1")
    assert [finding.kind for finding in series._compare_texts()] == [WRONG]
    next((series.product.models_dir / "docs").rglob("*.md")).unlink()
    assert [finding.kind for finding in series.check()] == [LOST]
    after = series._fingerprint()
    assert {name for name in before if before[name] != after[name]} == {"filings.document", "docs"}


def test_a_file_that_is_written_again_has_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.md"
    path.parent.mkdir()
    path.write_text("x")
    before = digest_of(tmp_path)
    assert digest_of(tmp_path) == before
    path.write_text("x")
    assert digest_of(tmp_path) != before


def test_there_are_25_faults_and_the_page_names_what_became_of_each() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) >= 25
    whole = Result(0, names[0], "", AT_ONCE, True, (), (), (), 1.0)
    lost = Result(1, names[1], "", AT_ONCE, False, (Finding(LOST, "x"),), (), (), 2.0)
    page = filings_page_of([whole, lost], 3, Facts(filings=1000, run_seconds=[60.0]))
    assert f"| {names[0]} | yes | at once | 1 | 0 | 0 | 0 | 0 |" in page
    assert f"| {names[1]} | no | no | 2 | 1 | 0 | 0 | 0 |" in page
    assert "not whole:\n1." in page
