"""What Yahoo says of a ticker's exchange: code, zone, currency, kind, delay.

One example ticker a suffix stands in ``exchanges.csv``. The first ten were written from recorded answers; the others
from Yahoo's lists of exchanges and delays, and their cut of the day into bars is a guess.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import time
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Exchange:
    """``reported_close`` is the session's end as Yahoo gives it, where that is not the last bar's own end.

    ``calendar``: the one whose bars are served, where that is not the product's first choice for the ticker.
    ``has_auction``: at the session's end Yahoo serves one more row, the closing auction, with volume 0.
    """

    code: str
    full_name: str
    timezone: str
    currency: str
    instrument_type: str = "EQUITY"
    delay_minutes: int = 0
    reported_close: time | None = None
    calendar: str | None = None
    has_auction: bool = False


_NASDAQ = Exchange("NMS", "NasdaqGS", "America/New_York", "USD")
_DAY_END = time(23, 59)
_CRYPTO = Exchange("CCC", "CCC", "UTC", "USD", "CRYPTOCURRENCY", reported_close=_DAY_END)
_CURRENCY = Exchange("CCY", "CCY", "Europe/London", "USD", "CURRENCY", reported_close=_DAY_END)
_INDEX = Exchange("SNP", "SNP", "America/New_York", "USD", "INDEX")


@cache
def examples() -> dict[str, Exchange]:
    """An example ticker of every suffix that Yahoo lists, and its exchange."""
    with Path(__file__).with_name("exchanges.csv").open(encoding="utf-8", newline="") as lines:
        return {row["ticker"]: _exchange(row) for row in csv.DictReader(lines)}


def exchange_of(ticker: str) -> Exchange:
    """The exchange that Yahoo names for a ticker spelled like this."""
    if ticker.endswith("=X"):
        return _CURRENCY
    if ticker.startswith("^"):
        return _INDEX
    if ticker.endswith(("-USD", "-EUR", "USDT", "USDC")):
        return _CRYPTO
    stem, _, suffix = ticker.rpartition(".")
    return examples().get(ticker) or (_by_suffix().get(suffix, _NASDAQ) if stem else _NASDAQ)


@cache
def _by_suffix() -> dict[str, Exchange]:
    return {ticker.rpartition(".")[2]: exchange for ticker, exchange in examples().items() if "." in ticker}


def _exchange(row: dict[str, str]) -> Exchange:
    return Exchange(
        code=row["code"],
        full_name=row["full_name"],
        timezone=row["timezone"],
        currency=row["currency"],
        instrument_type="FUTURE" if row["ticker"].endswith(("=F", ".CME", ".CMX", ".NYM", ".CBT")) else "EQUITY",
        delay_minutes=int(row["delay_minutes"]),
        reported_close=time.fromisoformat(row["reported_close"]) if row["reported_close"] else None,
        calendar=row["calendar"] or None,
        has_auction=row["has_auction"] == "yes",
    )
