"""Which tickers `make run` onboards."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.contracts import TickerStatus
from include.errors import InvalidRequestError
from include.local.starters import REAL_STARTERS, SIMULATED_STARTERS, Request, choose_tickers, read_request
from include.market.source import SIMULATED, normalise_ticker, source_of


def yes() -> bool:
    return True


def no() -> bool:
    return False


def must_not_be_called() -> bool:
    pytest.fail("Yahoo was tried although no ticker needs it")


def test_words_are_split_normalised_and_kept_once_in_order() -> None:
    assert read_request(" aapl, 2330.tw;BTC-USD\nAAPL ") == Request(("AAPL", "2330.TW", "BTC-USD"))


def test_without_words_there_is_no_ticker_and_no_refusal() -> None:
    assert read_request("  ") == Request()


@pytest.mark.parametrize(
    "text", ["nope! AAPL", "AAPL nope!", "-usd aapl", "AAPL ../etc/passwd", "'AAPL' AAPL", "☂ AAPL"]
)
def test_a_word_that_is_no_ticker_is_refused_in_a_sentence_and_the_others_are_kept(text: str) -> None:
    request = read_request(text)
    assert request.tickers == ("AAPL",)
    assert len(request.refusals) == 1
    assert "is not a ticker; a ticker starts with a letter" in request.refusals[0]


def test_all_words_of_one_kind_share_a_sentence_which_stays_short() -> None:
    request = read_request("AAPL " + " ".join(f"!{n}" for n in range(50)) + " " + "?" * 5000)
    (refusal,) = request.refusals
    assert refusal.startswith("'!0', '!1', ")
    assert "and 43 more are not tickers; " in refusal
    assert len(read_request("AAPL " + "?" * 5000).refusals[0]) < 300


@pytest.mark.parametrize("text", ["-USD", "--help", "!", "$(reboot)", "\udcff", "A" * 25])
def test_where_no_word_is_a_ticker_the_request_ends_with_the_reason(text: str) -> None:
    with pytest.raises(
        InvalidRequestError, match="is not a ticker; a ticker starts with a letter, a digit or"
    ) as error:
        read_request(text)
    str(error.value).encode()  # can be printed, whatever was typed


def test_a_ticker_that_the_source_cannot_have_is_refused_and_the_others_are_kept() -> None:
    request = read_request("X.SIM AAPL Y.SIM", "files")
    assert request.tickers == ("AAPL",)
    assert request.refusals == (
        "X.SIM, Y.SIM cannot come from the source files; "
        "exactly the tickers that end in .SIM come from the source simulated.",
    )
    with pytest.raises(InvalidRequestError, match="AAPL cannot come from the source simulated"):
        read_request("AAPL", "simulated")


def test_the_source_is_read_in_any_case_and_an_unknown_one_is_refused_with_the_known_ones() -> None:
    assert read_request("ACME", " Files ").source == "files"
    with pytest.raises(
        InvalidRequestError, match="'bloomberg' is not a source; the sources are yahoo, files, simulated"
    ):
        read_request("", "bloomberg")


@given(st.text(), st.sampled_from(["", "yahoo", "files", "simulated"]))
def test_whatever_is_typed_gives_tickers_or_a_sentence(text: str, source: str) -> None:
    try:
        request = read_request(text, source)
    except InvalidRequestError as error:
        refusals = [str(error)]
    else:
        refusals = list(request.refusals)
        assert all(normalise_ticker(ticker) == ticker for ticker in request.tickers)
        assert bool(request.tickers) == bool(re.sub(r"[\s,;]", "", text))
    assert all(refusal.endswith(".") and "\n" not in refusal for refusal in refusals)


def test_a_fresh_installation_starts_with_real_tickers() -> None:
    choice = choose_tickers(Request(), {}, yes)
    assert choice.tickers == REAL_STARTERS
    assert choice.note is None


def test_a_fresh_installation_with_the_simulated_source_starts_with_simulated_tickers() -> None:
    choice = choose_tickers(Request(source=SIMULATED), {}, must_not_be_called)
    assert choice.tickers == SIMULATED_STARTERS


def test_without_yahoo_simulated_tickers_are_added_and_the_real_ones_onboarded_all_the_same() -> None:
    choice = choose_tickers(Request(), {}, no)
    assert choice.tickers == (*REAL_STARTERS, *SIMULATED_STARTERS)
    assert choice.note is not None
    assert choice.note.count(".") == 1, "one sentence"
    assert "Yahoo cannot be reached" in choice.note
    assert "simulated" in choice.note


def test_named_tickers_replace_the_starters() -> None:
    assert choose_tickers(Request(("AAPL", "2330.TW")), {}, yes).tickers == ("AAPL", "2330.TW")


def test_named_simulated_tickers_need_neither_yahoo_nor_other_simulated_ones() -> None:
    assert choose_tickers(Request(("X.SIM",)), {}, must_not_be_called).tickers == ("X.SIM",)


def test_a_named_simulated_ticker_is_enough_without_yahoo() -> None:
    choice = choose_tickers(Request(("AAPL", "X.SIM")), {}, no)
    assert choice.tickers == ("AAPL", "X.SIM")
    assert choice.note is not None


def test_tickers_from_files_do_not_need_yahoo() -> None:
    assert choose_tickers(Request(("AAPL",), "files"), {}, must_not_be_called).tickers == ("AAPL",)


def test_an_installation_that_forecasts_is_left_as_it_is() -> None:
    tracked = {"ALFA.SIM": TickerStatus.ACTIVE, "AAPL": TickerStatus.PENDING}
    assert choose_tickers(Request(), tracked, must_not_be_called).tickers == ()


def test_active_tickers_are_not_onboarded_again() -> None:
    tracked = {"AAPL": TickerStatus.ACTIVE, "MSFT": TickerStatus.FAILED}
    assert choose_tickers(Request(("AAPL", "MSFT")), tracked, yes).tickers == ("MSFT",)


def test_a_half_onboarded_installation_is_taken_up_again() -> None:
    tracked = dict.fromkeys(SIMULATED_STARTERS, TickerStatus.TRAINING)
    assert set(SIMULATED_STARTERS) <= set(choose_tickers(Request(), tracked, no).tickers)


def test_with_an_active_ticker_no_simulated_ones_are_added() -> None:
    choice = choose_tickers(Request(("AAPL",)), {"MSFT": TickerStatus.ACTIVE}, no)
    assert choice.tickers == ("AAPL",)
    assert choice.note is not None
    assert choice.note == "Yahoo cannot be reached, so AAPL stays pending until it can, and the others are forecast."


def test_every_starter_is_a_ticker_of_its_source_and_something_trades_at_any_hour() -> None:
    assert all(normalise_ticker(ticker) == ticker for ticker in (*REAL_STARTERS, *SIMULATED_STARTERS))
    assert all(source_of(ticker, None) == SIMULATED for ticker in SIMULATED_STARTERS)
    assert any(ticker.endswith("-USD.SIM") for ticker in SIMULATED_STARTERS)
