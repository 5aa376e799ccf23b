"""The form of onboarding: how names are separated, and which forms are refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from include.errors import InvalidRequestError
from include.pipeline.onboarding_form import Request, split_names

AT = datetime(2025, 3, 31, 15, 35, tzinfo=UTC)


def request(**params: Any) -> Request:
    return Request.from_params("manual__1", AT, params)


@pytest.mark.parametrize(
    "texts",
    [
        ["AAPL", "BTC-USD"],
        ["AAPL BTC-USD"],
        ["AAPL, BTC-USD"],
        ["AAPL;BTC-USD\r\n"],
        ["", " AAPL ", "", ",BTC-USD,", " "],
    ],
    ids=["lines", "spaces", "commas", "semicolons", "blank lines"],
)
def test_names_are_separated_by_lines_spaces_commas_or_semicolons(texts: list[str]) -> None:
    assert split_names(texts) == ("AAPL", "BTC-USD")
    assert request(tickers=texts).tickers == ("AAPL", "BTC-USD")
    assert request(retire_tickers=texts).retire_tickers == ("AAPL", "BTC-USD")


def test_an_empty_field_is_no_field() -> None:
    filled = request(tickers=None, retire_tickers=None, source="automatic", rescale=["", "  "], as_of=None)
    assert filled == Request("manual__1", AT, (), (), None, None, is_retraining=False)


def test_a_decision_keeps_its_spaces() -> None:
    assert request(rescale=["ACME 2026-11-17T14:30Z move", ""]).decisions == ("ACME 2026-11-17T14:30Z move",)


def test_a_misspelt_parameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InvalidRequestError, match="'ticker' is not a parameter; did you mean 'tickers'"):
        request(ticker=["AAPL"])


def test_an_unknown_parameter_is_refused_with_all_names() -> None:
    with pytest.raises(InvalidRequestError, match="the parameters are tickers, retire_tickers, source"):
        request(colour="red")


@pytest.mark.parametrize("form", [{}, {"tickers": ["", " , "]}, {"retrain": True}], ids=["empty", "blank", "switch"])
def test_a_request_for_nothing_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="name at least one, for example AAPL"):
        request(**form).require_purpose()


def test_a_ticker_in_both_boxes_is_refused_however_it_is_written() -> None:
    with pytest.raises(InvalidRequestError, match=r"^AAPL: to track and to retire at once"):
        request(tickers=["aapl", "AAPL", "MSFT"], retire_tickers=["Aapl, SPY"]).require_purpose()


@pytest.mark.parametrize(
    "form",
    [{"tickers": ["AAPL"]}, {"retire_tickers": ["AAPL"]}, {"rescale": ["ACME 2026-11-17T14:30Z move"]}],
    ids=["track", "retire", "decide"],
)
def test_one_purpose_is_enough(form: dict[str, Any]) -> None:
    request(**form).require_purpose()
