"""Text of HTML elements: whitespace, hidden parts, and what a cell holds."""

from __future__ import annotations

import re
from typing import Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]  # ships no types

_SPACE: Final = re.compile(r"[\s\u00a0\u2007\u2009\u200a\u200b\u202f\ufeff]+")
_SKIPPED: Final = frozenset({"script", "style", "head", "title", "ix:header", "noscript"})
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BREAKS: Final = frozenset({"br", "div", "p", "tr", "td", "th", "li", "table", "hr"})
_NUMBER: Final = re.compile(
    r"[(\-\u2013\u2014+]?\s?(?:US|NT|HK|C|A)?[$\u20ac\u00a3\u00a5\u20a9]?\s?[(\-]?\d[\d,]*(?:\.\d+)?\s?\)?\s?(?:%|x|pts|bps)?\s?\)?"
    r"|[(]?\.\d+\s?\)?\s?%?|[$]?\s?[\-\u2013\u2014]+\s?%?|[$]?\s?\(\s?\d[\d,]*(?:\.\d+)?\s?\)?"
)
_PREFIX: Final = re.compile(r"(?:US|NT|HK|C|A)?[$\u20ac\u00a3\u00a5\u20a9]\s?\(?|\(")
_SUFFIX: Final = re.compile(r"\)?\s?%?\s?\)?|\)?\s?(?:pts|bps|x)|\)")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def collapsed(text: str) -> str:
    """The text with every run of white space as one space."""
    return _SPACE.sub(" ", text).strip()


def is_skipped(element: HtmlElement) -> bool:
    """Whether a reader of the page sees nothing of the element, such as the hidden facts of inline XBRL."""
    if not isinstance(element.tag, str):  # a comment or a processing instruction
        return True
    return element.tag.lower() in _SKIPPED or bool(_HIDDEN.search(element.get("style") or ""))


def text_of(element: HtmlElement) -> str:
    """All that a reader sees of the element, with one space where a line or a cell ends."""
    parts: list[str] = []
    _collect(element, parts)
    return collapsed("".join(parts))


def _collect(element: HtmlElement, parts: list[str]) -> None:
    if is_skipped(element):
        return
    is_break = element.tag.lower() in _BREAKS
    if is_break:
        parts.append(" ")
    parts.append(element.text or "")
    for child in element:
        _collect(child, parts)
        parts.append(child.tail or "")
    if is_break:
        parts.append(" ")


def is_value(text: str) -> bool:
    """Whether a cell holds a number, a percentage, an amount of money, or the dash that means none."""
    return bool(text) and bool(_NUMBER.fullmatch(text))


def is_prefix(text: str) -> bool:
    """Whether the text belongs to the number in a later cell, such as a currency's sign."""
    return bool(text) and bool(_PREFIX.fullmatch(text))


def is_suffix(text: str) -> bool:
    """Whether the text belongs to the number in an earlier cell, such as a closing parenthesis or a percent sign."""
    return bool(text) and bool(_SUFFIX.fullmatch(text))


def is_year(text: str) -> bool:
    """Whether the text is a year, which stands above a column rather than in it."""
    return bool(_YEAR.fullmatch(text))
