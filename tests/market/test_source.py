from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS
from include.errors import InvalidRequestError
from include.market.source import join_bars, make_bars, normalise_ticker, source_of


@pytest.mark.parametrize(
    ("text", "ticker"),
    [(" aapl\n", "AAPL"), ("^gspc", "^GSPC"), ("eurusd=x", "EURUSD=X"), ("brk-b", "BRK-B"), ("m&m.ns", "M&M.NS")],
)
def test_a_ticker_is_trimmed_and_put_in_capitals(text: str, ticker: str) -> None:
    assert normalise_ticker(text) == ticker


@pytest.mark.parametrize(
    "text", ["", "  ", "A B", "../etc", "A/B", "A;B", "'", "A" * 25, ".SIM", "ÄPFEL", "^", "ß.SIM", "ﬁ"]
)
def test_what_cannot_be_a_ticker_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be a ticker"):
        normalise_ticker(text)


def test_a_ticker_belongs_to_the_source_that_was_asked_for_or_to_yahoo() -> None:
    assert source_of("AAPL", None) == "yahoo"
    assert source_of("AAPL", "") == "yahoo"
    assert source_of("AAPL", "files") == "files"
    assert source_of("ACME.SIM", None) == "simulated"
    assert source_of("ACME.SIM", "simulated") == "simulated"


@pytest.mark.parametrize(
    ("ticker", "requested"),
    [("ACME.SIM", "yahoo"), ("ACME.SIM", "files"), ("AAPL", "simulated"), ("AAPL", "bloomberg")],
)
def test_a_source_that_cannot_have_the_ticker_is_refused(ticker: str, requested: str) -> None:
    with pytest.raises(InvalidRequestError, match=requested):
        source_of(ticker, requested)


def raw_rows(opened: list[str], volume: list[float]) -> pd.DataFrame:
    prices = {name: [1.0] * len(opened) for name in ("open", "high", "low", "close")}
    return pd.DataFrame({"opened_at": pd.to_datetime(opened, utc=True), **prices, "volume": volume})


def test_raw_rows_become_a_bar_frame_in_order() -> None:
    bars = make_bars("AAPL", "XNYS", raw_rows(["2025-05-28 19:30", "2025-05-28 13:30"], [5, 7]))
    assert list(bars.columns) == list(BAR_COLUMNS)
    assert bars["volume"].tolist() == [7.0, 5.0]
    assert bars["closed_at"].tolist() == [
        pd.Timestamp("2025-05-28 14:30", tz="UTC"),
        pd.Timestamp("2025-05-28 20:00", tz="UTC"),
    ]
    assert bars["opened_at"].dtype == bars["closed_at"].dtype == "datetime64[us, UTC]"


def test_a_volume_that_cannot_be_is_unknown() -> None:
    opened = ["2025-05-28 13:30", "2025-05-28 14:30", "2025-05-28 15:30", "2025-05-28 16:30"]
    bars = make_bars("AAPL", "XNYS", raw_rows(opened, [0.0, -3.0, np.inf, 9.0]))
    assert bars["volume"].isna().tolist() == [True, True, True, False]


def test_a_stray_row_gets_an_hour_so_that_the_gate_can_name_it() -> None:
    bars = make_bars("AAPL", "XNYS", raw_rows(["2025-05-28 13:31"], [1.0]))
    assert bars["closed_at"].iloc[0] == pd.Timestamp("2025-05-28 14:31", tz="UTC")


def test_joined_bars_are_ordered_by_ticker_and_nothing_keeps_the_form() -> None:
    first = make_bars("B", "XNYS", raw_rows(["2025-05-28 13:30"], [1.0]))
    second = make_bars("A", "XNYS", raw_rows(["2025-05-28 14:30"], [1.0]))
    joined = join_bars([first, second])
    assert joined["ticker"].tolist() == ["A", "B"]
    nothing = join_bars([])
    assert nothing.dtypes.equals(joined.dtypes)
    assert make_bars("A", "XNYS", raw_rows([], [])).dtypes.equals(joined.dtypes)
