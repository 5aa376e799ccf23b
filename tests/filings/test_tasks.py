"""The stages of filings_etl against emulators: what they store, survive and refuse."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.errors import FilingsUnavailableError, InvalidRequestError, SettingsError
from include.filings import tasks
from include.store.engine import Engine, create_store_engine, execute, fetch_rows, transaction
from tests.filings.dart_server import KEY, DartEmulator
from tests.filings.edgar_server import EdgarEmulator, Sent
from tests.filings.test_dart import REPORT
from tests.filings.test_opendart import CODE, ROWS

pytestmark = pytest.mark.integration
AT = datetime(2023, 6, 1, 4, 20, tzinfo=UTC)
NOVA, ORION = "0000000001", "0000000002"
FORM = {"tickers": ["NOVA", "028260.KS"], "days": None}


@pytest.fixture
def edgar() -> Iterator[EdgarEmulator]:
    companies = {
        NOVA: [Sent(f"0000000001-23-00000{number}", accepted=f"2023030{number}160000") for number in range(9, 1, -1)],
        ORION: [Sent("0000000002-23-000001", "10-Q", "20230301120000", "")],
    }
    with EdgarEmulator(companies, tickers={"NOVA": NOVA, "ORION": ORION}).running() as running:
        yield running


@pytest.fixture
def dart() -> Iterator[DartEmulator]:
    documents = {"20230515002292": REPORT.encode("cp949"), "20230309000761": REPORT.encode("cp949")}
    with DartEmulator({CODE: ROWS}, documents, codes={"028260": CODE}).running() as running:
        yield running


@pytest.fixture
def engine(
    database_url: str, edgar: EdgarEmulator, dart: DartEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    for name, value in {
        "HOURCAST_DATABASE_URL": database_url,
        "HOURCAST_EDGAR_CONTACT": "Ann Lee ann@example.org",
        "HOURCAST_EDGAR_LISTS_URL": f"{edgar.url}/lists",
        "HOURCAST_EDGAR_ARCHIVES_URL": f"{edgar.url}/archives",
        "HOURCAST_EDGAR_TICKERS_URL": f"{edgar.url}/tickers.json",
        "HOURCAST_OPENDART_URL": dart.url,
        "OPENDART_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


def kept(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return [row["receipt"] for row in fetch_rows(connection, "select receipt from filings.version order by 1")]


def test_both_sources_are_listed_fetched_and_converted(engine: Engine) -> None:
    assert tasks.list_filings(AT, FORM)["counts"] == {"companies": 2, "new": 10, "failed": 0}
    assert tasks.fetch(AT) == {"fetched": 10, "failed": 0, "left": 0}
    assert tasks.transform() == {"converted": 10, "unreadable": 0}
    assert tasks.list_filings(AT, FORM)["counts"] == {"companies": 2, "new": 0, "failed": 0}
    assert tasks.fetch(AT) == {"fetched": 0, "failed": 0, "left": 0}
    assert tasks.transform() == {"converted": 0, "unreadable": 0}


def test_a_fault_costs_one_filing_which_the_next_run_fetches(engine: Engine, edgar: EdgarEmulator) -> None:
    tasks.list_filings(AT, FORM)
    edgar.faults = {"0000000001-23-000005.txt": ["half"]}
    assert tasks.fetch(AT) == {"fetched": 9, "failed": 1, "left": 0}
    assert "0000000001-23-000005" not in kept(engine)
    assert tasks.fetch(AT) == {"fetched": 1, "failed": 0, "left": 0}
    assert len(set(kept(engine))) == len(kept(engine)) == 10


def test_a_source_that_refuses_is_left_alone_and_the_stage_is_tried_again(engine: Engine, edgar: EdgarEmulator) -> None:
    tasks.list_filings(AT, {"tickers": ["NOVA"]})
    edgar.faults = {".txt": ["403"] * 9}
    asked = len(edgar.asked)
    with pytest.raises(FilingsUnavailableError, match="None of 8 filings"):
        tasks.fetch(AT)
    assert len(edgar.asked) == asked + 1
    assert kept(engine) == []


def test_a_company_whose_list_fails_stops_no_other(engine: Engine, edgar: EdgarEmulator) -> None:
    edgar.faults = {f"CIK{NOVA}.json": ["page"]}
    counts = tasks.list_filings(AT, {"tickers": ["NOVA", "ORION"]})["counts"]
    assert counts == {"companies": 1, "new": 1, "failed": 1}


def test_without_names_the_tracked_tickers_are_meant(engine: Engine) -> None:
    with transaction(engine) as connection:
        execute(
            connection,
            """
            insert into forecast.ticker (ticker, source, history_days, status, status_at)
            values ('ORION', 'yahoo', 1, 'failed', now()), ('NOVA', 'yahoo', 1, 'retired', now())
            """,
        )
    assert tasks.list_filings(AT, {})["counts"] == {"companies": 1, "new": 1, "failed": 0}


def test_days_before_the_run_bound_what_is_listed(engine: Engine) -> None:
    assert tasks.list_filings(AT, {"tickers": ["NOVA"], "days": 85})["counts"]["new"] == 2


def test_a_ticker_that_no_source_knows_is_named(engine: Engine) -> None:
    with pytest.raises(InvalidRequestError, match=r"No source of filings knows VOD\.L"):
        tasks.list_filings(AT, {"tickers": ["VOD.L"]})


def test_without_a_source_the_run_says_what_to_set(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENDART_KEY")
    monkeypatch.delenv("HOURCAST_EDGAR_CONTACT")
    with pytest.raises(SettingsError, match="Neither HOURCAST_EDGAR_CONTACT nor OPENDART_KEY is set"):
        tasks.list_filings(AT, FORM)
