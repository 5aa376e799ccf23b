"""A filing that is plain text, as most were before 2002: paragraphs, and tables of fixed columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from include.errors import DataContractError
from include.filings.blocks import Block, Heading, Paragraph, TableBlock
from include.filings.html import heading_level
from include.filings.tables import Table
from include.filings.words import collapsed

_TABLE: Final = re.compile(r"<TABLE>(.*?)(?:</TABLE>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"</?(?:PAGE|CAPTION|TABLE|FN|F\d+)>", re.IGNORECASE)
_MARKS: Final = re.compile(r"^[ \t]*<S>.*$", re.MULTILINE | re.IGNORECASE)
_RULE: Final = re.compile(r"^[\s\-=_]+$")
_TOKEN: Final = re.compile(r"(?:\$\s*)?\S+(?: \S+)*")
_PAGE_NUMBER: Final = re.compile(r"(?:page\s*)?-?\s*\d{1,3}\s*-?", re.IGNORECASE)


def read_plain(content: bytes) -> list[Block]:
    """The blocks of a text document. Pages end without a trace; a table needs the tags ``<TABLE>`` and ``<S>``.

    Raises:
        DataContractError: the document has no text.
    """
    text = (
        content.decode("utf-8", errors="replace") if _is_utf8(content) else content.decode("cp1252", errors="replace")
    )
    blocks: list[Block] = []
    end = 0
    for found in _TABLE.finditer(text):
        blocks.extend(_paragraphs(text[end : found.start()]))
        blocks.extend(_table(found.group(1)))
        end = found.end()
    blocks.extend(_paragraphs(text[end:]))
    if not blocks:
        message = "The document has no text."
        raise DataContractError(message)
    return blocks


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _paragraphs(text: str) -> Iterator[Block]:
    for part in re.split(r"\n[ \t]*\n|<PAGE>", _without_rules(text), flags=re.IGNORECASE):
        line = collapsed(_TAG.sub(" ", part))
        if not line or _PAGE_NUMBER.fullmatch(line):
            continue
        is_loud = line.isupper() and len(line) < 120
        level = heading_level(line, is_bold=is_loud)
        yield Heading(line, level) if level else Paragraph(line)


def _without_rules(text: str) -> str:
    return "\n".join("" if _RULE.match(line) and line.strip() else line for line in text.splitlines())


def _table(text: str) -> Iterator[Block]:
    marks = _MARKS.search(text)
    if marks is None:
        yield from _paragraphs(text)
        return
    starts = [found.start() for found in re.finditer(r"<[SC]>", marks.group(0), re.IGNORECASE)]
    above = [
        line for line in _TAG.sub("", text[: marks.start()]).splitlines() if line.strip() and not _RULE.match(line)
    ]
    below = [line for line in text[marks.end() :].splitlines() if line.strip() and not _RULE.match(line)]
    yield TableBlock(Table("", _header(above, starts), tuple(_cells(line, starts) for line in below)))


def _header(lines: Sequence[str], starts: Sequence[int]) -> tuple[str, ...]:
    """What stands above the columns, by column; a line of one text that spans several columns counts for each."""
    texts: list[list[str]] = [[] for _ in starts]
    for line in lines:
        for token in _tokens(line.expandtabs()):
            for column in _columns_below(token, starts):
                texts[column].append(collapsed(token.group()))
    return tuple(" ".join(found) for found in texts)


def _columns_below(token: re.Match[str], starts: Sequence[int]) -> list[int]:
    ends = [*starts[1:], 10_000]
    middle = (token.start() + token.end()) / 2
    return [index for index, (start, end) in enumerate(zip(starts, ends, strict=True)) if start <= middle < end] or [0]


def _cells(line: str, starts: Sequence[int]) -> tuple[str, ...]:
    cells = [""] * len(starts)
    for token in _tokens(line.expandtabs()):
        column = max((index for index, start in enumerate(starts) if token.end() - 1 >= start), default=0)
        cells[column] = collapsed(f"{cells[column]} {token.group()}")
    return tuple(cells)


def _tokens(line: str) -> Iterator[re.Match[str]]:
    return re.finditer(r"\$ +[\d(,.]+\)?|\S+(?: \S+)*", line)
