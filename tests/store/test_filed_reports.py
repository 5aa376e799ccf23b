"""Days and minutes of reports from filings: which filing is the report, and what was known when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from include.earnings import EarningsDate, ReportTiming
from include.errors import DataContractError
from include.store.earnings import known_earnings, save_earnings
from include.store.engine import Connection, execute, fetch_rows
from include.store.filed_reports import save_filed_reports
from include.store.filings import FilingRow, save_listed, save_version
from tests.store.test_earnings import run_hour
from tests.store.test_filings import FILING
from tests.support.rows import at, track

pytestmark = pytest.mark.integration

# at(0) is 10:00 in New York on 31 March 2025, a quarter's last day
NOW = at(24 * 60)
DAY = 24.0
ANNOUNCED = replace(
    FILING,
    tickers=("AAPL",),
    receipt="0000000001-25-000001",
    accepted_at=at(20 * DAY + 6.5),
    filed_on=date(2025, 4, 20),
)
QUARTERLY = replace(
    ANNOUNCED,
    receipt="0000000001-25-000002",
    form="10-Q",
    items=(),
    period_end=date(2025, 3, 31),
    accepted_at=at(21 * DAY),
)


def fetched(connection: Connection, *filings: FilingRow) -> None:
    track(connection, "AAPL")
    for filing in filings:
        save_version(connection, filing, filing.receipt.encode(), NOW)


def stored(connection: Connection) -> list[tuple[object, ...]]:
    rows = fetch_rows(
        connection,
        """
        select reported_on, timing, reported_at, known_at, is_confirmed, source from forecast.earnings_date order by 1
        """,
    )
    return [tuple(row.values()) for row in rows]


def days(connection: Connection) -> list[tuple[object, object]]:
    return [(row[0], row[1]) for row in stored(connection)]


def test_the_announcement_before_a_quarterly_report_is_the_report(connection: Connection) -> None:
    fetched(connection, ANNOUNCED, QUARTERLY)
    assert save_filed_reports(connection, NOW) == 1
    minute = ANNOUNCED.accepted_at
    assert stored(connection) == [(date(2025, 4, 20), "after_close", minute, minute, True, "edgar")]
    assert save_filed_reports(connection, NOW) == 0
    assert len(stored(connection)) == 1


def test_results_that_are_announced_in_advance_are_no_report(connection: Connection) -> None:
    early = replace(ANNOUNCED, receipt="0000000001-25-000003", accepted_at=at(5 * DAY))
    other = replace(ANNOUNCED, receipt="0000000001-25-000004", accepted_at=at(6 * DAY), items=("5.02",))
    fetched(connection, early, other, ANNOUNCED, QUARTERLY)
    save_filed_reports(connection, NOW)
    assert days(connection) == [(date(2025, 4, 20), "after_close")]


def test_a_quarterly_report_that_nothing_announced_is_the_report(connection: Connection) -> None:
    fetched(connection, replace(QUARTERLY, accepted_at=at(21 * DAY - 3)))
    save_filed_reports(connection, NOW)
    assert days(connection) == [(date(2025, 4, 21), "before_open")]


def test_the_newest_announcement_needs_no_quarterly_report(connection: Connection) -> None:
    fetched(connection, QUARTERLY, replace(ANNOUNCED, accepted_at=at(40 * DAY)))
    save_filed_reports(connection, NOW)
    assert days(connection) == [(date(2025, 4, 21), "unknown"), (date(2025, 5, 10), "unknown")]


@pytest.mark.parametrize(
    ("hours", "timing"),
    [(-0.51, "before_open"), (-0.5, "unknown"), (5.99, "unknown"), (6.0, "after_close")],
    ids=["before", "open", "last-minute", "close"],
)
def test_the_minute_gives_the_side_of_the_session(connection: Connection, hours: float, timing: str) -> None:
    fetched(connection, replace(ANNOUNCED, accepted_at=at(20 * DAY + hours)))
    save_filed_reports(connection, NOW)
    assert days(connection) == [(date(2025, 4, 20), timing)]


def test_nothing_that_was_accepted_later_is_stored(connection: Connection) -> None:
    fetched(connection, ANNOUNCED)
    assert save_filed_reports(connection, ANNOUNCED.accepted_at - timedelta(microseconds=1)) == 0
    assert save_filed_reports(connection, ANNOUNCED.accepted_at) == 1


def test_no_instant_whose_forecast_was_made_without_it_knows_it(connection: Connection) -> None:
    run_hour(connection, 21 * DAY)
    fetched(connection, ANNOUNCED)
    save_filed_reports(connection, NOW)
    since = date(2025, 1, 1)
    assert known_earnings(connection, ["AAPL"], at(21 * DAY), since) == {}
    assert len(known_earnings(connection, ["AAPL"], at(21 * DAY + 1), since)["AAPL"]) == 1


def test_a_list_alone_gives_no_minute(connection: Connection) -> None:
    track(connection, "AAPL")
    save_listed(connection, [ANNOUNCED])
    assert save_filed_reports(connection, NOW) == 0


@pytest.mark.parametrize(
    "change",
    ["timezone = 'Asia/Seoul'", "source = 'simulated'", "ticker = 'MSFT'"],
    ids=["abroad", "simulated", "other"],
)
def test_only_the_companys_ticker_in_new_york_has_the_day(connection: Connection, change: str) -> None:
    fetched(connection, ANNOUNCED)
    execute(connection, f"update forecast.ticker set {change}")
    assert save_filed_reports(connection, NOW) == 0


def test_a_filing_replaces_what_a_source_said_of_the_day_and_stays(connection: Connection) -> None:
    said = EarningsDate("AAPL", date(2025, 4, 20), ReportTiming.UNKNOWN, False, "yahoo", at(0))
    track(connection, "AAPL")
    save_earnings(connection, [said], {"AAPL": at(0)})
    fetched(connection, ANNOUNCED)
    save_filed_reports(connection, NOW)
    expected = [EarningsDate("AAPL", date(2025, 4, 20), ReportTiming.AFTER_CLOSE, True, "edgar", ANNOUNCED.accepted_at)]
    assert known_earnings(connection, ["AAPL"], NOW, date(2025, 1, 1)) == {"AAPL": expected}
    assert save_earnings(connection, [replace(said, known_at=NOW)], {"AAPL": NOW}) == 0
    assert known_earnings(connection, ["AAPL"], NOW, date(2025, 1, 1)) == {"AAPL": expected}
    assert save_filed_reports(connection, NOW) == 0


def test_a_naive_instant_is_refused(connection: Connection) -> None:
    with pytest.raises(DataContractError, match="as_of"):
        save_filed_reports(connection, datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None))
