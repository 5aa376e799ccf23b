"""Tickers as companies of the SEC and of DART."""

import pytest

from include.errors import FilingsUnavailableError
from include.filings.companies import edgar_numbers, opendart_numbers
from tests.filings.dart_server import company_list

LISTING = {"0": {"cik_str": 320193, "ticker": "AAPL", "title": "Apple"}, "1": {"cik_str": 1067983, "ticker": "BRK-B"}}


def test_a_ticker_of_the_sec_has_a_number_of_ten_digits() -> None:
    assert edgar_numbers(LISTING, ["BRK-B", "NOVA.SIM", "AAPL"]) == {"AAPL": "0000320193", "BRK-B": "0001067983"}


@pytest.mark.parametrize("listing", [[], {"0": {}}, {"0": 1}], ids=["list", "no-ticker", "number"])
def test_a_list_of_another_form_is_tried_again(listing: object) -> None:
    with pytest.raises(FilingsUnavailableError, match="another form"):
        edgar_numbers(listing, ["AAPL"])


def test_korean_tickers_have_codes_and_the_list_is_read_only_for_them() -> None:
    loads: list[bytes] = []

    def load() -> bytes:
        loads.append(company_list({"005930": "00126380", "028260": "00149655"}))
        return loads[-1]

    assert opendart_numbers(load, ["AAPL", "005930"]) == {}
    assert loads == []
    assert opendart_numbers(load, ["005930.KS", "028260.KQ", "000000.KS"]) == {
        "005930.KS": "00126380",
        "028260.KQ": "00149655",
    }


@pytest.mark.parametrize("content", [b"PK", company_list({"005930": "1"})[:-30]], ids=["short", "cut"])
def test_a_damaged_list_of_companies_is_tried_again(content: bytes) -> None:
    with pytest.raises(FilingsUnavailableError, match="damaged"):
        opendart_numbers(lambda: content, ["005930.KS"])
