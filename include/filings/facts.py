"""The figures of a filing as its inline XBRL marks them: exact, with period and unit.

The reader knows what filings of the SEC use: contexts with explicit and typed members, simple and divided units, and
the formats of numbers with a dot or a comma. A figure in another format is left out. Where next: ``changes.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]  # ships no types

from include.filings.contracts import RawDocument
from include.filings.words import collapsed
from include.store.filing_facts import Fact

_INLINE: Final = re.compile(r"\{http://www\.xbrl\.org/20\d\d/inlineXBRL\}nonFraction")
_INSTANCE: Final = "{http://www.xbrl.org/2003/instance}"
_DIMENSIONS: Final = "{http://xbrl.org/2006/xbrldi}"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_MARK: Final = b"inlineXBRL"
_ZERO: Final = re.compile(r"fixed-zero|zerodash|zero-dash|numdash")
_COMMA: Final = re.compile(r"num-?comma-?decimal|numcommadot")
_DOT: Final = re.compile(r"num-?dot-?decimal|numdotdecimalin|^$")
_LONGEST_LABEL: Final = 200


def read_facts(documents: Sequence[RawDocument]) -> list[Fact]:
    """The figures of the documents in their order. One that is marked several times is there once, the most exact."""
    found: dict[tuple[Any, ...], Fact] = {}
    for document in documents:
        if _MARK not in document.content:
            continue
        for fact in _facts(document.content):
            key = (fact.concept, fact.period_start, fact.period_end, fact.unit, fact.dimensions)
            before = found.get(key)
            if before is None or _exactness(fact) > _exactness(before):
                found[key] = fact
    return list(found.values())


def _exactness(fact: Fact) -> float:
    return float("inf") if fact.decimals is None else fact.decimals


def _facts(content: bytes) -> Iterator[Fact]:
    parser = etree.XMLParser(recover=True, huge_tree=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(_without_wrapper(content), parser)
    if root is None:
        return
    contexts = {each.get("id"): each for each in root.iter(f"{_INSTANCE}context")}
    units = {each.get("id"): _unit(each) for each in root.iter(f"{_INSTANCE}unit")}
    for element in root.iter():
        if not isinstance(element.tag, str) or not _INLINE.fullmatch(element.tag):
            continue
        context, unit = contexts.get(element.get("contextRef")), units.get(element.get("unitRef"))
        value = _value(element)
        period = _period(context) if context is not None else None
        if value is None or period is None or not unit:
            continue
        concept = element.get("name", "")
        decimals = element.get("decimals", "INF")
        exact_to = int(decimals) if re.fullmatch(r"-?\d{1,3}", decimals) else None
        yield Fact(concept, _label(element, concept), *period, unit, value, exact_to, _dimensions(context))


def _without_wrapper(content: bytes) -> bytes:
    """The XHTML of a document: submissions wrap it in ``<XBRL>``."""
    start = content.find(b"<?xml")
    start = max(start, content.find(b"<html")) if start < 0 else start
    end = content.rfind(b"</html>")
    return content[max(start, 0) : end + len(b"</html>") if end >= 0 else len(content)]


def _value(element: etree._Element) -> Decimal | None:
    if element.get(_NIL) == "true":
        return None
    text = collapsed("".join(str(part) for part in element.itertext())).replace(" ", "")
    form = element.get("format", "").rpartition(":")[2]
    if _ZERO.search(form):
        return Decimal(0)
    if _COMMA.search(form):
        text = text.replace(".", "").replace(",", ".")
    elif _DOT.search(form):
        text = text.replace(",", "")
    else:
        return None
    try:
        value = Decimal(text).scaleb(int(element.get("scale", "0")))
    except (InvalidOperation, ValueError):
        return None
    return -value if element.get("sign") == "-" else value


def _period(context: etree._Element) -> tuple[date | None, date] | None:
    def day(name: str) -> date | None:
        found = context.find(f".//{_INSTANCE}{name}")
        text = (found.text or "").strip() if found is not None else ""
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            return None

    end = day("instant") or day("endDate")
    return (day("startDate"), end) if end else None


def _dimensions(context: etree._Element | None) -> str:
    if context is None:
        return ""
    members = [
        f"{each.get('dimension')}={collapsed(''.join(str(part) for part in each.itertext()))}"
        for each in context.iter(f"{_DIMENSIONS}explicitMember", f"{_DIMENSIONS}typedMember")
    ]
    return ", ".join(sorted(members))


def _unit(unit: etree._Element) -> str:
    def named(place: etree._Element | None) -> str:
        measures = place.iter(f"{_INSTANCE}measure") if place is not None else ()
        return "*".join((each.text or "").strip().rpartition(":")[2] for each in measures)

    divided = unit.find(f"{_INSTANCE}divide")
    if divided is None:
        return named(unit)
    return f"{named(divided.find(f'{_INSTANCE}unitNumerator'))}/{named(divided.find(f'{_INSTANCE}unitDenominator'))}"


def _label(element: etree._Element, concept: str) -> str:
    """The first cell of the row that the figure is in, without its footnotes, or the words of the concept."""
    row = next((each for each in element.iterancestors() if str(each.tag).endswith("}tr")), None)
    if row is not None:
        for cell in row:
            text = collapsed("".join(str(part) for part in cell.itertext()))
            if re.search(r"[^\W\d]{2}", text) and element not in cell.iter():
                return re.sub(r"\s*\(\w{1,2}\)$", "", text)[:_LONGEST_LABEL].rstrip(":")
            if text:
                break
    name = concept.rpartition(":")[2]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
