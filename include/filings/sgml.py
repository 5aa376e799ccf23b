"""A full submission of the SEC: one text file with a header and every document of a filing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from include.errors import DataContractError
from include.filings.acceptance import from_header
from include.filings.contracts import RawDocument, Submission

_HEADER: Final = re.compile(rb"<(?:SEC|IMS)-HEADER>(.*?)</(?:SEC|IMS)-HEADER>", re.DOTALL | re.IGNORECASE)
_ACCEPTED: Final = re.compile(rb"<ACCEPTANCE-DATETIME>\s*(\d{14})", re.IGNORECASE)
_DOCUMENT: Final = re.compile(rb"<DOCUMENT>(.*?)</DOCUMENT>", re.DOTALL | re.IGNORECASE)
_TEXT: Final = re.compile(rb"<TEXT>\r?\n?(.*)</TEXT>", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(rb"^<(TYPE|SEQUENCE|FILENAME|DESCRIPTION)>([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_WRAPPER: Final = re.compile(rb"^\s*<(XBRL|XML|PDF)>\r?\n?(.*?)\s*(?:</\1>)?\s*$", re.DOTALL | re.IGNORECASE)
_LINE: Final = re.compile(r"^\s*([A-Z][A-Z0-9 /-]*[A-Z0-9]):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def read_submission(content: bytes) -> Submission:
    """The header and the documents of a submission, in their order.

    Raises:
        DataContractError: the file has no header or no document, or a document is cut off.
    """
    header = _HEADER.search(content)
    if header is None:
        message = "The file has no <SEC-HEADER>; it is no full submission, or it is cut off."
        raise DataContractError(message)
    documents = tuple(_documents(content))
    if not documents:
        message = "The submission has no complete <DOCUMENT>."
        raise DataContractError(message)
    if len(documents) != len(re.findall(rb"^<DOCUMENT>", content, re.MULTILINE | re.IGNORECASE)):
        message = f"The submission is cut off after {len(documents)} documents."
        raise DataContractError(message)
    accepted = _ACCEPTED.search(content)
    return Submission(
        documents, _fields(header.group(1)), from_header(accepted.group(1).decode()) if accepted else None
    )


def _documents(content: bytes) -> Iterator[RawDocument]:
    for found in _DOCUMENT.finditer(content):
        text = _TEXT.search(found.group(1))
        if text is None:
            continue
        before = found.group(1)[: text.start()]
        tags = {name.decode().upper(): value.decode("latin-1").strip() for name, value in _TAG.findall(before)}
        body = text.group(1)
        wrapped = _WRAPPER.match(body)
        yield RawDocument(
            tags.get("TYPE", ""),
            tags.get("FILENAME", ""),
            wrapped.group(2) if wrapped else body,
            tags.get("DESCRIPTION", ""),
        )


def _fields(header: bytes) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _LINE.findall(header.decode("latin-1")):
        if value:
            found[name] = (*found.get(name, ()), value)
    return found
