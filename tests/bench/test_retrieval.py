"""The measure of a search: the kept questions, its arithmetic, and made-up filings of which the answers are known."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from bench.retrieval import (
    KeptVectors,
    Question,
    ask_all,
    place_of,
    plain,
    read_questions,
    scores_of,
    store_filings,
)
from include.errors import InvalidRequestError
from include.filings.embedding import Packaged
from include.filings.vectors import embed_chunks
from include.store.engine import Engine, create_store_engine
from include.store.filing_vectors import ModelVersion
from tests.filings.embedding_server import vector_of
from tests.filings.test_loading import write

FILINGS, QUESTIONS = read_questions()
MADE = """
[[filing]]
id = "one"
company = "Loam Inc."
number = "0000000001"
form = "8-K/A"
period_end = 2023-02-28
filed_on = 2023-03-15
receipt = "0000000001-23-000044"

[[filing]]
id = "page"
company = "Clay Inc."
number = "0000000002"
form = "8-K"
period_end = 2023-03-31
filed_on = 2023-04-15
files = ["clay.html", "clay-99.html"]

[[filing]]
id = "report"
company = "하늘전자"
number = "00126380"
form = "사업보고서"
period_end = 2023-12-31
filed_on = 2024-02-01
receipt = "20240201000001"

[[filing]]
id = "away"
company = "Sand Inc."
number = "0000000003"
form = "10-K"
period_end = 2023-03-31
filed_on = 2023-04-15

[[question]]
filing = "one"
ask = "Who paints walls?"
passage = "paint  walls"

[[question]]
filing = "page"
ask = "Which lawsuit ended?"
passage = "lawsuit ended"

[[question]]
filing = "report"
ask = "매출액은 얼마입니까?"
passage = "매출액은 늘었습니다"

[[question]]
filing = "one"
ask = "How large is the staff?"
passage = "employees number 300"

[[question]]
filing = "one"
ask = "What stands nowhere?"
passage = "no such words"

[[question]]
filing = "away"
ask = "What does a filing say that is not here?"
passage = "nothing"
"""
MODEL = ModelVersion("small", "0", 5)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Filings as they may lie there: a submission, the pages of one without it, and a report of DART."""
    inside = "</p><p><b>Item 1. A</b></p><p>We paint walls.</p><p><b>Item 2. B</b></p><p>Our employees number 300."
    there = tmp_path / "filings"
    (there / "deep").mkdir(parents=True)
    shutil.move(write(tmp_path, inside), there / "deep" / "0000000001-23-000044.txt")
    (there / "clay.html").write_text("<html><body><p>See the exhibit.</p></body></html>")
    (there / "clay-99.html").write_text("<html><body><p>The lawsuit ended.</p></body></html>")
    report = "<DOCUMENT><BODY><SECTION-1><TITLE>사업</TITLE><P>매출액은 늘었습니다.</P></SECTION-1></BODY></DOCUMENT>"
    (there / "20240201000001.xml").write_text(report)
    return there


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "made.toml"
    path.write_text(MADE)
    return path


def test_the_kept_questions_are_complete_and_none_is_there_twice() -> None:
    ids = [filing.id for filing in FILINGS]
    assert len(set(ids)) == len(ids)
    assert all(filing.receipt or filing.files or filing.period_end for filing in FILINGS)
    assert all(len(filing.number) in {8, 10} and filing.number.isdigit() for filing in FILINGS)
    assert {question.filing for question in QUESTIONS} <= set(ids)
    assert all(len(question.ask) > 8 and len(plain(question.passage)) >= 4 for question in QUESTIONS)
    assert len({question.ask.casefold() for question in QUESTIONS}) == len(QUESTIONS)
    assert len({(question.filing, plain(question.passage)) for question in QUESTIONS}) == len(QUESTIONS)


def test_there_are_150_questions_in_two_languages_and_two_halves() -> None:
    assert len(QUESTIONS) >= 150
    for language, least in (("en", 100), ("ko", 40)):
        halves = [question.is_held_out for question in QUESTIONS if question.language == language]
        assert len(halves) >= least
        assert 0.35 < sum(halves) / len(halves) < 0.65


def test_a_question_is_not_copied_from_its_passage() -> None:
    assert [question.ask for question in QUESTIONS if plain(question.passage).lower() in question.ask.lower()] == []


@pytest.mark.parametrize(("ranking", "place"), [([7, 8, 9], 3), ([9, 7], 1), ([1] * 10 + [9], 0), ([], 0)])
def test_the_place_is_that_of_the_first_right_passage_among_ten(ranking: list[int], place: int) -> None:
    assert place_of(frozenset({9, 10}), ranking) == place


def test_shares_ranks_and_their_errors_are_those_computed_by_hand() -> None:
    found = scores_of([1, 2, 10, 0])
    assert found["questions"] == 4
    assert (found["recall_5"], found["recall_10"]) == (0.5, 0.75)
    assert (found["se_5"], found["se_10"]) == (0.25, pytest.approx(math.sqrt(0.75 * 0.25 / 4)))
    assert found["mrr_10"] == pytest.approx((1 + 0.5 + 0.1) / 4)
    assert found["se_mrr"] == pytest.approx(np.std([1, 0.5, 0.1, 0], ddof=1) / 2)
    assert scores_of([3])["se_mrr"] == 0


@pytest.mark.integration
def test_each_ranking_is_scored_on_the_filings_of_a_folder(engine: Engine, folder: Path, made: Path) -> None:
    filings, questions = read_questions(made)
    receipts = store_filings(engine, filings, folder)
    assert receipts == {"one": "0000000001-23-000044", "page": "page", "report": "20240201000001"}
    model = Packaged(
        MODEL, lambda texts: np.array([vector_of(text) for text in texts]), lambda text: np.array(vector_of(text))
    )
    embed_chunks(engine, model, 60)
    section = ask_all(engine, model, receipts, questions)
    assert "3 filings" in section.notes[0]
    assert "4 of 6 questions asked" in section.notes[0]
    assert section.notes[1] == "No passage has the words for: What stands nowhere?"
    counts = {
        name: sum(row["questions"] for row in section.rows if row["ranking"] == name) for name in ("words", "both, 0.1")
    }
    assert counts == {"words": 4, "both, 0.1": 4}

    def found(ranking: str) -> float:
        rows = [row for row in section.rows if row["ranking"] == ranking]
        return sum(row["recall_10"] * row["questions"] for row in rows)

    assert (found("words"), found("meaning"), found("both, 0.1")) == (3, 4, 4)


@pytest.mark.integration
def test_without_a_model_the_search_by_words_is_scored_alone(engine: Engine, folder: Path, made: Path) -> None:
    filings, questions = read_questions(made)
    section = ask_all(engine, None, store_filings(engine, filings, folder), questions)
    assert {row["ranking"] for row in section.rows} == {"words"}


@pytest.mark.integration
def test_a_submission_under_another_name_is_known_by_its_header(engine: Engine, folder: Path, made: Path) -> None:
    (folder / "deep" / "0000000001-23-000044.txt").rename(folder / "mine.txt")
    (filing, *_), _ = read_questions(made)
    named = filing.__class__(**{**vars(filing), "receipt": ""})
    assert store_filings(engine, [named], folder) == {"one": "one"}


@pytest.mark.integration
def test_a_folder_with_none_of_the_filings_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="none of the 22 filings"):
        store_filings(engine, FILINGS, tmp_path)


def test_vectors_are_kept_for_the_next_run(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def embed(texts: list[str]) -> np.ndarray:
        asked.append(texts)
        return np.array([vector_of(text) for text in texts])

    def model(fingerprint: str = "0") -> KeptVectors:
        version = ModelVersion("small", fingerprint, 5)
        return KeptVectors(Packaged(version, embed, lambda text: np.array(vector_of(text))), tmp_path / "deep")

    first = model().passages(["sales", "staff"])
    again = model().passages(["staff", "court", "sales"])
    assert np.allclose([again[2], again[0]], first, atol=1e-6)
    assert asked == [["sales", "staff"], ["court"]]
    model("other weights").passages(["sales"])
    assert asked[-1] == ["sales"]


def test_the_section_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "retrieval"])
    assert "--filings FOLDER go together" in capsys.readouterr().err


def test_a_question_is_korean_if_a_syllable_is() -> None:
    assert Question("one", "EPS는?", "x").language == "ko"
    assert Question("one", "EPS?", "x").language == "en"
