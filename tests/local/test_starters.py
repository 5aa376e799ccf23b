"""Which tickers `make run` asks for."""

import pytest

from include.contracts import TickerStatus
from include.errors import InvalidRequestError
from include.local.starters import REAL_STARTERS, SIMULATED_STARTERS, choose_tickers, parse_tickers
from include.market.source import SIMULATED, normalise_ticker, source_of


def yes() -> bool:
    return True


def no() -> bool:
    return False


def must_not_be_asked() -> bool:
    pytest.fail("Yahoo was asked although no ticker needs it")


def test_words_are_split_normalised_and_kept_once_in_order() -> None:
    assert parse_tickers(" aapl, 2330.tw;BTC-USD\nAAPL ") == ("AAPL", "2330.TW", "BTC-USD")


def test_nothing_said_is_nothing_parsed() -> None:
    assert parse_tickers("  ") == ()


def test_a_word_that_cannot_be_a_ticker_is_refused_before_anything_starts() -> None:
    with pytest.raises(InvalidRequestError, match="cannot be a ticker"):
        parse_tickers("AAPL ../etc/passwd")


def test_a_fresh_installation_starts_with_real_tickers() -> None:
    choice = choose_tickers((), None, {}, yes)
    assert choice.tickers == REAL_STARTERS
    assert choice.note is None


def test_without_yahoo_it_goes_on_with_simulated_tickers_and_still_asks_for_the_real_ones() -> None:
    choice = choose_tickers((), None, {}, no)
    assert choice.tickers == (*REAL_STARTERS, *SIMULATED_STARTERS)
    assert choice.note is not None
    assert choice.note.count(".") == 1, "one sentence"
    assert "Yahoo cannot be reached" in choice.note
    assert "simulated" in choice.note


def test_named_tickers_replace_the_starters() -> None:
    assert choose_tickers(("AAPL", "2330.TW"), None, {}, yes).tickers == ("AAPL", "2330.TW")


def test_named_simulated_tickers_need_neither_yahoo_nor_stand_ins() -> None:
    assert choose_tickers(("X.SIM",), None, {}, must_not_be_asked).tickers == ("X.SIM",)


def test_a_named_simulated_ticker_is_stand_in_enough() -> None:
    choice = choose_tickers(("AAPL", "X.SIM"), None, {}, no)
    assert choice.tickers == ("AAPL", "X.SIM")
    assert choice.note is not None


def test_tickers_from_files_do_not_need_yahoo() -> None:
    assert choose_tickers(("AAPL",), "files", {}, must_not_be_asked).tickers == ("AAPL",)


def test_an_installation_that_forecasts_is_left_as_it_is() -> None:
    tracked = {"ALFA.SIM": TickerStatus.ACTIVE, "AAPL": TickerStatus.PENDING}
    assert choose_tickers((), None, tracked, must_not_be_asked).tickers == ()


def test_active_tickers_are_not_asked_for_again() -> None:
    tracked = {"AAPL": TickerStatus.ACTIVE, "MSFT": TickerStatus.FAILED}
    assert choose_tickers(("AAPL", "MSFT"), None, tracked, yes).tickers == ("MSFT",)


def test_a_half_onboarded_installation_is_taken_up_again() -> None:
    tracked = dict.fromkeys(SIMULATED_STARTERS, TickerStatus.TRAINING)
    assert set(SIMULATED_STARTERS) <= set(choose_tickers((), None, tracked, no).tickers)


def test_an_active_ticker_makes_stand_ins_needless() -> None:
    choice = choose_tickers(("AAPL",), None, {"MSFT": TickerStatus.ACTIVE}, no)
    assert choice.tickers == ("AAPL",)
    assert choice.note is not None
    assert choice.note.endswith("the others.")


def test_every_starter_is_a_ticker_of_its_source_and_something_trades_at_any_hour() -> None:
    assert all(normalise_ticker(ticker) == ticker for ticker in (*REAL_STARTERS, *SIMULATED_STARTERS))
    assert all(source_of(ticker, None) == SIMULATED for ticker in SIMULATED_STARTERS)
    assert any(ticker.endswith("-USD.SIM") for ticker in SIMULATED_STARTERS)
