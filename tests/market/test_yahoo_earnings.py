"""Days of reports from Yahoo, through the real client: what is believed of them, and what a fault costs."""

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta

import pytest

from include.earnings import EarningsDate, ReportTiming
from include.market.source import EarningsReport, EarningsSource
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from tests.yahoo.fixtures import CLOCK, StartEmulator
from tests.yahoo.reports import NEW_YORK, Reports
from tests.yahoo.server import YahooEmulator
from tests.yahoo.sources import profile_of, request_of

OpenSource = Callable[..., YahooSource]

THURSDAY = date(2026, 10, 29)


def new_york(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


APPLE = Reports(
    coming=[new_york(THURSDAY, 16, 30)],
    past=[
        new_york(date(2026, 7, 30), 16),
        new_york(date(2026, 4, 30), 7),
        new_york(date(2026, 1, 29), 0),
        new_york(date(2025, 10, 30), 11),
    ],
)


@pytest.fixture
def yahoo(start_emulator: StartEmulator) -> YahooEmulator:
    emulator = start_emulator()
    emulator.reports["AAPL"] = APPLE
    return emulator


def fetch(
    source: YahooSource, *tickers: str, as_of: datetime = CLOCK, with_past: Collection[str] = ()
) -> EarningsReport:
    return source.fetch_earnings([profile_of(ticker) for ticker in tickers or ("AAPL",)], as_of, with_past)


def coming(reported_on: date, known_at: datetime = CLOCK, *, is_confirmed: bool = True) -> EarningsDate:
    return EarningsDate("AAPL", reported_on, ReportTiming.UNKNOWN, is_confirmed, "yahoo", known_at)


def test_the_next_report_is_a_day_without_a_side_and_costs_one_request(
    yahoo: YahooEmulator, open_source: OpenSource
) -> None:
    source = open_source()
    report = fetch(source)

    assert isinstance(source, EarningsSource)
    assert source.is_earnings_costly
    assert report.dates == (coming(THURSDAY),)
    assert (report.answered, report.failures, report.without_reports) == ({"AAPL"}, (), frozenset())
    assert report.made_at == {"AAPL": CLOCK}
    counts = yahoo.counts()
    assert (counts["calendar"], counts["earnings"], counts["chart"]) == (1, 0, 0)


def test_an_estimate_is_no_confirmed_day(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.reports["AAPL"] = Reports(coming=APPLE.coming, is_estimate=True)

    assert fetch(open_source()).dates == (coming(THURSDAY, is_confirmed=False),)


def test_a_range_is_each_of_its_days_and_never_confirmed(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.reports["AAPL"] = Reports(coming=[new_york(THURSDAY, 16), new_york(date(2026, 11, 2), 16)])

    days = [THURSDAY + timedelta(days=number) for number in range(5)]
    assert fetch(open_source()).dates == tuple(coming(day, is_confirmed=False) for day in days)
    yahoo.reports["AAPL"] = Reports(coming=[new_york(THURSDAY, 16), new_york(date(2026, 12, 2), 16)])
    assert fetch(open_source()).dates == ()


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 10, 29, 0, tzinfo=UTC),
        datetime(2026, 10, 29, 4, tzinfo=UTC),
        datetime(2026, 10, 30, 1, 30, tzinfo=UTC),
    ],
    ids=["midnight of UTC", "midnight of New York", "the evening in New York"],
)
def test_the_day_is_new_yorks_whatever_the_minute_and_this_machines_zone(
    yahoo: YahooEmulator, open_source: OpenSource, at: datetime
) -> None:
    yahoo.reports["AAPL"] = Reports(coming=[at])

    assert [item.reported_on for item in fetch(open_source()).dates] == [THURSDAY]


def test_a_date_that_moved_is_the_new_one(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    source = open_source()
    fetch(source)
    yahoo.reports["AAPL"] = Reports(coming=[new_york(date(2026, 11, 3), 8)])

    assert [item.reported_on for item in fetch(source).dates] == [date(2026, 11, 3)]


@pytest.mark.parametrize(
    "instants",
    [[], [new_york(date(2026, 7, 30), 16)], [new_york(date(2028, 7, 30), 16)]],
    ids=["none", "a past one", "one years ahead"],
)
def test_without_a_day_that_can_be_next_nothing_is_expected(
    yahoo: YahooEmulator, open_source: OpenSource, instants: list[datetime]
) -> None:
    yahoo.reports["AAPL"] = Reports(coming=instants)

    report = fetch(open_source())
    assert (report.dates, report.answered, report.without_reports) == ((), {"AAPL"}, frozenset())


def test_today_is_still_a_day_to_come(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.reports["AAPL"] = Reports(coming=[new_york(CLOCK.date(), 8)])

    assert fetch(open_source()).dates == (coming(CLOCK.date()),)


def test_a_run_for_a_past_instant_knows_what_yahoo_says_from_today_on(
    yahoo: YahooEmulator, open_source: OpenSource
) -> None:
    report = fetch(open_source(), as_of=CLOCK - timedelta(days=200), with_past=["AAPL"])

    assert {item.known_at for item in report.dates if item.reported_on == THURSDAY} == {CLOCK}
    assert all(item.known_at > datetime.combine(item.reported_on, CLOCK.timetz()) for item in report.dates[:-1])


def test_past_reports_are_known_from_the_end_of_their_day_and_have_a_side_where_the_clock_gives_one(
    yahoo: YahooEmulator, open_source: OpenSource
) -> None:
    report = fetch(open_source(), with_past=["AAPL"])

    assert [(item.reported_on, item.timing) for item in report.dates] == [
        (date(2025, 10, 30), ReportTiming.UNKNOWN),  # in the session
        (date(2026, 1, 29), ReportTiming.UNKNOWN),  # at midnight
        (date(2026, 4, 30), ReportTiming.BEFORE_OPEN),
        (date(2026, 7, 30), ReportTiming.AFTER_CLOSE),
        (THURSDAY, ReportTiming.UNKNOWN),
    ]
    assert [item.known_at for item in report.dates][:2] == [
        datetime(2025, 10, 31, tzinfo=UTC),
        datetime(2026, 1, 30, tzinfo=UTC),
    ]
    assert report.past_of == {"AAPL"}
    assert yahoo.counts()["earnings"] == 1


def test_a_report_of_today_is_no_past_one_before_the_day_ends(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.reports["AAPL"] = Reports(past=[new_york(CLOCK.date(), 8), *APPLE.past])

    days = [item.reported_on for item in fetch(open_source(), with_past=["AAPL"]).dates]
    assert CLOCK.date() not in days
    assert len(days) == len(APPLE.past)


@pytest.mark.parametrize(
    "spoilt",
    [
        "another company",
        "earnings:429",
        "earnings:404",
        "earnings:500",
        "earnings:html",
        "earnings:down",
        "earnings:reset",
        "earnings:empty-body",
    ],
)
def test_without_the_page_of_past_reports_the_day_to_come_counts_all_the_same(
    yahoo: YahooEmulator, open_source: OpenSource, spoilt: str
) -> None:
    if ":" in spoilt:
        yahoo.plan.add(spoilt)
    else:
        yahoo.reports["AAPL"] = Reports(coming=APPLE.coming, past=APPLE.past, symbol="MSFT")

    report = fetch(open_source(), with_past=["AAPL"])

    assert (report.dates, report.past_of, report.failures) == ((coming(THURSDAY),), frozenset(), ())


def test_a_company_that_never_reported_has_its_page_tried_again(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.reports["AAPL"] = Reports()

    report = fetch(open_source(), with_past=["AAPL"])
    assert (report.dates, report.answered, report.past_of) == ((), {"AAPL"}, frozenset())


def test_a_fund_has_no_calendar_and_so_no_reports(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    report = fetch(open_source(), "MSFT", with_past=["MSFT"])

    assert (report.dates, report.answered, report.without_reports) == ((), {"MSFT"}, {"MSFT"})
    assert (yahoo.counts()["calendar"], yahoo.counts()["earnings"]) == (1, 0)


def test_what_is_no_company_is_not_asked_about(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    others = ("^GSPC", "EURUSD=X", "BTC-USD", "ES=F")

    report = fetch(open_source(), *others)

    assert (report.answered, report.without_reports, report.dates) == (set(others), set(others), ())
    assert yahoo.asked == []


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        ("calendar:429", 2),
        ("calendar:429-after@60", 2),
        ("calendar:500", 2),
        ("calendar:401", 4),  # the client asks again with another crumb
        ("calendar:reset", 2),
        ("calendar:closed", 2),
        ("calendar:html", 2),
        ("calendar:down", 2),
        ("calendar:broken-json", 2),
        ("calendar:truncated", 2),
        ("calendar:empty-body", 2),
        ("calendar:null-result", 2),
        ("calendar:stale-unmarked", 2),
    ],
)
def test_a_fault_is_a_failure_of_its_ticker_and_bars_go_on(
    yahoo: YahooEmulator, open_source: OpenSource, fault: str, requests: int
) -> None:
    yahoo.plan.add(fault.replace("calendar", "calendar-AAPL"))
    yahoo.reports["MSFT"] = Reports(coming=APPLE.coming)
    gate = RateLimitGate(first_seconds=60.0)
    source = open_source(gate=gate)

    report = fetch(source, "AAPL", "MSFT")

    assert (report.answered, {item.ticker for item in report.dates}) == ({"MSFT"}, {"MSFT"})
    ((failure,)) = report.failures
    assert (failure.ticker, failure.is_retryable) == ("AAPL", True)
    assert failure.reason.startswith("AAPL: ")
    assert gate.opens_in() == 0
    assert sum(asked.kind == "calendar" and asked.ticker == "AAPL" for asked in yahoo.asked) == requests
    assert source.fetch_bars([request_of("AAPL")], CLOCK).failures == ()


def test_a_fault_that_passes_costs_a_second_request(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.plan.add("calendar:500:1")

    assert fetch(open_source()).dates == (coming(THURSDAY),)
    assert yahoo.counts()["calendar"] == 2


def test_after_a_few_refusals_nobody_else_is_asked_about_and_bars_go_on(
    yahoo: YahooEmulator, open_source: OpenSource
) -> None:
    tickers = ["AAPL", "MSFT", "2330.TW", "005930.KS", "0700.HK", "VOD.L", "SAP.DE"]
    yahoo.plan.add("calendar:429")
    gate = RateLimitGate(first_seconds=60.0)
    source = open_source(gate=gate)

    report = fetch(source, *tickers, with_past=tickers)

    assert {failure.ticker for failure in report.failures} == set(tickers)
    assert yahoo.counts()["calendar"] <= 6  # four threads, of which one may be on its way
    assert yahoo.counts()["chart"] == 0
    assert gate.opens_in() == 0
    assert source.fetch_bars([request_of("AAPL")], CLOCK).failures == ()


def test_during_a_rate_limit_of_bars_no_report_is_asked_for(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    gate = RateLimitGate(first_seconds=60.0)
    source = open_source(gate=gate)
    gate.close()

    assert [failure.ticker for failure in fetch(source).failures] == ["AAPL"]
    assert yahoo.asked == []


def test_questions_about_reports_keep_the_pace_of_repeated_requests(
    yahoo: YahooEmulator, yahoo_settings, yahoo_cache_dir
) -> None:
    paced: list[str] = []

    def pace(name: str) -> Callable[[], float]:
        def wait() -> float:
            paced.append(name)
            return 0.0

        return wait

    source = YahooSource(yahoo_settings, pace("first"), repeat_pace=pace("repeated"), gate=RateLimitGate())
    fetch(source)

    assert set(paced) == {"repeated"}


def test_a_cached_answer_is_dated_by_its_age(yahoo: YahooEmulator, open_source: OpenSource) -> None:
    yahoo.plan.add("calendar:stale-7200")

    report = fetch(open_source())

    assert report.made_at == {"AAPL": CLOCK - timedelta(hours=4)}  # the age, off the date that the cache kept
    assert report.dates == (coming(THURSDAY),)
