"""A filing as one Markdown document with YAML front matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError
from include.filings.blocks import Block, Heading
from include.filings.contracts import Filing, FilingSource, RawDocument
from include.filings.dart import read_dart
from include.filings.html import read_html
from include.filings.markdown import Placed, render
from include.filings.plain import read_plain

_MARKUP: Final = re.compile(rb"<(?:html|body|div|p|tr|font|!doctype)\b", re.IGNORECASE)
"""What a page of HTML has; ``<TABLE>`` stands in plain text, too."""
_EXHIBITS: Final = re.compile(r"EX-(?:13|99)(?:\.\d+)?", re.IGNORECASE)
"""The annual report to shareholders, which some companies' statements are in, and press releases."""
_DEEPEST_SECTION: Final = 4


@dataclass(frozen=True)
class Section:
    """A heading and what follows it up to the next heading: characters ``start`` to ``end`` of the document's text."""

    anchor: str
    title: str
    path: tuple[str, ...]
    """The titles of the sections around it, outermost first, and its own."""
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A filing's text as Markdown, where its blocks stand in it, and its sections in order."""

    filing: Filing
    text: str
    placed: tuple[Placed, ...]
    sections: tuple[Section, ...]

    def with_front_matter(self) -> str:
        """The file's content: YAML between two lines of dashes, and the text."""
        return f"---\n{self.front_matter()}---\n\n{self.text}"

    def front_matter(self) -> str:
        """The YAML that stands before the text: the filing, and the anchor and title of each section."""
        shown = yaml.dump(_front_matter(self), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
        return str(shown)

    def path(self) -> str:
        """Where the file belongs below a root: ``docs/{corp}/{year}/{form}/{receipt}.md``."""
        filing = self.filing
        form = folder_name(filing.form)
        return f"docs/{filing.company.number}/{filing.filed_on.year}/{form}/{filing.receipt}.md"


def folder_name(form: str) -> str:
    """The form as the name of a folder: ``10-K-A`` for ``10-K/A``."""
    return re.sub(r"[^\w-]+", "-", form).strip("-")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # the base ships no types
    """YAML that quotes texts of digits: a reader of YAML 1.2 would take ``00126380`` for a number."""


def _represent_text(dumper: _Dumper, text: str) -> Any:  # noqa: ANN401  # a node of yaml, which ships no types
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if text.isdecimal() else None)


_Dumper.add_representer(str, _represent_text)


def convert(filing: Filing, documents: Sequence[RawDocument]) -> Document:
    """The filing's main document and those exhibits that say something, in one text.

    Raises:
        DataContractError: the filing has no document that can be read.
    """
    blocks: list[Block] = [Heading(f"{filing.company.name} {filing.form}", 1)]
    for document in _readable(filing, documents):
        try:
            found = _blocks(filing.source, document)
        except DataContractError as error:
            message = f"{filing.receipt}, {document.name}: {error}"
            raise DataContractError(message) from error
        if _EXHIBITS.fullmatch(document.kind):
            blocks.append(Heading(f"Exhibit {document.kind[3:]}", 2))
        blocks.extend(found)
    if len(blocks) == 1:
        message = f"{filing.receipt}: none of its {len(documents)} documents can be read."
        raise DataContractError(message)
    text, placed = render(blocks)
    return Document(filing, text, tuple(placed), tuple(_sections(placed, len(text))))


def _readable(filing: Filing, documents: Sequence[RawDocument]) -> Iterator[RawDocument]:
    for index, document in enumerate(documents):
        is_main = index == 0 or document.name == filing.main_document
        if is_main or _EXHIBITS.fullmatch(document.kind):
            yield document


def _blocks(source: FilingSource, document: RawDocument) -> list[Block]:
    if source is FilingSource.DART:
        return read_dart(document.content)
    is_markup = bool(_MARKUP.search(document.content[:20_000]))
    return read_html(document.content) if is_markup else read_plain(document.content)


def _sections(placed: Sequence[Placed], length: int) -> Iterator[Section]:
    headings = [(place.block, place.start) for place in placed if isinstance(place.block, Heading)]
    headings = [(block, start) for block, start in headings if block.level <= _DEEPEST_SECTION]
    ends = [*(start for _, start in headings[1:]), length]
    around: list[Heading] = []
    taken: dict[str, int] = {}
    for (heading, start), end in zip(headings, ends, strict=True):
        around = [outer for outer in around if outer.level < heading.level]
        around.append(heading)
        name = _slug(heading.text)
        taken[name] = taken.get(name, 0) + 1
        anchor = name if taken[name] == 1 else f"{name}-{taken[name]}"
        yield Section(anchor, heading.text, tuple(outer.text for outer in around), start, end)


def _slug(text: str) -> str:
    kept = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFKC", text).lower()).strip("-")
    return kept[:80].rstrip("-") or "section"


def _front_matter(document: Document) -> dict[str, Any]:
    filing = document.filing
    return {
        "company": filing.company.name,
        "company_number": filing.company.number,
        "tickers": list(filing.company.tickers),
        "source": str(filing.source),
        "form": filing.form,
        "items": list(filing.items),
        "is_amendment": filing.is_amendment,
        "period_end": filing.period_end.isoformat() if filing.period_end else None,
        "filed_on": filing.filed_on.isoformat(),
        "accepted_at": filing.accepted_at.isoformat(),
        "receipt": filing.receipt,
        "address": filing.address,
        "sections": [{"anchor": section.anchor, "title": section.title} for section in document.sections],
    }
