"""The filings that were known at an instant, with their passages."""

from datetime import timedelta

import pytest

from include.errors import DataContractError
from include.store.engine import Connection
from include.store.filings import save_document, save_version, unconverted
from include.store.filings_passages import load_known_filings, load_passages
from tests.store.test_filings import ACCEPTED, CHILD, FILING, LATER, PARENT

pytestmark = pytest.mark.integration


@pytest.fixture
def version_id(connection: Connection) -> int:
    save_version(connection, FILING, b"first", LATER)
    (found,) = unconverted(connection, "c1")
    save_document(connection, found, "c1", "x" * 40, [PARENT, CHILD])
    return found


def test_a_filing_is_known_from_its_acceptance_on(connection: Connection, version_id: int) -> None:
    (found,) = load_known_filings(connection, ACCEPTED)
    assert (found.version_id, found.receipt, found.company) == (version_id, FILING.receipt, "Nova Inc.")
    assert len(found.sha256) == 64
    assert load_known_filings(connection, ACCEPTED - timedelta(seconds=1)) == []
    with pytest.raises(DataContractError):
        load_known_filings(connection, ACCEPTED.replace(tzinfo=None))


def test_of_several_versions_the_one_counts_that_counted_then(connection: Connection, version_id: int) -> None:
    moment = LATER + timedelta(days=1)
    save_version(connection, FILING, b"second", moment)
    (newer,) = (each for each in unconverted(connection, "c1") if each != version_id)
    save_document(connection, newer, "c1", "y" * 40, [PARENT, CHILD])
    assert [each.version_id for each in load_known_filings(connection, LATER)] == [version_id]
    assert [each.version_id for each in load_known_filings(connection, moment)] == [newer]


def test_companies_are_chosen_by_ticker_or_number(connection: Connection, version_id: int) -> None:
    assert len(load_known_filings(connection, LATER, ["NOVA"])) == 1
    assert len(load_known_filings(connection, LATER, [FILING.number])) == 1
    assert load_known_filings(connection, LATER, ["OTHER"]) == []


def test_what_cannot_be_read_gives_nothing(connection: Connection) -> None:
    save_version(connection, FILING, b"first", LATER)
    assert load_known_filings(connection, LATER) == []
    save_document(connection, unconverted(connection, "c1")[0], "c1", None, [], "damaged")
    assert load_known_filings(connection, LATER) == []


def test_the_passages_are_the_searched_chunks(connection: Connection, version_id: int) -> None:
    (found,) = load_passages(connection, version_id)
    assert (found.section, found.text, found.is_table) == (CHILD.section, CHILD.text, CHILD.is_table)
    assert (found.first_character, found.end_character) == (CHILD.start, CHILD.end)
