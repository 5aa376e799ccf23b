from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.market.file_samples import assert_same, canonical, clock_times, download, history, how, read, refusal

ROWS = canonical()
HISTORY = history(ROWS)
TWO = {"AAPL": HISTORY, "T": HISTORY * 2}


def without_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame as older versions of yfinance gave it: the header's rows have no names."""
    return frame.set_axis(frame.columns.set_names([None, None]), axis=1)


def plainly(frame: pd.DataFrame) -> pd.DataFrame:
    """What the canonical layout means, without the product's code."""
    times = pd.to_datetime(frame["ts"], utc=True).dt.as_unit("us")
    return pd.DataFrame({"opened_at": times, **{name: frame[name].astype("float64") for name in frame.columns[1:]}})


def test_the_canonical_layout_is_read_to_the_bit_and_without_a_word(tmp_path: Path) -> None:
    noisy = ROWS.assign(close=ROWS["close"] * np.pi, volume=ROWS["volume"].astype("int64"))
    unordered = pd.concat([noisy, noisy.iloc[3:5]]).iloc[::-1]
    for frame in (noisy, unordered, noisy.assign(ts=noisy["ts"].dt.tz_localize(None))):
        text = frame.to_csv(index=False)
        for content, expected in ((text, pd.read_csv(io.StringIO(text))), (frame, frame)):
            bars = read(tmp_path, content)
            assert bars.how is None
            in_order = plainly(expected).sort_values("opened_at", ignore_index=True)
            pd.testing.assert_frame_equal(bars.rows, in_order, check_exact=True)


def test_a_broken_price_in_the_canonical_layout_stays_for_the_gate(tmp_path: Path) -> None:
    text = ROWS.to_csv(index=False, lineterminator="\n")
    first, second, rest = text.split("\n", 2)
    bars = read(tmp_path, f"{first}\n{second.rsplit(',', 2)[0]},,5\n{rest}")
    assert bars.how is None
    assert np.isnan(bars.rows["close"].iloc[0])


@pytest.mark.parametrize(
    "content",
    [
        HISTORY.to_csv(),
        HISTORY.reset_index().to_csv(index=False),
        HISTORY.rename_axis(None).to_csv(),
        HISTORY,
        HISTORY.rename_axis(None),
        HISTORY.reset_index(),
        HISTORY.to_csv().encode("utf-16"),
        "\ufeff" + HISTORY.to_csv(lineterminator="\r\n"),
        HISTORY.to_csv(lineterminator="\r"),
        HISTORY.rename(columns=str.upper).to_csv(),
        HISTORY.assign(**{"Adj Close": HISTORY["Close"] / 2}).to_csv(),
    ],
    ids=[
        *(
            "history",
            "no index",
            "no name",
            "parquet",
            "parquet no name",
            "parquet no index",
            "utf-16",
            "bom crlf",
            "cr",
        ),
        *("capitals", "adj close"),
    ],
)
def test_what_yfinance_writes_is_read(tmp_path: Path, content: str | bytes | pd.DataFrame) -> None:
    assert_same(read(tmp_path, content), ROWS)


@pytest.mark.parametrize("group_by", ["column", "ticker"])
@pytest.mark.parametrize("tickers", [["AAPL"], ["AAPL", "T"], ["T", "AAPL", "LOW"]])
def test_a_download_with_header_rows_is_read(tmp_path: Path, group_by: str, tickers: list[str]) -> None:
    frame = download({ticker: HISTORY * (1 if ticker == "AAPL" else 2) for ticker in tickers}, group_by)
    older = without_names(frame)
    texts = [frame.to_csv(), frame.rename_axis(None).to_csv(), frame.reset_index().to_csv(), older.to_csv()]
    for content in (*texts, older.reset_index().to_csv(index=False), frame, frame.rename_axis(None)):
        bars = read(tmp_path, content)
        assert_same(bars, ROWS)
        assert "not read: Dividends, Stock Splits" in how(bars)


def test_hours_in_which_only_other_tickers_traded_are_left_out(tmp_path: Path) -> None:
    bars = read(tmp_path, download({"AAPL": HISTORY.iloc[10:], "T": HISTORY}).to_csv())
    assert_same(bars, ROWS.iloc[10:])
    assert "10 rows without a price left out" in how(bars)


def test_a_header_without_the_ticker_is_refused(tmp_path: Path) -> None:
    assert "the header names AAPL, T and not MSFT" in refusal(tmp_path, download(TWO).to_csv(), "MSFT")


def test_a_column_of_tickers_is_followed(tmp_path: Path) -> None:
    long = pd.concat([HISTORY.assign(Ticker=ticker) for ticker in ("AAPL", "T")]).sort_index(kind="stable").to_csv()
    bars = read(tmp_path, long)
    assert_same(bars, ROWS)
    assert f"{len(ROWS)} rows of other tickers left out" in how(bars)
    assert "column 'Ticker' holds AAPL, T and not MSFT" in refusal(tmp_path, long, "MSFT")


def test_a_file_without_volume_is_read_with_volume_unknown(tmp_path: Path) -> None:
    for content in (ROWS.drop(columns="volume").to_csv(index=False), HISTORY.drop(columns="Volume")):
        bars = read(tmp_path, content)
        assert_same(bars, ROWS.assign(volume=np.nan))
        assert "volume unknown" in how(bars)


def test_what_a_trading_platform_writes_is_read(tmp_path: Path) -> None:
    dates = ROWS["ts"].dt.tz_convert("America/New_York")
    parts = {"<DATE>": dates.dt.strftime("%Y.%m.%d"), "<TIME>": dates.dt.strftime("%H:%M:%S")}
    names = {name: f"<{name.upper()}>" for name in ROWS.columns}
    frame = ROWS.assign(**parts).drop(columns="ts").rename(columns=names)
    assert_same(read(tmp_path, frame.to_csv(index=False, sep="\t")), ROWS)
    compact = {name: values.str.replace(r"[.:]", "", regex=True) for name, values in parts.items()}
    assert_same(read(tmp_path, frame.assign(**compact).to_csv(index=False)), ROWS)


def test_a_spreadsheet_with_decimal_commas_is_read(tmp_path: Path) -> None:
    text = clock_times(ROWS, "UTC", "%d.%m.%Y %H:%M", "Date (UTC)").to_csv(index=False, sep=";", decimal=",")
    for content in (text, f"sep=;\n{text}", text.replace("\n", "\n;;;;;\n")):
        bars = read(tmp_path, content)
        assert_same(bars, ROWS)
        assert "decimal comma" in how(bars)
        assert "day first" in how(bars)


def test_one_sentence_says_how_a_file_was_read(tmp_path: Path) -> None:
    again = pd.concat([HISTORY.iloc[::-1], HISTORY.iloc[4:6]])
    assert how(read(tmp_path, again.to_csv())) == (
        f"{len(ROWS)} bars from the columns Datetime, Open, High, Low, Close, Volume; "
        "times with the UTC offset -04:00 or -05:00; not read: Dividends, Stock Splits; 2 repeated rows left out; "
        "sorted by time"
    )


def test_two_rows_of_one_time_that_differ_are_refused(tmp_path: Path) -> None:
    reason = refusal(tmp_path, pd.concat([HISTORY, HISTORY.iloc[4:5] * 2]).to_csv())
    assert f"line 6 and line {len(ROWS) + 2} are both of 2025-02-03 18:30 UTC" in reason


@pytest.mark.parametrize(
    ("every", "reason"),
    [("D", "one bar a day or fewer"), ("4h", "no two bars are closer than 4 hours"), ("15min", "15 minutes apart")],
)
def test_bars_of_another_length_are_refused(tmp_path: Path, every: str, reason: str) -> None:
    times = pd.date_range("2025-02-03", periods=len(ROWS), freq=every, tz="UTC")
    for frame in (ROWS.assign(ts=times), history(ROWS.assign(ts=times))):
        for content in (frame, frame.to_csv(index="ts" not in frame)):
            found = refusal(tmp_path, content)
            assert reason in found
            assert "hourly bars are needed" in found


def test_a_ticker_that_trades_now_and_then_is_read(tmp_path: Path) -> None:
    times = ROWS["ts"].iloc[[0, 9, 17, 24, 33, 41]]
    assert len(read(tmp_path, HISTORY.loc[HISTORY.index.isin(times)].to_csv()).rows) == 6


@pytest.mark.parametrize("content", [HISTORY.iloc[:0].to_csv(), ROWS.iloc[:0].to_csv(index=False), ROWS.iloc[:0]])
def test_a_file_with_only_a_header_is_refused(tmp_path: Path, content: str | pd.DataFrame) -> None:
    assert "a header and no rows" in refusal(tmp_path, content)


def test_a_file_without_any_price_is_refused(tmp_path: Path) -> None:
    assert "no row has a price" in refusal(tmp_path, (HISTORY * np.nan).to_csv())
