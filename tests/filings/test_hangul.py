"""Korean words as pairs of syllables."""

import pytest

from include.filings.hangul import pairs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("매출액은", "매출 출액 액은"),
        ("주 2022년 말, EPS", "주 년 말"),
        ("Sales rose", ""),
        ("매출a증가", "매출 증가"),
    ],
    ids=["word", "syllables", "english", "mixed"],
)
def test_every_neighbouring_pair_of_a_word_is_there(text: str, expected: str) -> None:
    assert pairs(text) == expected
