"""What Yahoo says of a ticker's exchange: code, zone, currency, kind, delay. Written from recorded answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True)
class Exchange:
    """``reported_close`` is the session's end as Yahoo gives it, where that is not the last bar's own end."""

    code: str
    full_name: str
    timezone: str
    currency: str
    instrument_type: str = "EQUITY"
    delay_minutes: int = 0
    reported_close: time | None = None


_NASDAQ = Exchange("NMS", "NasdaqGS", "America/New_York", "USD")

_BY_SUFFIX = {
    "TW": Exchange("TAI", "Taiwan", "Asia/Taipei", "TWD", delay_minutes=20),
    "TWO": Exchange("TWO", "Taipei Exchange", "Asia/Taipei", "TWD", delay_minutes=20),
    "KS": Exchange("KSC", "KSE", "Asia/Seoul", "KRW", delay_minutes=20, reported_close=time(15, 0)),
    "KQ": Exchange("KOE", "KOSDAQ", "Asia/Seoul", "KRW", delay_minutes=20, reported_close=time(15, 0)),
    "HK": Exchange("HKG", "HKSE", "Asia/Hong_Kong", "HKD", delay_minutes=15),
    "T": Exchange("JPX", "Tokyo", "Asia/Tokyo", "JPY", delay_minutes=20),
    "L": Exchange("LSE", "LSE", "Europe/London", "GBp", delay_minutes=15),
    "DE": Exchange("GER", "XETRA", "Europe/Berlin", "EUR", delay_minutes=15),
    "PA": Exchange("PAR", "Paris", "Europe/Paris", "EUR", delay_minutes=15),
    "WA": Exchange("WSE", "Warsaw", "Europe/Warsaw", "PLN", delay_minutes=15),
}

_DAY_END = time(23, 59)
_CRYPTO = Exchange("CCC", "CCC", "UTC", "USD", "CRYPTOCURRENCY", reported_close=_DAY_END)
_CURRENCY = Exchange("CCY", "CCY", "Europe/London", "USD", "CURRENCY", reported_close=_DAY_END)
_INDEX = Exchange("SNP", "SNP", "America/New_York", "USD", "INDEX")


def exchange_of(ticker: str) -> Exchange:
    """The exchange that Yahoo names for a ticker spelled like this."""
    if ticker.endswith("=X"):
        return _CURRENCY
    if ticker.startswith("^"):
        return _INDEX
    if ticker.endswith(("-USD", "-EUR", "USDT", "USDC")):
        return _CRYPTO
    return _BY_SUFFIX.get(ticker.rpartition(".")[2], _NASDAQ)
