"""Tickers of some exchanges, from the emulator to a forecast; the module by itself takes them all."""

import pytest

from include.market.exchanges import exchange_of, exchanges
from tests.yahoo.every_exchange import measure, tickers_by_exchange

NOT_REACHED = {"US over the counter", "Cboe indices"}
"""Their tickers are known by Yahoo's code alone, or are indices."""


def test_three_tickers_of_every_exchange_are_taken() -> None:
    groups = tickers_by_exchange()
    assert {exchange.name for exchange in exchanges() if exchange.calendars} - set(groups) == NOT_REACHED
    assert {name: len(tickers) for name, tickers in groups.items() if len(tickers) != 3} == {"Chicago's grains": 1}
    assert {exchange_of(ticker).name for tickers in groups.values() for ticker in tickers} == set(groups)


@pytest.mark.integration
def test_exchanges_with_other_weeks_pauses_and_ends_have_forecasts_and_no_gap() -> None:
    groups = tickers_by_exchange(["Riyadh", "Jakarta", "CME Group's futures"])
    findings = measure([tickers[0] for tickers in groups.values()])
    assert findings.is_good, findings
    assert set(findings.calendars.values()) == {"XSAU", "XIDX-unbroken", "CMES"}
