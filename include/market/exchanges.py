"""The exchange that a ticker belongs to, by Yahoo's spelling and by Yahoo's code: one row of ``exchanges.csv`` each.

A row has the exchange's name, the suffixes and single tickers that belong to it, Yahoo's codes, calendars, Yahoo's time
zone, the local opening times of the first and the last bar on an ordinary day (14 October 2026), and the minutes after
a bar's end until its last value can be known. Yahoo quotes New York, currencies and crypto in real time, so 2 minutes
are enough. All others have 20, or Yahoo's delay where that is longer. Of several calendars the first is the usual one.
The others cut the same sessions differently, and ``calendar_fit.py`` finds the one that Yahoo uses. A row without a
calendar lists tickers whose trading hours are not known.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from include.errors import InvalidRequestError, SettingsError

_FILE: Final = Path(__file__).with_name("exchanges.csv")
_CRYPTO: Final = re.compile(r"[A-Z0-9]+(-(USD|EUR|GBP|JPY|CAD|AUD|KRW|INR|BTC|ETH)|-?USD[TC])")
_CRYPTO_CODE: Final = "CCC"
_NEW_YORK_CODE: Final = "NYQ"
_USUAL_DELAY_MINUTES: Final = 20
_NO_CALENDARS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class Exchange:
    """One row of ``exchanges.csv``; times of bars as HH:MM on the clock of ``timezone``."""

    name: str
    suffixes: tuple[str, ...]
    tickers: tuple[str, ...]
    codes: tuple[str, ...]
    calendars: tuple[str, ...]
    timezone: str
    first_bar: str
    last_bar: str
    delay_minutes: int


@lru_cache(maxsize=1)
def exchanges() -> tuple[Exchange, ...]:
    """Every row of ``exchanges.csv``, in its order."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(_exchange(row) for row in csv.DictReader(lines))


def exchange_of(ticker: str, code: str | None = None) -> Exchange:
    """The exchange of a ticker: the row that names it, else the row of Yahoo's ``code``, else that of its spelling.

    Raises:
        InvalidRequestError: no row fits, or the hours of that exchange are not known.
    """
    exchange = _by_ticker().get(ticker) or _by_code().get(code or "") or _by_spelling(ticker)
    if exchange is None or not exchange.calendars:
        known = ", ".join(f".{suffix}" for suffix in _by_suffix() if not suffix.startswith("="))
        message = (
            f"{ticker}: its trading hours are not known. Known are the suffixes {known}, =F, =X, -USD and none "
            f"(New York). Give it a calendar with HOURCAST_SUFFIX_CALENDARS, as in {_key_of(ticker)}=XNYS."
        )
        raise InvalidRequestError(message)
    return exchange


def given_calendar(ticker: str, given: Mapping[str, str] = _NO_CALENDARS) -> str | None:
    """The calendar that the settings give to this ticker or to its suffix; None for none."""
    return given.get(ticker) or given.get(_key_of(ticker))


def delay_of(calendar: str) -> int:
    """Minutes after a bar's end until its last value can be known, for tickers of the first row with this calendar."""
    delays = (exchange.delay_minutes for exchange in exchanges() if calendar in exchange.calendars)
    return next(delays, _USUAL_DELAY_MINUTES)


def parse_calendars(text: str | None) -> dict[str, str]:
    """Calendars by suffix or ticker from ``.XX=XNYS,KC=F=IEPA``; none for None.

    Raises:
        SettingsError: a part of the text is not of that form.
    """
    found: dict[str, str] = {}
    for part in (text or "").split(","):
        key, _, calendar = (word.strip() for word in part.strip().rpartition("="))
        if part.strip() and not (key and calendar):
            message = (
                f"HOURCAST_SUFFIX_CALENDARS={text!r}: {part.strip()!r} is not of the form .XX=XNYS; "
                "write a suffix or a ticker, '=' and a calendar, with commas between."
            )
            raise SettingsError(message)
        if key:
            found[key] = calendar
    return found


def _by_spelling(ticker: str) -> Exchange | None:
    if _CRYPTO.fullmatch(ticker):
        return _by_code()[_CRYPTO_CODE]
    key = _key_of(ticker)
    is_plain = key == ticker  # T, F and V trade in New York, although they are suffixes as well
    exchange = None if is_plain else _by_suffix().get(key.removeprefix("."))
    return exchange or (_by_code()[_NEW_YORK_CODE] if is_plain or ticker.startswith("^") else None)


def _key_of(ticker: str) -> str:
    """The part of a ticker that names its exchange: ``.TW``, ``=X``, or the whole ticker where there is none."""
    for mark in (".", "="):
        _, found, suffix = ticker.rpartition(mark)
        if found:
            return found + suffix
    return ticker


def _exchange(row: Mapping[str, str]) -> Exchange:
    return Exchange(
        name=row["exchange"],
        suffixes=tuple(row["suffixes"].split()),
        tickers=tuple(row["tickers"].split()),
        codes=tuple(row["codes"].split()),
        calendars=tuple(row["calendars"].split()),
        timezone=row["timezone"],
        first_bar=row["first_bar"],
        last_bar=row["last_bar"],
        delay_minutes=int(row["delay_minutes"]),
    )


@lru_cache(maxsize=1)
def _by_suffix() -> dict[str, Exchange]:
    return {suffix: exchange for exchange in exchanges() for suffix in exchange.suffixes}


@lru_cache(maxsize=1)
def _by_ticker() -> dict[str, Exchange]:
    return {ticker: exchange for exchange in exchanges() for ticker in exchange.tickers}


@lru_cache(maxsize=1)
def _by_code() -> dict[str, Exchange]:
    return {code: exchange for exchange in exchanges() for code in exchange.codes}
