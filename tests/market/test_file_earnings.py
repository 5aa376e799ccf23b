"""Days of reports from a file: each row as it stands, and a bad row loses only itself."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.contracts import TickerProfile
from include.earnings import EarningsDate, ReportTiming
from include.market.files import FilesSource
from include.market.source import EarningsReport, EarningsSource

AS_OF = datetime(2026, 10, 14, 16, 5, tzinfo=UTC)
HEADER = "ticker,reported_on,timing"

Read = Callable[..., EarningsReport]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The reports of AAPL and MSFT by a file with these rows."""

    def of(*rows: str, header: str = HEADER) -> EarningsReport:
        path = tmp_path / "earnings.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return fetch(tmp_path)

    return of


def fetch(folder: Path) -> EarningsReport:
    source = FilesSource(folder)
    assert isinstance(source, EarningsSource)
    assert not source.is_earnings_costly
    profiles = [TickerProfile(t, "files", "XNYS", "America/New_York", None, None, 2) for t in ("AAPL", "MSFT")]
    return source.fetch_earnings(profiles, AS_OF)


def day(text: str, timing: ReportTiming, known_at: datetime, *, is_confirmed: bool = True) -> EarningsDate:
    return EarningsDate("AAPL", date.fromisoformat(text), timing, is_confirmed, "files", known_at)


def test_a_day_counts_as_known_two_weeks_before(read: Read) -> None:
    report = read("AAPL,2026-10-29,after_close", "AAPL,2026-07-30,before_open", "TSLA,2026-10-21,after_close")

    assert report.dates == (
        day("2026-10-29", ReportTiming.AFTER_CLOSE, datetime(2026, 10, 15, tzinfo=UTC)),
        day("2026-07-30", ReportTiming.BEFORE_OPEN, datetime(2026, 7, 16, tzinfo=UTC)),
    )
    assert (report.answered, report.failures, report.past_of) == ({"AAPL", "MSFT"}, (), {"AAPL", "MSFT"})


def test_a_file_may_say_when_a_day_became_known_and_that_it_is_an_estimate(read: Read) -> None:
    report = read(
        "aapl,2026-10-29,,2026-10-01T09:00-04:00,false",
        "AAPL,2026-10-29,AFTER_CLOSE,2026-10-08T09:00-04:00,",
        header=f"\ufeff{HEADER},known_at,is_confirmed",
    )

    assert report.dates == (
        day("2026-10-29", ReportTiming.UNKNOWN, datetime(2026, 10, 1, 13, tzinfo=UTC), is_confirmed=False),
        day("2026-10-29", ReportTiming.AFTER_CLOSE, datetime(2026, 10, 8, 13, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    ("row", "ticker", "reason"),
    [
        ("AAPL,29 October,after_close", "AAPL", "line 3: reported_on '29 October' is no day; correct the row"),
        ("AAPL,0001-01-01,after_close", "AAPL", "line 3: reported_on '0001-01-01' is not between 1900 and 2200"),
        ("AAPL,2026-10-29,at noon", "AAPL", "line 3: timing 'at noon' is none of before_open, after_close, unknown"),
        ("AAPL,2026-10-29,unknown,yesterday", "AAPL", "line 3: known_at 'yesterday' is no instant"),
        ("AAPL,2026-10-29,unknown,2026-10-01T09:00", "AAPL", "line 3: known_at=2026-10-01T09:00:00 has no time zone"),
        ("AAPL,2026-10-29,unknown,,perhaps", "AAPL", "line 3: is_confirmed 'perhaps' is neither true nor false"),
        ("AAPL", "AAPL", "line 3: reported_on '' is no day"),
        (",2026-10-29,unknown", "earnings.csv", "line 3: '' cannot be a ticker"),
    ],
    ids=["no day", "a day long past", "no side", "no instant", "no zone", "no flag", "too short", "no ticker"],
)
def test_a_bad_row_loses_only_itself(read: Read, row: str, ticker: str, reason: str) -> None:
    good = "AAPL,2026-07-30,before_open,,"
    report = read(good, row, good.replace("07-30", "04-30"), header=f"{HEADER},known_at,is_confirmed")

    assert [item.reported_on.month for item in report.dates] == [7, 4]
    ((failure,)) = report.failures
    assert (failure.ticker, failure.is_retryable) == (ticker, False)
    assert "earnings.csv, " + reason in failure.reason
    assert report.answered == {"AAPL", "MSFT"}


def test_a_bad_row_of_another_ticker_is_not_this_ones_matter(read: Read) -> None:
    assert read("TSLA,soon,after_close").failures == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"symbol,reported_on\nAAPL,2026-10-29\n", "its first line lacks ticker, timing"),
        (b"ticker,reported_on,timing\nAAPL,\xff\xfe,unknown\n", "it is no CSV file in UTF-8"),
        (b'ticker,reported_on,timing\n"AAPL,2026-10-29,unknown\n', "it is no CSV file in UTF-8"),
    ],
    ids=["empty", "other columns", "no text", "an open quote"],
)
def test_of_a_file_that_cannot_be_read_nothing_is_believed(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "earnings.csv").write_bytes(content)

    report = fetch(tmp_path)

    assert (report.dates, report.answered) == ((), frozenset())
    assert {failure.ticker for failure in report.failures} == {"AAPL", "MSFT"}
    assert all(reason in failure.reason and "earnings.csv" in failure.reason for failure in report.failures)


def test_without_a_file_nothing_is_said_of_any_ticker(tmp_path: Path) -> None:
    assert fetch(tmp_path) == EarningsReport(dates=(), answered=frozenset())
