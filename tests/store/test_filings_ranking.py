"""Where there are many chunks: the same best chunks as where each is scored, and nothing of later filings."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bench.filings import filing_of
from bench.made_filings import FIRST_DAY, made_filings
from include.filings import loading
from include.store import filings_ranking, filings_search
from include.store.engine import Engine, create_store_engine, fetch_rows, transaction
from include.store.filings_ranking import combinations_to_score
from include.store.filings_search import Bounds, Found, find_by_words

pytestmark = pytest.mark.integration
COUNT = 8
END = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) + timedelta(days=COUNT + 1)


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Engine]:
    """Eight filings with some hundred chunks, one a day."""
    engine = create_store_engine(module_database_url)
    for made in made_filings(COUNT, 60):
        with transaction(engine) as connection:
            loading.keep(connection, filing_of(made), made.content, END)
    loading.convert_kept(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first chunk on only some chunks are scored; the sample is all chunks, so that counts are exact."""
    monkeypatch.setattr(filings_search, "MANY", 0)
    monkeypatch.setattr(filings_ranking, "SAMPLE", 1)
    monkeypatch.setattr(filings_ranking, "_COMMON", 100)


def found(engine: Engine, question: str, as_of: datetime = END) -> tuple[list[Found], dict[str, float]]:
    with transaction(engine) as connection:
        return find_by_words(connection, Bounds(as_of), question, "", 5)


def word_of(engine: Engine, least: int, most: int) -> list[str]:
    """Words that so many chunks have."""
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            "select word from ts_stat('select words from filings.chunk where words is not null') "
            f"where ndoc between {least} and {most} and word ~ '^[a-z]{{5,}}$' order by ndoc desc, word limit 4",
        )
    return [row["word"] for row in rows]


def test_a_rare_word_leads_to_the_same_chunks_with_the_same_weights(filled: Engine, sampled: None) -> None:
    question = f"company {word_of(filled, 8, 20)[0]} {word_of(filled, 20, 60)[1]} revenue"
    fast, weights = found(filled, question)
    with pytest.MonkeyPatch.context() as exact:
        exact.setattr(filings_search, "MANY", 10**9)
        slow, right = found(filled, question)
    assert [each.chunk_id for each in fast] == [each.chunk_id for each in slow]
    assert [each.covered_ratio for each in fast] == pytest.approx([each.covered_ratio for each in slow])
    assert weights == pytest.approx(right)


def test_common_words_are_searched_together_when_no_rare_word_is_found(filled: Engine, sampled: None) -> None:
    best, weights = found(filled, "company revenue income zzzz")
    assert len(best) == 5
    assert set(weights) == {"compani", "revenu", "incom", "zzzz"}
    assert weights["zzzz"] == max(weights.values())
    with transaction(filled) as connection:
        (row,) = fetch_rows(
            connection,
            "select bool_and(words @@ 'revenu & incom') as has_all from filings.chunk "
            "where chunk_id = any(cast(:ids as bigint[]))",
            {"ids": [each.chunk_id for each in best]},
        )
    assert row["has_all"]


def test_when_all_words_are_too_common_the_newest_filings_are_ranked(
    filled: Engine, sampled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filings_ranking, "_LEAST_SCORED", 0)
    monkeypatch.setattr(filings_ranking, "_SCORED", 0)
    monkeypatch.setattr(filings_search, "MANY", 1)
    best, weights = found(filled, "company revenue")
    with transaction(filled) as connection:
        rows = fetch_rows(
            connection,
            "select distinct filed.accepted_at from filings.chunk inner join filings.version using (version_id) "
            "inner join filings.filing as filed using (source, receipt) where chunk_id = any(cast(:ids as bigint[]))",
            {"ids": [each.chunk_id for each in best]},
        )
        (newest,) = fetch_rows(connection, "select max(accepted_at) as accepted_at from filings.filing")
    assert len(best) == 5
    assert rows == [newest]
    assert set(weights) == {"compani", "revenu"}


def test_the_heaviest_combinations_come_first_until_enough_chunks_are_scored() -> None:
    words = ["a", "b", "c", "rare"]
    weights = {"a": 1.0, "b": 2.0, "c": 3.5}
    masks = {0b0001: 50, 0b0011: 20, 0b0110: 4, 0b0111: 2, 0b0100: 30, 0b1100: 5}
    assert combinations_to_score(words, masks, weights, 1) == []
    assert combinations_to_score(words, masks, weights, 2) == [["c", "b", "a"]]
    assert combinations_to_score(words, masks, weights, 6) == [["c", "b"], ["c", "a"]]
    assert combinations_to_score(words, masks, weights, 41) == [["c"]]
    assert combinations_to_score(words, masks, weights, 61) == [["c"], ["b"]]
    assert combinations_to_score(words, masks, {}, 100) == []


def test_nothing_of_later_filings_is_found_or_counted(filled: Engine, sampled: None) -> None:
    word = word_of(filled, 20, 60)[0]
    middle = END - timedelta(days=COUNT // 2)
    before = found(filled, f"company {word}", middle)
    for made in made_filings(COUNT + 4, 60):
        with transaction(filled) as connection:
            loading.keep(connection, filing_of(made), made.content, END)
    loading.convert_kept(filled)
    assert found(filled, f"company {word}", middle) == before
    assert found(filled, f"company {word}", datetime(2000, 1, 1, tzinfo=UTC))[0] == []


def test_few_chunks_are_all_scored(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filings_ranking, "SAMPLE", 1)
    monkeypatch.setattr(filings_search, "rank", lambda *values, **named: pytest.fail("few chunks are all scored"))
    assert found(filled, "company revenue")[0]
