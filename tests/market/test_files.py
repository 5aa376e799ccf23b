from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import BarRequest, TickerFailure, TickerProfile
from include.market.files import FilesSource
from include.market.quality import reject_bars
from include.market.sessions import bar_grid

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
        ("X.csv", b"ts,open,high\n2025-05-28 13:30,1,1\n", "low, close, volume are missing"),
        ("X.csv", b"ts,open,high,low,close,volume\n2025-05-28 13:30,1,1,1,none,1\n", "X.csv"),
        ("X.csv", b"ts,open,high,low,close,volume\nyesterday,1,1,1,1,1\n", "yesterday"),
        ("X.csv", b"ts,open,high,low,close,volume\n1748439000,1,1,1,1,1\n", "ts holds numbers"),
        ("X.csv", b"ts,open,high,low,close,volume\n,1,1,1,1,1\n2025-05-28 13:30,1,1,1,1,1\n", "ts is empty"),
        ("X.csv", b"\xff\xfe\x00bad", "X.csv"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, file_name: str, content: bytes, reason: str) -> None:
    (tmp_path / file_name).write_bytes(content)
    found = failure(tmp_path, "X")
    assert not found.is_retryable
    assert reason in found.reason
    assert file_name in found.reason


def test_a_file_on_another_grid_is_refused_with_a_hint(tmp_path: Path) -> None:
    late = rows("XNYS")
    late.assign(ts=late["ts"] + pd.Timedelta(minutes=30)).to_parquet(tmp_path / "AAPL.parquet")
    assert "100% of the bars" in failure(tmp_path, "AAPL").reason


def test_a_suffix_without_known_hours_is_a_failure(tmp_path: Path) -> None:
    rows("XNYS").to_parquet(tmp_path / "AAPL.XY.parquet")
    assert not failure(tmp_path, "AAPL.XY").is_retryable


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
