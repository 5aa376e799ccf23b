"""Blocks as Markdown: a text of which every block knows its range of characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from include.filings.blocks import Block, Heading, ListItem, TableBlock
from include.filings.tables import Table

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|])")
_MARK: Final = re.compile(r"^(#{1,6}|[-+])(?=\s)")
_NUMBER: Final = re.compile(r"^(\d+)(?=[.)]\s)")


@dataclass(frozen=True)
class Placed:
    """A block and where its Markdown stands in the text: characters ``start`` to ``end``, without the line's end."""

    block: Block
    start: int
    end: int


def render(blocks: Sequence[Block]) -> tuple[str, list[Placed]]:
    """The Markdown of a document, and the place of each of its blocks. Equal blocks give equal bytes."""
    parts: list[str] = []
    placed: list[Placed] = []
    length = 0
    for index, block in enumerate(blocks):
        text = _markdown(block)
        is_list = isinstance(block, ListItem) and index + 1 < len(blocks) and isinstance(blocks[index + 1], ListItem)
        placed.append(Placed(block, length, length + len(text)))
        parts.append(text + ("\n" if is_list else "\n\n"))
        length += len(parts[-1])
    return "".join(parts).rstrip("\n") + "\n", placed


def escaped(text: str) -> str:
    """The text with what Markdown would read as markup escaped."""
    return _NUMBER.sub(r"\1\\", _MARK.sub(r"\\\1", _SPECIAL.sub(r"\\\1", text)))


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * min(block.level, 6)} {escaped(block.text)}"
    if isinstance(block, TableBlock):
        return table_text(block.table)
    return f"- {escaped(block.text)}" if isinstance(block, ListItem) else escaped(block.text)


def table_text(table: Table) -> str:
    """A table in the form of GitHub's Markdown, which needs a first row: without headings it is an empty one."""
    lines = [_row(table.header), _row(["---"] * len(table.header), is_rule=True), *(_row(row) for row in table.rows)]
    return "\n".join([escaped(table.caption), "", *lines] if table.caption else lines)


def _row(cells: Sequence[str], *, is_rule: bool = False) -> str:
    shown = cells if is_rule else [_SPECIAL.sub(r"\\\1", cell) for cell in cells]
    return f"| {' | '.join(shown)} |"
