"""The parts of a converted document: headings, paragraphs, list items and tables, in the order of the original."""

from __future__ import annotations

from dataclasses import dataclass

from include.filings.tables import Table


@dataclass(frozen=True)
class Heading:
    """A heading; ``level`` 1 is the document's own title."""

    text: str
    level: int


@dataclass(frozen=True)
class Paragraph:
    """Running text without line breaks."""

    text: str


@dataclass(frozen=True)
class ListItem:
    """One item of a list, without its bullet."""

    text: str


@dataclass(frozen=True)
class TableBlock:
    """A table of the original."""

    table: Table


Block = Heading | Paragraph | ListItem | TableBlock
