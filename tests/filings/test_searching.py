"""Questions as people write them: words that ask, Korean particles, and tickers as Yahoo spells them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.errors import DataContractError, InvalidRequestError
from include.filings import loading
from include.filings.contracts import Company, FilingSource
from include.filings.searching import search
from include.store.engine import Engine, create_store_engine, transaction
from include.store.filings_search import Bounds
from tests.filings.test_documents import FILING

pytestmark = pytest.mark.integration
NOW = Bounds(datetime(2025, 1, 1, tzinfo=UTC))
TEXT = (
    "<DOCUMENT><BODY><SECTION-1><TITLE>사업의 내용</TITLE><P>당사의 매출액은 늘었습니다.</P>"
    "<P>연구개발 비용은 줄었습니다.</P></SECTION-1></BODY></DOCUMENT>"
)
HANUL = Company(FilingSource.DART, "00126380", "하늘전자", ("005930",))
REPORT = replace(FILING, source=FilingSource.DART, receipt="20240201000001", company=HANUL, form="사업보고서")


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(module_database_url)
    with transaction(engine) as connection:
        loading.keep(connection, REPORT, TEXT.encode(), datetime(2024, 2, 2, tzinfo=UTC))
    loading.convert_kept(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("매출액이 얼마입니까?", {"매출", "출액"}),
        ("연구개발의 비용을 알려주세요", {"연구", "구개", "개발", "비용"}),
        ("How many sales, please?", {"sale"}),
        ("Tell me about the R&D costs", {"r", "d", "cost"}),
    ],
    ids=["particle", "request", "how-many", "tell"],
)
def test_words_that_ask_are_not_searched_for(engine: Engine, question: str, expected: set[str]) -> None:
    assert set(search(engine, question, NOW).weights) == expected


def test_another_form_of_a_korean_word_is_found(engine: Engine) -> None:
    (hit,) = search(engine, "매출액이 얼마입니까?", NOW).hits
    assert "매출액은 늘었습니다" in hit.passage.text
    assert hit.covered_ratio == pytest.approx(1)


@pytest.mark.parametrize(("ticker", "count"), [("005930.KS", 1), ("005930.kq", 1), ("00126380", 1), ("AAPL", 0)])
def test_a_korean_ticker_may_have_yahoos_suffix(engine: Engine, ticker: str, count: int) -> None:
    assert len(search(engine, "매출액", replace(NOW, companies=(ticker,))).hits) == count


def test_a_question_without_a_word_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidRequestError, match="no word to search for"):
        search(engine, "how much?", NOW)


def test_an_instant_without_a_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(DataContractError, match="as_of"):
        search(engine, "매출액", Bounds(datetime(2025, 1, 1)))  # noqa: DTZ001  # the offence
