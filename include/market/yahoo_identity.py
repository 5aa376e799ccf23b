"""Whether a response of Yahoo describes the ticker that was requested: its symbol, time zone and currency.

Where next: ``yahoo.py`` and ``yahoo_extended.py``, which refuse the others.
"""

from __future__ import annotations

from typing import Final

from include.contracts import TickerProfile
from include.errors import DataContractError, MarketUnavailableError
from include.market.units import unit_factor
from include.market.yahoo_client import Answer

REFUSED_AS: Final = {
    "symbol": "other_symbol",
    "exchangeTimezoneName": "other_timezone",
    "currency": "other_currency",
}
"""What a response says of its ticker and must say as before, and the reason under which its bars are refused."""


def expected_of(profile: TickerProfile, answer: Answer) -> dict[str, str | None]:
    """What an answer must say of the ticker, by the keys of ``REFUSED_AS``."""
    return {
        "symbol": profile.ticker,
        "exchangeTimezoneName": profile.timezone,
        "currency": _expected_currency(profile, answer),
    }


def require_same(name: str, expected: str | None, answer: Answer, ticker: str) -> None:
    """Refuses an answer whose description does not fit the ticker: its numbers are another's.

    Raises:
        MarketUnavailableError: Yahoo gave no description at all.
        DataContractError: it gave another one.
    """
    if answer.metadata["symbol"] is None:
        message = f"{ticker}: Yahoo answered with nothing."
        raise MarketUnavailableError(message)
    if answer.metadata[name] != expected:
        message = f"{ticker}: Yahoo's answer has {name} {answer.metadata[name]!r} where {expected!r} was expected."
        raise DataContractError(message)


def other_unit(profile: TickerProfile, answer: Answer) -> dict[str, str]:
    """The answer's currency by ticker if it is another unit of the profile's, such as pounds in place of pence."""
    given = answer.metadata["currency"]
    return {profile.ticker: given} if given is not None and unit_factor(profile.currency, given) else {}


def _expected_currency(profile: TickerProfile, answer: Answer) -> str | None:
    """The profile's currency; the answer's if that is another unit of it, or if the profile has none."""
    given = answer.metadata["currency"]
    return given if profile.currency is None or unit_factor(profile.currency, given) else profile.currency
