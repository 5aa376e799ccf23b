from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from include.errors import InvalidRequestError, SettingsError
from include.market.exchanges import Exchange, delay_of, exchange_of, exchanges, given_calendar, parse_calendars
from include.market.sessions import bar_grid, calendar_of
from tests.yahoo import exchanges as emulated

KNOWN = [exchange for exchange in exchanges() if exchange.calendars]
LISTED_BY_YAHOO = """
    AE AQ AS AT AX BA BD BE BK BM BO BR CA CBT CL CME CMX CN CO CR DE DU F HA HE HK HM IC IL IR IS JK JO KL KQ KS KW L
    LS MC MI MU MX NE NS NX NYM NZ OL PA PR PS QA RG RO SA SG SI SN SR SS ST SW SZ T TA TI TL TO TW TWO V VI VN VS WA
    XA XC XD
"""


@pytest.mark.parametrize("exchange", KNOWN, ids=lambda exchange: exchange.name)
def test_an_exchanges_first_and_last_bar_on_an_ordinary_day_are_those_of_its_row(exchange: Exchange) -> None:
    zone = ZoneInfo(exchange.timezone)
    midnight = datetime(2026, 10, 14, tzinfo=zone)
    bars = bar_grid(exchange.calendars[0], midnight - timedelta(hours=12), midnight + timedelta(hours=36))
    opened = bars.loc[bars["session_date"] == "2026-10-14", "opened_at"].dt.tz_convert(zone).dt.strftime("%H:%M")
    assert (opened.iloc[0], opened.iloc[-1]) == (exchange.first_bar, exchange.last_bar)


@pytest.mark.parametrize("suffix", LISTED_BY_YAHOO.split())
def test_every_suffix_that_yahoo_lists_has_a_calendar_and_an_example_in_the_emulator(suffix: str) -> None:
    exchange = exchange_of(f"ABC.{suffix}")
    assert suffix in exchange.suffixes
    assert emulated.exchange_of(f"ABC.{suffix}").full_name != "NasdaqGS"


def test_no_suffix_ticker_or_code_stands_in_two_rows() -> None:
    for names in ("suffixes", "tickers", "codes"):
        counts = Counter(name for exchange in exchanges() for name in getattr(exchange, names))
        assert [name for name, count in counts.items() if count > 1] == []


def test_yahoos_code_comes_before_the_spelling_and_the_ticker_before_the_code() -> None:
    assert exchange_of("ABC", "TOR").name == "Toronto"
    assert exchange_of("ABC.TO", "NOPE").name == "Toronto"
    assert exchange_of("ZC=F", "CBT").name == "Chicago's grains"
    assert exchange_of("ZB=F", "CBT").name == "CME Group's futures"
    assert exchange_of("^NSEI", None).name == "Mumbai"


@pytest.mark.parametrize(("ticker", "key"), [("ABC.XY", ".XY"), ("KC=F", "=F"), ("CC=F", "=F")])
def test_unknown_hours_are_refused_with_the_setting_that_gives_them(ticker: str, key: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{ticker}: .*HOURCAST_SUFFIX_CALENDARS, as in .*{key}=XNYS"):
        exchange_of(ticker)


def test_calendars_can_be_given_to_suffixes_and_to_tickers() -> None:
    given = parse_calendars(" .XY=XNYS, KC=F=IEPA ,.TW=XHKG,")
    assert given == {".XY": "XNYS", "KC=F": "IEPA", ".TW": "XHKG"}
    assert given_calendar("ABC.XY", given) == "XNYS"
    assert given_calendar("KC=F", given) == "IEPA"
    assert given_calendar("CC=F", given) is None
    assert calendar_of("2330.TW", given) == "XHKG"
    assert calendar_of("2330.TW") == "XTAI"
    assert parse_calendars(None) == {}


@pytest.mark.parametrize("text", [".XY", ".XY=", "=XNYS", ".XY=XNYS,.ZZ"])
def test_a_given_calendar_without_its_form_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"not of the form \.XX=XNYS"):
        parse_calendars(text)


def test_a_calendar_of_no_row_waits_as_long_as_most_exchanges() -> None:
    assert (delay_of("XNYS"), delay_of("XBUD"), delay_of("XLJU")) == (2, 35, 20)


@pytest.mark.parametrize("ticker", ["T", "F", "V", "L", "MC", "CME", "HE"])
def test_a_ticker_that_is_spelled_like_a_suffix_trades_in_new_york(ticker: str) -> None:
    assert exchange_of(ticker).calendars == ("XNYS",)
    assert emulated.exchange_of(ticker).timezone == "America/New_York"


def test_an_index_with_a_suffix_trades_where_the_suffix_says() -> None:
    assert exchange_of("^J203.JO") == exchange_of("ABC.JO")
