"""What a source lists and gives, in the database."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from include.errors import FilingsUnavailableError
from include.filings.contracts import Filing, FilingSource, RawDocument
from include.filings.fetching import Feed, fetch_listed, list_filings
from include.store.engine import Engine, create_store_engine
from tests.filings.test_documents import FILING

pytestmark = pytest.mark.integration
NOW = datetime(2024, 3, 1, tzinfo=UTC)
NUMBER = FILING.company.number


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


class Source:
    """Holds some filings and gives those that are not broken."""

    def __init__(self, count: int, broken: Sequence[str] = ()) -> None:
        self.filings = [replace(FILING, receipt=f"0000000001-24-00000{number}") for number in range(count)]
        self.broken = broken
        self.asked: list[str] = []

    def fetch(self, filing: Filing) -> tuple[Filing, tuple[RawDocument, ...], bytes]:
        self.asked.append(filing.receipt)
        if filing.receipt[-1] in self.broken:
            message = "no"
            raise FilingsUnavailableError(message)
        return filing, (), filing.receipt.encode()

    def listed(self, number: str, since: date) -> Sequence[Filing]:
        if number != NUMBER:
            message = "no"
            raise FilingsUnavailableError(message)
        return [*self.filings, replace(FILING, receipt="0000000001-24-000099", form="S-8")]

    def feed(self) -> Feed:
        return Feed(FilingSource.EDGAR, ("8-K",), self.listed, self.fetch)


def test_only_wanted_forms_are_listed_and_each_is_fetched_once(engine: Engine) -> None:
    source = Source(3)
    assert list_filings(engine, source.feed(), [NUMBER, "2"], date(2024, 1, 1)) == {
        "companies": 1,
        "new": 3,
        "failed": 1,
    }
    for expected in (3, 0):
        counts = fetch_listed(engine, source.feed(), None, lambda: NOW)
        assert counts == {"fetched": expected, "failed": 0, "left": 0}
    assert len(source.asked) == 3


def test_after_five_failures_in_a_row_the_rest_is_left_for_later(engine: Engine) -> None:
    source = Source(9, broken="0123456")
    list_filings(engine, source.feed(), [NUMBER], date(2024, 1, 1))
    assert fetch_listed(engine, source.feed(), [NUMBER], lambda: NOW) == {"fetched": 2, "failed": 5, "left": 2}


def test_no_list_or_no_filing_at_all_is_worth_another_try(engine: Engine) -> None:
    source = Source(1, broken="0")
    with pytest.raises(FilingsUnavailableError, match="No list of 1 companies"):
        list_filings(engine, source.feed(), ["2"], date(2024, 1, 1))
    list_filings(engine, source.feed(), [NUMBER], date(2024, 1, 1))
    with pytest.raises(FilingsUnavailableError, match="None of 1 filings"):
        fetch_listed(engine, source.feed(), [NUMBER], lambda: NOW)
