"""Which company a ticker is at each source: a number of the SEC, or a code of DART."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]  # ships no types

from include.errors import FilingsUnavailableError

_KOREAN: Final = re.compile(r"(\d{6})\.K[SQ]")
_LARGEST: Final = 200 * 2**20
"""Bytes of the list of DART's companies after unpacking; it has some 20 MB."""


def edgar_numbers(listing: object, tickers: Sequence[str]) -> dict[str, str]:
    """Those of the tickers that are in the SEC's ``company_tickers.json``, with their numbers in ten digits.

    Raises:
        FilingsUnavailableError: the list has another form.
    """
    try:
        rows: Mapping[str, Any] = listing  # type: ignore[assignment]  # JSON of anybody; what is no list fails below
        known = {str(row["ticker"]).upper(): str(row["cik_str"]).zfill(10) for row in rows.values()}
    except (AttributeError, KeyError, TypeError) as error:
        message = f"The SEC's list of tickers has another form: {type(error).__name__} {error}. It is tried again."
        raise FilingsUnavailableError(message) from error
    return {ticker: known[ticker] for ticker in tickers if ticker in known}


def opendart_numbers(load: Callable[[], bytes], tickers: Sequence[str]) -> dict[str, str]:
    """The Korean ones of the tickers (``005930.KS``) with their codes at DART; others are absent.

    ``load`` gives the ZIP file of OpenDART's companies. It is called only if a ticker is Korean.

    Raises:
        FilingsUnavailableError: the file is damaged.
    """
    codes = {ticker: found.group(1) for ticker in tickers if (found := _KOREAN.fullmatch(ticker))}
    if not codes:
        return {}
    known = _codes(load())
    return {ticker: known[code] for ticker, code in codes.items() if code in known}


def _codes(content: bytes) -> dict[str, str]:
    """Codes at DART by the six digits of the exchange; companies that are not listed have none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (member,) = archive.infolist()
            text = archive.read(member) if member.file_size <= _LARGEST else b""
        root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, huge_tree=True))
    except (zipfile.BadZipFile, etree.XMLSyntaxError, ValueError) as error:
        message = f"OpenDART's list of companies is damaged ({error}). It is tried again."
        raise FilingsUnavailableError(message) from error
    pairs = ((row.findtext("stock_code"), row.findtext("corp_code")) for row in root.iter("list"))
    return {ticker.strip(): code.strip() for ticker, code in pairs if ticker and code and ticker.strip()}
