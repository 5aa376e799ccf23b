"""A document cut into chunks that can be found and cited.

A *child* is small enough to be about one thing: some sentences, some items of a list, or rows of a table under the
table's headings. A *parent* is the passage around it within its section, and what a reader is shown. Both know their
section and their range of characters, so that a citation leads to the very words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from include.filings.blocks import Heading, Paragraph, TableBlock
from include.filings.documents import Document, Section
from include.filings.markdown import Placed

CHILD_SIZE: Final = 900
PARENT_SIZE: Final = 3600
"""Characters that a child and a parent have at most. A longer sentence or row is one child, a longer table a parent."""
_CAPTION_SIZE: Final = 300
_SENTENCE: Final = re.compile(r"(?<=[.!?;\u3002])[\"\u201d)\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9\uac00-\ud7a3])")


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` of the document's text. ``lead`` is shown before them: a table's headings."""

    start: int
    end: int
    lead: str = ""
    is_table: bool = False


@dataclass(frozen=True)
class Chunk:
    """A citable part of a document: ``text`` is its characters ``start`` to ``end``, after ``lead``.

    ``parent`` is the number of a child's parent among the document's parents, and None for a parent.
    """

    receipt: str
    section: str
    """The section's anchor."""
    titles: tuple[str, ...]
    start: int
    end: int
    text: str
    is_table: bool
    lead: str = ""
    parent: int | None = None

    @property
    def citation(self) -> str:
        """Where the words stand: receipt, section and characters."""
        return f"{self.receipt}#{self.section}:{self.start}-{self.end}"


def cut(document: Document) -> tuple[list[Chunk], list[Chunk]]:
    """The parents and the children of a document, each in its order. The same document gives the same chunks."""
    parents: list[Chunk] = []
    children: list[Chunk] = []
    for section in document.sections:
        inside = [place for place in document.placed if section.start <= place.start < section.end]
        for passage in _passages([place for place in inside if not isinstance(place.block, Heading)]):
            spans = list(_merged(_spans(document.text, passage)))
            children += [_chunk(document, section, span, len(parents)) for span in spans]
            whole = Span(passage[0].start, passage[-1].end, is_table=all(span.is_table for span in spans))
            parents.append(_chunk(document, section, whole, None))
    return parents, children


def _chunk(document: Document, section: Section, span: Span, parent: int | None) -> Chunk:
    text = document.text[span.start : span.end]
    receipt = document.filing.receipt
    return Chunk(receipt, section.anchor, section.path, span.start, span.end, text, span.is_table, span.lead, parent)


def _passages(places: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Consecutive blocks up to the size of a parent. A table stays with the short line above it, its caption."""
    passage: list[Placed] = []
    for place in places:
        if passage and place.end - passage[0].start > PARENT_SIZE:
            kept = passage[-1:] if isinstance(place.block, TableBlock) and _is_caption(passage[-1]) else []
            if before := passage[: len(passage) - len(kept)]:
                yield before
            passage = kept
        passage.append(place)
    if passage:
        yield passage


def _is_caption(place: Placed) -> bool:
    return isinstance(place.block, Paragraph) and len(place.block.text) <= _CAPTION_SIZE


def _spans(text: str, passage: Sequence[Placed]) -> Iterator[Span]:
    """The smallest parts of a passage: sentences of a long paragraph, rows of a table, other blocks as a whole."""
    for before, place in zip([None, *passage], passage, strict=False):
        if isinstance(place.block, TableBlock):
            caption = text[before.start : before.end] if before is not None and _is_caption(before) else ""
            yield from _table_spans(text, place, caption)
        elif place.end - place.start <= CHILD_SIZE:
            yield Span(place.start, place.end)
        else:
            yield from _sentence_spans(text, place)


def _sentence_spans(text: str, place: Placed) -> Iterator[Span]:
    start = place.start
    for found in _SENTENCE.finditer(text, place.start, place.end):
        yield Span(start, found.start())
        start = found.end()
    yield Span(start, place.end)


def _table_spans(text: str, place: Placed, caption: str) -> Iterator[Span]:
    """The rows of a table, as many as fit into a child, the first ones with the headings and the others led by them.

    The line above the table leads all of them.
    """
    first_row = text.index("| --- |" if "| --- |" in text[place.start : place.end] else "|", place.start)
    head_end = text.index("\n", first_row) if "\n" in text[first_row : place.end] else place.end
    first_lead = caption
    later_lead = f"{caption}\n\n{text[place.start : head_end]}".lstrip()
    start, end = place.start, head_end
    for row_start, row_end in _lines(text, head_end, place.end):
        size = row_end - start + len(later_lead if start > place.start else first_lead)
        if size > CHILD_SIZE and end > max(start, head_end):
            yield Span(start, end, later_lead if start > place.start else first_lead, is_table=True)
            start = row_start
        end = row_end
    yield Span(start, end, later_lead if start > place.start else first_lead, is_table=True)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The ranges of the lines between two places, without their ends."""
    while start < end:
        start += text[start] == "\n"
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        if stop > start:
            yield start, stop
        start = stop


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Consecutive spans of text joined as long as they fit into a child; spans of tables stay as they are."""
    waiting: Span | None = None
    for span in spans:
        fits = waiting is not None and not span.is_table and span.end - waiting.start <= CHILD_SIZE
        if waiting is not None and fits:
            waiting = Span(waiting.start, span.end)
            continue
        if waiting is not None:
            yield waiting
        waiting = None if span.is_table else span
        if span.is_table:
            yield span
    if waiting is not None:
        yield waiting
