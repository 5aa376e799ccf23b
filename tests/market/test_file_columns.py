from __future__ import annotations

from pathlib import Path

import pytest

from include.errors import DataContractError
from include.market.file_columns import ChosenColumns, choose_columns, stated_zone
from include.market.file_text import TextFile
from tests.market.file_samples import write


def chosen(folder: Path, header: str, ticker: str = "AAPL") -> ChosenColumns:
    width = header.split("\n")[0].count(",") + 1
    return choose_columns(TextFile(write(folder, f"{header}\n{','.join(['1'] * width)}\n")), ticker)


@pytest.mark.parametrize(
    "header",
    [
        "ts,open,high,low,close,volume",
        "Datetime,Open,High,Low,Close,Volume",
        "DATE,OPEN,HIGH,LOW,CLOSE,VOL",
        "t,o,h,l,c,v",
        "Open time,Open,High,Low,Close,Volume",
        "timestamp,Open,High,Low,Close,Vol.",
        "unix,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        ",Open,High,Low,Close,Volume",
    ],
)
def test_common_names_are_known(tmp_path: Path, header: str) -> None:
    found = chosen(tmp_path, header)
    assert (found.times, list(found.prices.values()), found.volume) == ((0,), [1, 2, 3, 4], 5)


def test_the_order_of_columns_does_not_matter_and_others_are_named(tmp_path: Path) -> None:
    found = chosen(tmp_path, ",Volume,Close,Adj Close,Low,High,Open,Datetime,")
    assert (found.times, found.prices, found.volume) == ((7,), {"open": 6, "high": 5, "low": 4, "close": 2}, 1)
    assert found.ignored == ("Adj Close",)


def test_a_ticker_named_like_a_column_is_no_column(tmp_path: Path) -> None:
    header = "Ticker,LOW,LOW,LOW,LOW,T,T,T,T\nPrice,Open,High,Low,Close,Open,High,Low,Close\nDatetime,,,,,,,,"
    assert chosen(tmp_path, header, "LOW").prices == {"open": 1, "high": 2, "low": 3, "close": 4}
    assert chosen(tmp_path, header, "T").prices == {"open": 5, "high": 6, "low": 7, "close": 8}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("ts,open,high,low", "no column for close among ts, open, high, low; a file needs Datetime"),
        ("ts,open,high,low,Adj Close", "Adj Close is on another scale"),
        ("x,open,high,low,close", "no column of times among x, open"),
        ("ts,open,high,low,close,Close", "column 'close' and column 'Close' may both be the close; keep one"),
        ("unix,date,open,high,low,close", "column 'unix' and column 'date' may both be the time; keep one"),
        ("ts,open,high,low,close,vol,volume", "may both be the volume"),
        ("Price,Close,Open\nTicker,AAPL,AAPL\nDatetime,,", "no column for high, low among Datetime, Close, Open"),
        ("x,y", "no column for open, high, low, close among x, y; a file needs"),
    ],
)
def test_a_column_that_is_missing_or_there_twice_is_named(tmp_path: Path, header: str, reason: str) -> None:
    with pytest.raises(DataContractError) as caught:
        chosen(tmp_path, header)
    assert reason in str(caught.value)


def test_many_and_long_names_are_cut(tmp_path: Path) -> None:
    with pytest.raises(DataContractError) as caught:
        chosen(tmp_path, ",".join("x" * 100 for _ in range(100)))
    assert "and 92 more" in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("ts", "UTC"),
        ("Datetime (UTC)", "UTC"),
        ("Gmt time", "UTC"),
        ("Time (Europe/London)", "Europe/London"),
        ("Datetime", None),
        ("Date/Time", None),
        ("Time (Nowhere/Land)", None),
    ],
)
def test_a_zone_is_read_from_a_name(name: str, zone: str | None) -> None:
    assert stated_zone(name) == zone
