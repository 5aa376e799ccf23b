"""Terms of filings in plain words, for those that occur in an answer."""

from include.filings import glossary
from include.filings.glossary import MOST_TERMS, terms_in


def test_the_terms_of_a_text_are_explained_in_the_order_of_their_use():
    found = terms_in(["Diluted earnings per share rose.", "| Gross margin | 46% |"], "What was EPS?")
    assert [term.term for term in found] == ["diluted", "earnings per share", "gross margin"]
    assert found[0].meaning.startswith("Counted as if all promised shares")


def test_a_korean_question_is_answered_in_korean():
    (found,) = terms_in(["당기 영업이익은 14조원입니다."], "영업이익은 얼마입니까?")
    assert found.term == "영업이익"
    assert "본업" in found.meaning


def test_a_part_of_a_longer_term_is_not_explained_and_a_name_needs_its_capitals():
    assert [term.term for term in terms_in(["deferred revenue"], "?")] == ["deferred revenue"]
    assert [term.term for term in terms_in(["deferred revenue and revenue"], "?")] == ["deferred revenue", "revenue"]
    assert terms_in(["steps and the gaap of a word; assetstripping"], "?") == ()
    assert [term.term for term in terms_in(["GAAP"], "?")] == ["GAAP"]


def test_every_term_has_both_languages_and_no_spelling_twice():
    spellings = [spelling for spelling, _ in glossary._spellings()]
    assert len(spellings) == len(set(spellings)) > 100
    for _, entry in glossary._spellings():
        assert entry.english
        assert entry.korean
        assert entry.meaning.endswith(".")
        assert entry.meaning_korean.endswith(".")
    everything = "\n".join(f"{spelling}." for spelling in spellings)
    assert len(terms_in([everything], "?")) == MOST_TERMS
