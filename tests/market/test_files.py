from __future__ import annotations

import io
import logging
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import BAR_COLUMNS, BarRequest, TickerFailure, TickerProfile
from include.market import files
from include.market.files import FilesSource
from include.market.quality import reject_bars
from include.market.sessions import bar_grid
from include.market.sources import open_sources
from include.settings import MarketSettings
from tests.market.file_samples import canonical, download, history

START = datetime(2025, 5, 1, tzinfo=UTC)
AS_OF = datetime(2025, 5, 28, 18, 35, tzinfo=UTC)
END = datetime(2025, 6, 5, tzinfo=UTC)
RECORDED_DIR = Path(__file__).resolve().parents[3] / "shared" / "bars" / "hourly"


def rows(calendar: str) -> pd.DataFrame:
    """A vendor's rows over all bars of a calendar from START to END, past AS_OF."""
    opened_at = bar_grid(calendar, START, END)["opened_at"]
    close = 100.0 + pd.Series(range(len(opened_at)), dtype="float64")
    return pd.DataFrame(
        {"ts": opened_at, "open": close - 0.5, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    )


def describe(folder: Path, ticker: str, as_of: datetime = AS_OF) -> TickerProfile:
    profiles, failures = FilesSource(folder).describe([ticker], as_of)
    assert failures == []
    return profiles[ticker]


def failure(folder: Path, ticker: str, as_of: datetime = AS_OF) -> TickerFailure:
    profiles, failures = FilesSource(folder).describe([ticker], as_of)
    assert profiles == {}
    return failures[0]


@pytest.mark.parametrize(
    ("ticker", "file_name", "calendar"),
    [
        ("AAPL", "AAPL.parquet", "XNYS"),
        ("^GSPC", "IDX_GSPC.parquet", "XNYS"),
        ("EURUSD=X", "EURUSD_X.parquet", "FX"),
        ("2330.TW", "2330.TW.parquet", "XTAI"),
        ("BTC-USD", "BTC-USD.parquet", "24/7"),
    ],
)
def test_a_ticker_is_found_under_its_files_name(tmp_path: Path, ticker: str, file_name: str, calendar: str) -> None:
    rows(calendar).to_parquet(tmp_path / file_name)
    profile = describe(tmp_path, ticker)
    assert (profile.source, profile.calendar) == ("files", calendar)


def test_hours_in_the_file_win_over_the_spelling(tmp_path: Path) -> None:
    rows("24/7").to_parquet(tmp_path / "MYCOIN.parquet")
    rows("FX").to_parquet(tmp_path / "GOLD.XY.parquet")
    assert describe(tmp_path, "MYCOIN").calendar == "24/7"
    assert describe(tmp_path, "GOLD.XY").calendar == "FX"


def test_hours_after_as_of_do_not_tell_the_calendar(tmp_path: Path) -> None:
    known, later = rows("XNYS"), rows("24/7")
    both = pd.concat([known[known["ts"] < AS_OF], later[later["ts"] >= AS_OF]])
    both.to_parquet(tmp_path / "ABC.parquet")
    assert describe(tmp_path, "ABC").calendar == "XNYS"


def test_only_bars_known_at_as_of_are_handed_over(tmp_path: Path) -> None:
    rows("XNYS").to_parquet(tmp_path / "AAPL.parquet")
    source, profile = FilesSource(tmp_path), describe(tmp_path, "AAPL")
    since = datetime(2025, 5, 27, tzinfo=UTC)
    bars = source.fetch_bars([BarRequest(profile, since)], AS_OF).bars
    assert bars["opened_at"].iloc[0] == pd.Timestamp("2025-05-27 13:30", tz="UTC")
    assert bars["closed_at"].iloc[-1] == pd.Timestamp("2025-05-28 18:30", tz="UTC")
    one_minute_early = source.fetch_bars([BarRequest(profile, since)], AS_OF.replace(minute=31)).bars
    assert one_minute_early["closed_at"].iloc[-1] == pd.Timestamp("2025-05-28 17:30", tz="UTC")


def test_csv_and_parquet_give_the_same_bars(tmp_path: Path) -> None:
    rows("XNYS").to_parquet(tmp_path / "A.parquet")
    rows("XNYS").to_csv(tmp_path / "B.csv", index=False)
    rows("XNYS").assign(ts=lambda frame: frame["ts"].dt.strftime("%Y-%m-%d %H:%M")).to_csv(tmp_path / "C.csv")
    requests = [BarRequest(describe(tmp_path, ticker), START) for ticker in ("C", "B", "A")]
    bars = FilesSource(tmp_path).fetch_bars(requests, AS_OF).bars
    first, second, third = (part.drop(columns="ticker").reset_index(drop=True) for _, part in bars.groupby("ticker"))
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(first, third)
    assert bars["ticker"].is_monotonic_increasing


def test_zero_volume_is_unknown(tmp_path: Path) -> None:
    rows("XNYS").assign(volume=0).to_parquet(tmp_path / "AAPL.parquet")
    request = BarRequest(describe(tmp_path, "AAPL"), START)
    assert FilesSource(tmp_path).fetch_bars([request], AS_OF).bars["volume"].isna().all()


def test_an_unknown_ticker_is_a_failure_that_retrying_does_not_heal(tmp_path: Path) -> None:
    found = failure(tmp_path, "AAPL")
    assert not found.is_retryable
    assert "AAPL.parquet" in found.reason


def test_a_missing_folder_is_a_failure_that_may_heal(tmp_path: Path) -> None:
    found = failure(tmp_path / "gone", "AAPL")
    assert found.is_retryable
    assert "HOURCAST_BARS_DIR" in found.reason


def test_a_file_that_starts_after_as_of_may_be_asked_again_later(tmp_path: Path) -> None:
    rows("XNYS").to_parquet(tmp_path / "AAPL.parquet")
    found = failure(tmp_path, "AAPL", datetime(2025, 4, 1, tzinfo=UTC))
    assert found.is_retryable
    assert "no bar before" in found.reason


@pytest.mark.parametrize(
    ("file_name", "content", "reason"),
    [
        ("X.parquet", b"not a parquet file", "X.parquet"),
        ("X.parquet", b"", "X.parquet"),
        ("X.csv", b"", "X.csv"),
        ("X.csv", b"ts,open,high\n2025-05-28 13:30,1,1\n", "no column for low, close"),
        ("X.csv", b"ts,open,high,low,close,volume\n2025-05-28 13:30,1,1,1,none,1\n", "column 'close', line 2: 'none'"),
        ("X.csv", b"ts,open,high,low,close,volume\nyesterday,1,1,1,1,1\n", "column 'ts', line 2: 'yesterday'"),
        ("X.csv", b"ts,open,high,low,close,volume\n1748,1,1,1,1,1\n", "column 'ts', line 2: '1748'"),
        (
            "X.csv",
            b"ts,open,high,low,close,volume\n,1,1,1,1,1\n2025-05-28 13:30,1,1,1,1,1\n",
            "'ts' is empty on line 2",
        ),
        ("X.csv", b"\xff\xfe\x00bad", "no header of columns"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, file_name: str, content: bytes, reason: str) -> None:
    (tmp_path / file_name).write_bytes(content)
    found = failure(tmp_path, "X")
    assert not found.is_retryable
    assert reason in found.reason
    assert file_name in found.reason


def test_how_a_foreign_layout_was_read_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="include.market.files")
    rows("XNYS").to_parquet(tmp_path / "A.parquet")
    rows("XNYS").drop(columns="volume").to_parquet(tmp_path / "B.parquet")
    source = FilesSource(tmp_path)
    profiles, _ = source.describe(["A", "B"], AS_OF)
    source.fetch_bars([BarRequest(profile, START) for profile in profiles.values()], AS_OF)
    assert len(caplog.messages) == 1
    assert "B.parquet: read " in caplog.messages[0]
    assert "volume unknown" in caplog.messages[0]


def test_a_file_on_another_grid_is_refused_with_a_hint(tmp_path: Path) -> None:
    late = rows("XNYS")
    late.assign(ts=late["ts"] + pd.Timedelta(minutes=30)).to_parquet(tmp_path / "AAPL.parquet")
    assert "100% of the bars" in failure(tmp_path, "AAPL").reason


@pytest.mark.parametrize(("ticker", "calendar"), [("AAPL", "XNYS"), ("BARC.L", "XLON"), ("CDR.WA", "XWAR")])
def test_closing_times_are_refused_though_most_open_some_bar(tmp_path: Path, ticker: str, calendar: str) -> None:
    grid = bar_grid(calendar, START, END)
    rows(calendar).assign(ts=grid["closed_at"]).to_parquet(tmp_path / f"{ticker}.parquet")
    assert "are closings of the bars" in failure(tmp_path, ticker).reason


def test_sessions_without_their_first_bar_are_described(tmp_path: Path) -> None:
    frame = rows("XNYS")
    frame[frame["ts"].dt.hour > 13].to_parquet(tmp_path / "AAPL.parquet")
    assert describe(tmp_path, "AAPL").calendar == "XNYS"


def test_an_error_that_a_library_raises_is_one_tickers_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(path: Path, ticker: str) -> None:
        raise pa.ArrowNotImplementedError("no such cast")

    rows("XNYS").to_parquet(tmp_path / "AAPL.parquet")
    monkeypatch.setattr(files, "read_bars", break_off)
    found = failure(tmp_path, "AAPL")
    assert "(ArrowNotImplementedError: no such cast); write the file again" in found.reason
    assert not found.is_retryable


def test_a_suffix_without_known_hours_is_a_failure(tmp_path: Path) -> None:
    rows("XNYS").to_parquet(tmp_path / "AAPL.XY.parquet")
    assert not failure(tmp_path, "AAPL.XY").is_retryable


def test_a_setting_gives_a_suffix_or_a_ticker_its_calendar(tmp_path: Path) -> None:
    for ticker, calendar in (("AAPL.XY", "XNYS"), ("VOD.XY", "XLON"), ("COIN.XY", "24/7")):
        rows(calendar).to_parquet(tmp_path / f"{ticker}.parquet")
    chosen = MarketSettings(cache_dir=tmp_path, bars_dir=tmp_path, suffix_calendars=".XY=XNYS,VOD.XY=XLON,COIN.XY=24/7")
    profiles, failures = open_sources(chosen)["files"].describe(["AAPL.XY", "VOD.XY", "COIN.XY"], AS_OF)
    assert failures == []
    assert {ticker: profile.calendar for ticker, profile in profiles.items()} == {
        "AAPL.XY": "XNYS",
        "VOD.XY": "XLON",
        "COIN.XY": "24/7",
    }


def test_a_calendar_of_a_setting_that_does_not_exist_is_the_tickers_failure(tmp_path: Path) -> None:
    rows("XNYS").to_parquet(tmp_path / "AAPL.XY.parquet")
    profiles, failures = FilesSource(tmp_path, {".XY": "MOON"}).describe(["AAPL.XY"], AS_OF)
    assert profiles == {}
    assert "MOON" in failures[0].reason


def test_one_broken_file_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    for ticker in ("A", "B", "C"):
        rows("XNYS").to_parquet(tmp_path / f"{ticker}.parquet")
    source = FilesSource(tmp_path)
    profiles, _ = source.describe(["A", "B", "C"], AS_OF)
    (tmp_path / "B.parquet").write_bytes(b"torn")
    report = source.fetch_bars([BarRequest(profile, START) for profile in profiles.values()], AS_OF)
    assert set(report.bars["ticker"]) == {"A", "C"}
    assert [found.ticker for found in report.failures] == ["B"]


@pytest.mark.skipif(not RECORDED_DIR.is_dir(), reason="the recorded bars are not beside the project")
def test_all_recorded_files_are_described_and_almost_all_their_bars_accepted() -> None:
    source = FilesSource(RECORDED_DIR)
    tickers = [path.stem.replace("IDX_", "^").replace("_X", "=X") for path in sorted(RECORDED_DIR.glob("*.parquet"))]
    profiles, failures = source.describe(tickers, AS_OF)
    assert failures == []
    report = source.fetch_bars([BarRequest(profile, START) for profile in profiles.values()], AS_OF)
    accepted, rejected = reject_bars(report.bars, profiles, AS_OF)
    assert set(accepted["ticker"]) == set(tickers)
    assert set(rejected["ticker"]) == {"EURUSD=X"}  # Friday's flat stubs
    assert set(rejected["reason"]) == {"off_grid"}


# Fuzzing: whatever is in a file, a ticker gets bars that keep the contract or one sentence.

FUZZ = settings(deadline=None, max_examples=50)
PROFILE = TickerProfile("AAPL", "files", "XNYS", "America/New_York", None, None, 2)
SHORT = history(canonical().iloc[:30])
WRITTEN = (
    SHORT.to_csv(),
    canonical().iloc[:30].to_csv(index=False),
    download({"AAPL": SHORT, "T": SHORT}).to_csv(sep=";", decimal=","),
)
VALUES = st.sampled_from(
    [
        *("", "1", "1.5", "1,5", "1,234", "1.234", "1.234,5", "-3", "1e9", "1e999", "nan", "inf", "-", "x", '"', "NaT"),
        *("2025-05-28 13:30", "2025-05-28T13:30:00Z", "28/05/2025 09:30", "5/28/2025 9:30 AM", "20250528", "153000"),
        *("1748439000", "1748439000000", "9" * 20, "0001-01-01 00:00Z", "2025-02-30 13:30Z", "2025-11-02 01:30"),
        *("9999-12-31 23:59:59-14:00", "2025-05-28 13:30 +99:99", "Datetime", "AAPL", "Close", "\u00a0"),
    ]
) | st.text(max_size=6)
HEADERS = st.sampled_from(
    [
        "ts,open,high,low,close,volume",
        "Date,Time,Open,High,Low,Close",
        "t,o,h,l,c,v",
        "Time (Europe/London),Open,High,Low,Close,Ticker",
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def assert_bars_or_a_sentence(folder: Path, name: str, content: bytes) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / name).write_bytes(content)
    source = FilesSource(folder)
    profiles, failures = source.describe(["AAPL"], AS_OF)
    assert [len(failure.reason) > 20 for failure in failures] == [True] * (1 - len(profiles))
    profile = profiles.get("AAPL", PROFILE)
    bars = source.fetch_bars([BarRequest(profile, datetime(2015, 1, 1, tzinfo=UTC))], AS_OF).bars
    assert tuple(bars.columns) == BAR_COLUMNS
    assert str(bars["opened_at"].dtype) == "datetime64[us, UTC]"
    assert bars["opened_at"].is_monotonic_increasing
    assert (bars["volume"].isna() | (bars["volume"] > 0)).all()
    accepted, rejected = reject_bars(bars, {"AAPL": profile}, AS_OF)
    assert len(accepted) + len(rejected) == len(bars)


@FUZZ
@given(content=st.binary(max_size=200), name=st.sampled_from(["AAPL.csv", "AAPL.parquet"]), is_marked=st.booleans())
def test_any_bytes_give_bars_or_a_sentence(folder: Path, content: bytes, name: str, is_marked: bool) -> None:
    assert_bars_or_a_sentence(folder, name, b"PAR1" + content + b"PAR1" if is_marked else content)


@FUZZ
@given(
    header=HEADERS,
    rows=st.lists(st.lists(VALUES, min_size=6, max_size=6), max_size=4),
    delimiter=st.sampled_from(",;\t"),
)
def test_any_table_gives_bars_or_a_sentence(folder: Path, header: str, rows: list[list[str]], delimiter: str) -> None:
    lines = [header.replace(",", delimiter), *(delimiter.join(cells) for cells in rows)]
    assert_bars_or_a_sentence(folder, "AAPL.csv", "\n".join(lines).encode("utf-8", "replace"))


@FUZZ
@given(
    text=st.sampled_from(WRITTEN),
    edits=st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 9), st.text('0123456789.,;\n\r\t -+:/"aNZT', max_size=4)),
        min_size=1,
        max_size=3,
    ),
)
def test_any_damage_to_csv_gives_bars_or_a_sentence(folder: Path, text: str, edits: list[tuple[int, int, str]]) -> None:
    for place, length, inserted in edits:
        text = text[:place] + inserted + text[place + length :]
    assert_bars_or_a_sentence(folder, "AAPL.csv", text.encode())


@FUZZ
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=3))
def test_any_damage_to_parquet_gives_bars_or_a_sentence(folder: Path, edits: list[tuple[float, bytes]]) -> None:
    stream = io.BytesIO()
    SHORT.to_parquet(stream, compression=None)
    content = bytearray(stream.getvalue())
    for share, inserted in edits:
        place = int(share * (len(content) - 1))
        content[place : place + len(inserted)] = inserted
    assert_bars_or_a_sentence(folder, "AAPL.parquet", bytes(content))


COLUMNS = st.sampled_from(
    [
        *(pa.array([1, 2], kind) for kind in (pa.int8(), pa.uint64(), pa.float16(), pa.duration("us"), pa.date32())),
        *(
            pa.array([1_748_439_000, 2**40], kind)
            for kind in (pa.int64(), pa.timestamp("ms"), pa.timestamp("s", "UTC"))
        ),
        *(pa.array([text, None]) for text in ("", "1.5", "1,5", "2025-05-28 13:30", "2025-05-28T13:30Z")),
        *(pa.array([1.0, value]) for value in (2.0, np.nan, np.inf, 1e300)),
        *(
            pa.nulls(2),
            pa.array([True, None]),
            pa.array([b"1", b"\xff"]),
            pa.array([[1.0], None]),
            pa.array([{"x": 1}] * 2),
        ),
        *(pa.array(["1", "2"]).dictionary_encode(), pa.array([Decimal("1.5"), None]), pa.array([time(9), None])),
    ]
)


@FUZZ
@given(times=COLUMNS, prices=st.lists(COLUMNS, min_size=5, max_size=5), is_plain=st.booleans())
def test_any_types_in_parquet_give_bars_or_a_sentence(
    folder: Path, times: pa.Array, prices: list[pa.Array], is_plain: bool
) -> None:
    numbers = [pa.array([1.0, 2.0])] * 4 + prices[:1] if is_plain else prices
    stream = io.BytesIO()
    names = ["ts", "open", "high", "low", "close", "volume"]
    pq.write_table(pa.table([times, *numbers], names=names), stream)
    assert_bars_or_a_sentence(folder, "AAPL.parquet", stream.getvalue())
