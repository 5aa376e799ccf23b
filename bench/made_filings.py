"""Made-up filings: full submissions of the SEC with sections, paragraphs and tables of words as frequent as real ones.

Words are drawn by Zipf's law from a fixed list, so a question meets words that are in most chunks and words that are in
few. The same numbers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

WORDS: Final = 20_000
_COMMON: Final = (
    "company", "revenue", "net", "income", "sales", "products", "customers", "market", "results", "year", "quarter",
    "million", "costs", "operating", "cash", "shares", "tax", "assets", "risk", "business", "increase", "decrease",
    "services", "growth", "financial", "segment", "interest", "debt", "equity", "reported",
)  # fmt: skip
_SYLLABLES: Final = ("ba", "cor", "den", "fil", "gra", "hel", "jun", "kra", "lom", "mer", "nov", "pol", "ras", "sten")
FIRST_DAY: Final = date(2015, 1, 2)


@dataclass(frozen=True)
class MadeFiling:
    """A filing: ``accepted_on`` is its day of acceptance, 16:05 in New York."""

    number: str
    receipt: str
    accepted_on: date
    body: str
    """What is inside the body of its page."""

    @property
    def content(self) -> bytes:
        """The full submission."""
        return _submission(self.number, self.receipt, self.accepted_on, self.body).encode()


def words() -> list[str]:
    """The words, the most frequent ones first."""
    found = list(_COMMON)
    place = 0
    while len(found) < WORDS:
        place += 1
        rest, name = place * 7919, ""
        for _ in range(4):
            rest, digit = divmod(rest, len(_SYLLABLES))
            name += _SYLLABLES[digit]
        found.append(f"{name}{place % 10}" if name in _COMMON else name)
    return found


def made_filings(count: int, paragraphs: int, companies: int = 50, seed: int = 1) -> Iterator[MadeFiling]:
    """``count`` filings of about ``paragraphs`` chunks each, a day apart, of so many companies in turn."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array(words())
    weights = 1 / np.arange(1, len(vocabulary) + 1)
    weights /= weights.sum()
    for place in range(count):
        number = f"{place % companies + 1:010d}"
        day = FIRST_DAY + timedelta(days=place)
        receipt = f"{number}-{day.year % 100:02d}-{place:06d}"
        body = _body(rng, vocabulary, weights, paragraphs)
        yield MadeFiling(number, receipt, day, body)


def _body(rng: np.random.Generator, vocabulary: np.ndarray, weights: np.ndarray, paragraphs: int) -> str:
    parts: list[str] = []
    for place in range(paragraphs):
        if place % 12 == 0:
            parts.append(f"<p><b>Item {place // 12 + 1}. {' '.join(rng.choice(vocabulary[:400], 3)).title()}</b></p>")
        drawn = rng.choice(vocabulary, 110, p=weights)
        if place % 5 == 4:
            rows = "".join(
                f"<tr><td>{' '.join(drawn[4 * row : 4 * row + 4]).capitalize()}</td>"
                + "".join(f"<td>{value:,}</td>" for value in rng.integers(1, 10**6, 3))
                + "</tr>"
                for row in range(12)
            )
            parts.append(f"<table><tr><td></td><td>2024</td><td>2023</td><td>2022</td></tr>{rows}</table>")
        else:
            sentences = [" ".join(drawn[start : start + 18]).capitalize() for start in range(0, 108, 18)]
            parts.append(f"<p>{'. '.join(sentences)}.</p>")
    return "\n".join(parts)


def _submission(number: str, receipt: str, day: date, body: str) -> str:
    moment = datetime(day.year, day.month, day.day, 16, 5)  # noqa: DTZ001 - New York's clock, as a header has it
    return f"""<SEC-DOCUMENT>{receipt}.txt
<SEC-HEADER>{receipt}.hdr.sgml
<ACCEPTANCE-DATETIME>{moment:%Y%m%d%H%M%S}
ACCESSION NUMBER:\t\t{receipt}
CONFORMED SUBMISSION TYPE:\t10-Q
CONFORMED PERIOD OF REPORT:\t{day:%Y%m%d}
FILED AS OF DATE:\t\t{day:%Y%m%d}
\t\tCOMPANY CONFORMED NAME:\t\t\tMADE-UP {number}
\t\tCENTRAL INDEX KEY:\t\t\t{number}
</SEC-HEADER>
<DOCUMENT>
<TYPE>10-Q
<FILENAME>report.htm
<TEXT>
<html><body>
{body}
</body></html>
</TEXT>
</DOCUMENT>
"""
