"""What the API of filings returns. A filing's words are text: nothing in them is markup."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field


def _link(value: Any) -> str | None:  # noqa: ANN401  # whatever is stored
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None


Link = Annotated[str | None, BeforeValidator(_link), Field(description="Where it is at its source; null if unknown.")]


class Filing(BaseModel):
    """One filing of the SEC or of DART."""

    source: str = Field(description="edgar or dart.")
    receipt: str = Field(description="Accession number of the SEC, or receipt number of DART.")
    company: str
    form: str
    items: list[str] = Field(description="Items of an 8-K, such as 2.02.")
    period_end: date | None = Field(description="Last day that it reports on.")
    filed_on: date = Field(description="Day of filing on the source's clock.")
    accepted_at: datetime = Field(description="From when on it counts as known.")
    is_amendment: bool
    is_read: bool = Field(description="Whether questions can be answered from it.")
    address: Link


class FilingList(BaseModel):
    """Filings of a ticker's company, newest first."""

    filings: list[Filing]


class Term(BaseModel):
    """A term of the answer in plain words."""

    term: str
    meaning: str


class Quote(BaseModel):
    """Words of a filing."""

    text: str = Field(description="As they stand in the filing's text, which is Markdown.")
    lead: str = Field(description="Headings of the table whose row it is, else empty.")
    plain: str = Field(description="The same without Markdown.")
    citation: str = Field(description="Receipt, section and characters.")


class QuotedFiling(BaseModel):
    """A filing, or a section of it, with the quotes from it."""

    company: str
    form: str
    period_end: date | None
    known_at: datetime
    address: Link
    titles: list[str] = Field(description="Titles of the sections around the first quote, outermost first.")
    quotes: list[Quote]


class WrittenSentence(BaseModel):
    """A sentence that a language model wrote, and the numbers of the passages that support it."""

    text: str
    citations: list[int]


class CitedPassage(BaseModel):
    """A passage that a written sentence cites."""

    number: int
    citation: str
    company: str
    form: str
    period_end: date | None
    known_at: datetime
    address: Link
    titles: list[str]
    lead: str
    text: str


class WrittenAnswer(BaseModel):
    """What a language model wrote, as far as passages support it."""

    model: str
    sentences: list[WrittenSentence]
    citations: list[CitedPassage]
    dropped_count: int = Field(description="Sentences that no passage supports; they are not shown.")


class Change(BaseModel):
    """Both sides of a change that a quoted sentence states: period, value and unit."""

    text: str
    citation: str = Field(description="Receipt of the filing, and what the figures are called in its XBRL.")


class Answer(BaseModel):
    """What filings say to a question."""

    question: str
    as_of: datetime = Field(description="Nothing that became known later was seen.")
    level: str = Field(description="beginner or expert.")
    answer: str = Field(description="The written answer, the count of passages, or that the filings do not say.")
    note: str = Field(description="How the answer was made, if a reader should know; else empty.")
    filing_count: int = Field(description="Filings that the question could see.")
    sources: list[QuotedFiling]
    changes: list[Change] = Field(description="For an expert, from the figures that the filing's XBRL marks.")
    glossary: list[Term]
    written: WrittenAnswer | None = Field(description="Null without a language model, or if it failed.")
