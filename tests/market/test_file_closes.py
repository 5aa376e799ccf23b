"""5-minute closes from files: their form, what is known at an instant, and files that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import BarRequest, TickerProfile
from include.market.extended_closes import CLOSE_COLUMNS
from include.market.extended_gate import reject_closes
from include.market.files import FilesSource
from include.market.source import ExtendedReport, ExtendedSource

AS_OF = datetime(2025, 5, 28, 12, 35, tzinfo=UTC)
"""08:35 in New York."""
SINCE = AS_OF - timedelta(hours=1)
RECORDED_DIR = Path(__file__).resolve().parents[3] / "shared" / "bars" / "extended5m" / "yahoo5m"


def profile(ticker: str = "AAPL") -> TickerProfile:
    return TickerProfile(ticker, "files", "XNYS", "America/New_York", None, None, feed_delay_minutes=2)


def rows(since: datetime = AS_OF - timedelta(hours=2), until: datetime = AS_OF + timedelta(hours=2)) -> pd.DataFrame:
    opened_at = pd.date_range(since, until, freq="5min")
    close = 100.0 + pd.Series(range(len(opened_at)), dtype="float64")
    prices = {"open": close, "high": close * 3, "low": close / 3, "close": close}
    return pd.DataFrame({"ts": opened_at, **prices, "volume": 0, "is_extended": True})


def write(folder: Path, frame: pd.DataFrame, name: str = "AAPL.parquet") -> None:
    path = folder / "extended5m" / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)


def fetch(folder: Path, ticker: str = "AAPL") -> ExtendedReport:
    return FilesSource(folder).fetch_extended([BarRequest(profile(ticker), SINCE)], AS_OF)


@pytest.mark.parametrize("name", ["AAPL.parquet", "AAPL.csv"])
def test_closes_are_those_that_were_known(name: str, tmp_path: Path) -> None:
    write(tmp_path, rows().sample(frac=1.0, random_state=3), name)
    source = FilesSource(tmp_path)
    assert isinstance(source, ExtendedSource)
    report = fetch(tmp_path)
    assert not report.failures
    assert not report.splits
    assert tuple(report.closes.columns) == CLOSE_COLUMNS
    assert report.closes["opened_at"].tolist() == list(pd.date_range(SINCE, AS_OF - timedelta(minutes=10), freq="5min"))
    assert report.closes["close"].tolist() == [float(112 + number) for number in range(11)]


def test_of_two_files_the_parquet_one_is_read_and_names_are_those_of_bars(tmp_path: Path) -> None:
    write(tmp_path, rows(), "IDX_GSPC.parquet")
    write(tmp_path, rows().assign(close=1.0), "IDX_GSPC.csv")
    assert fetch(tmp_path, "^GSPC").closes["close"].min() == 112.0


def test_a_ticker_without_a_file_has_no_closes_and_no_failure(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        report = fetch(folder)
        assert report.closes.empty
        assert not report.failures


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("AAPL.parquet", b"not a parquet file", "cannot be read as 5-minute bars"),
        ("AAPL.csv", b"", "cannot be read as 5-minute bars"),
        ("AAPL.csv", b"Datetime,Close\n2025-05-28T12:00:00Z,1.0\n", "it needs the columns ts"),
        ("AAPL.csv", b"ts,open,high,low,close,volume\nnoon,1,1,1,1,0\n", "it needs the columns ts"),
    ],
)
def test_a_file_that_cannot_be_read_is_its_tickers_failure(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    write(tmp_path, rows(), "MSFT.parquet")
    (tmp_path / "extended5m" / name).write_bytes(content)
    requests = [BarRequest(profile(ticker), SINCE) for ticker in ("AAPL", "MSFT")]
    report = FilesSource(tmp_path).fetch_extended(requests, AS_OF)
    assert [failure.ticker for failure in report.failures] == ["AAPL"]
    assert reason in report.failures[0].reason
    assert str(tmp_path / "extended5m" / name) in report.failures[0].reason
    assert not report.failures[0].is_retryable
    assert set(report.closes["ticker"]) == {"MSFT"}


@pytest.mark.skipif(not RECORDED_DIR.is_dir(), reason="recorded bars are not here")
def test_recorded_bars_pass_the_gate(tmp_path: Path) -> None:
    (tmp_path / "extended5m").symlink_to(RECORDED_DIR)
    as_of = datetime(2025, 9, 27, tzinfo=UTC)
    report = FilesSource(tmp_path).fetch_extended([BarRequest(profile("AMZN"), as_of - timedelta(days=60))], as_of)
    ended = report.closes["closed_at"].dt.tz_convert("America/New_York").dt.strftime("%H:%M") == "16:00"
    accepted, rejected = reject_closes(report.closes, (), {"AMZN": profile("AMZN")}, report.closes[ended], as_of)
    assert len(accepted) > 4000
    assert rejected.empty
