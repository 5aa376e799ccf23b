"""Near-duplicates: what MinHash finds is what comparing all pairs finds."""

import random

from language.similarity import groups_of, jaccard, near_duplicates


def texts(seed: int, count: int) -> list[str]:
    """Random texts, and copies of them with a few words changed."""
    chosen = random.Random(seed)
    words = [f"w{number}" for number in range(400)]
    found = [" ".join(chosen.choices(words, k=60)) for _ in range(count)]
    for text in found[: count // 2]:
        parts = text.split()
        for _ in range(chosen.randint(0, 6)):
            parts[chosen.randrange(len(parts))] = "changed"
        found.append(" ".join(parts))
    return found


def test_what_is_found_is_what_comparing_all_pairs_finds():
    first, second = texts(1, 60), texts(1, 60)[::-1]
    exact = {
        place
        for place, text in enumerate(first)
        if any(jaccard(groups_of(text), groups_of(other)) >= 0.8 for other in second)
    }
    found = near_duplicates(first, second, 0.8)
    assert set(found) == exact
    for place, other in found.items():
        assert jaccard(groups_of(first[place]), groups_of(second[other])) >= 0.8


def test_other_texts_are_not_alike():
    assert near_duplicates(texts(2, 50), texts(3, 50), 0.8) == {}


def test_case_and_punctuation_do_not_matter():
    assert near_duplicates(["Net sales, in 2024: rose!"], ["net SALES in 2024 rose"], 1.0) == {0: 0}


def test_an_empty_text_resembles_nothing():
    assert near_duplicates(["", "..."], ["", "..."], 0.1) == {}
    assert jaccard(frozenset(), frozenset()) == 0.0
