"""The daily reading of reports and that of an onboarding: what is asked, what is stored, and what a failure costs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from include.contracts import TickerFailure, TickerProfile
from include.earnings import ESTIMATE, FILED, EarningsDate, ReportTiming
from include.errors import MarketUnavailableError
from include.market.simulated import SimulatedSource
from include.market.source import EarningsReport
from include.pipeline import earnings, tasks
from include.pipeline.data.reports import report_nights
from include.pipeline.earnings import update_all, update_earnings
from include.store.earnings import known_earnings, save_earnings
from include.store.engine import transaction
from tests.support.market import FaultySource
from tests.support.products import AT, NEW_YORK, Product, product_environment

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
NEXT = date(2025, 4, 24)
LATER = date(2025, 5, 1)


@dataclass
class Reporting(FaultySource):
    """The simulated market with a costly calendar of reports that a test sets.

    ``coming``: each company's next day; others have no reports. ``said_at``: when its response was made; ``silent``
    cannot be reached; ``is_broken``: the source itself fails.
    """

    coming: dict[str, date | None] = field(default_factory=dict)
    said_at: datetime = AT
    silent: set[str] = field(default_factory=set)
    is_broken: bool = False
    questions: list[tuple[str, bool]] = field(default_factory=list)
    is_earnings_costly = True

    def __post_init__(self) -> None:
        super().__init__()

    def fetch_earnings(
        self, profiles: Sequence[TickerProfile], as_of: datetime, with_past: Collection[str] = ()
    ) -> EarningsReport:
        if self.is_broken:
            message = "the cache folder is full"
            raise MarketUnavailableError(message)
        tickers = [profile.ticker for profile in profiles]
        self.questions += [(ticker, ticker in with_past) for ticker in tickers]
        answered = frozenset(tickers) - self.silent
        known_at = max(as_of, self.said_at)
        named = {ticker: day for ticker, day in self.coming.items() if day is not None and ticker in answered}
        return EarningsReport(
            dates=tuple(
                EarningsDate(ticker, day, ReportTiming.UNKNOWN, True, "simulated", known_at)
                for ticker, day in named.items()
            ),
            answered=answered,
            failures=tuple(TickerFailure(each, f"{each}: silence", is_retryable=True) for each in self.silent),
            without_reports=answered - self.coming.keys(),
            made_at=dict.fromkeys(answered, self.said_at),
            past_of=answered & set(with_past),
        )


@pytest.fixture
def market(product: Product) -> Reporting:
    market = Reporting(coming={NEW_YORK[0]: NEXT})
    product.services = replace(product.services, sources={"simulated": market})
    return market


def profiles_of(*tickers: str) -> list[TickerProfile]:
    found, _ = SimulatedSource().describe(tickers or NEW_YORK, AT)
    return list(found.values())


def known(product: Product, as_of: datetime, ticker: str = NEW_YORK[0]) -> list[date]:
    with transaction(product.services.engine) as connection:
        found = known_earnings(connection, [ticker], as_of, date(2025, 1, 1))
    return [item.reported_on for item in found.get(ticker, [])]


def test_what_the_source_names_is_known_from_when_it_said_so(product: Product, market: Reporting) -> None:
    market.said_at = AT + timedelta(seconds=40)

    counts = update_earnings(product.services, profiles_of(), AT)

    assert counts == {"requested": 1, "read": 1, "changed": 1, "failed": 0, "estimated": 0}
    assert known(product, AT) == []
    assert known(product, market.said_at) == [NEXT]


def test_a_run_for_a_past_hour_does_not_know_then_what_is_said_today(product: Product, market: Reporting) -> None:
    market.said_at = AT + 100 * DAY

    update_earnings(product.services, profiles_of(), AT)

    assert known(product, AT + 99 * DAY) == []


def test_a_rerun_asks_nothing_and_the_next_day_asks_once(product: Product, market: Reporting) -> None:
    for as_of in (AT, AT, AT - DAY):
        update_earnings(product.services, profiles_of(), as_of)
    assert market.questions == [(NEW_YORK[0], True)]

    market.said_at = AT + DAY
    update_earnings(product.services, profiles_of(), AT + DAY)
    assert market.questions[1:] == [(NEW_YORK[0], False)]


def test_past_reports_are_asked_for_again_after_the_day_of_a_report(product: Product, market: Reporting) -> None:
    for days in (0, 23, 24, 25, 26):
        market.said_at = AT + days * DAY
        update_earnings(product.services, profiles_of(), market.said_at)

    assert [is_past for _, is_past in market.questions] == [True, False, False, True, False]


def test_a_fund_is_asked_about_once_in_thirty_days(product: Product, market: Reporting) -> None:
    market.coming = {}
    for days in (0, 1, 29, 31):
        market.said_at = AT + days * DAY
        update_earnings(product.services, profiles_of(), market.said_at)

    assert len(market.questions) == 2


def test_a_company_that_suddenly_has_no_calendar_keeps_its_days(product: Product, market: Reporting) -> None:
    update_earnings(product.services, profiles_of(), AT)
    market.coming, market.said_at = {}, AT + DAY

    assert update_earnings(product.services, profiles_of(), AT + DAY)["read"] == 0

    assert known(product, AT + DAY) == [NEXT]
    update_earnings(product.services, profiles_of(), AT + 2 * DAY)
    assert len(market.questions) == 3


def test_an_answer_that_is_older_than_the_last_one_is_not_believed(product: Product, market: Reporting) -> None:
    update_earnings(product.services, profiles_of(), AT)
    market.said_at = AT + 2 * DAY
    market.coming = {NEW_YORK[0]: LATER}
    update_earnings(product.services, profiles_of(), AT + 2 * DAY)
    market.said_at = AT + DAY  # from a cache
    market.coming = {NEW_YORK[0]: NEXT}

    update_earnings(product.services, profiles_of(), AT + 3 * DAY)

    assert known(product, AT + 3 * DAY) == [LATER]


def test_a_date_that_moves_is_read_as_each_instant_knew_it(product: Product, market: Reporting) -> None:
    update_earnings(product.services, profiles_of(), AT)
    market.coming, market.said_at = {NEW_YORK[0]: LATER}, AT + DAY
    update_earnings(product.services, profiles_of(), AT + DAY)

    assert known(product, AT + DAY - timedelta(microseconds=1)) == [NEXT]
    assert known(product, AT + DAY) == [LATER]


@pytest.mark.parametrize("failure", ["silent", "broken", "without reports"])
def test_no_failure_of_a_source_fails_an_onboarding_or_an_hour(
    product: Product, market: Reporting, failure: str
) -> None:
    market.silent = set(NEW_YORK) if failure == "silent" else set()
    market.is_broken = failure == "broken"
    if failure == "without reports":
        product.services = replace(product.services, sources={"simulated": FaultySource()})

    assert product.onboard(*NEW_YORK) == {"active": {NEW_YORK[0]: ""}}
    assert "failed" not in product.run_hour(AT + timedelta(hours=1))
    assert known(product, AT + DAY) == []


def test_onboarding_reads_the_reports_after_the_bars(product: Product, market: Reporting) -> None:
    product.onboard(*NEW_YORK, "NOVA-USD.SIM")

    assert sorted(market.questions) == [(NEW_YORK[0], True), ("NOVA-USD.SIM", True)]
    assert known(product, AT) == [NEXT]
    assert product.onboard(*NEW_YORK, request_id="again") == {
        "already_active": {NEW_YORK[0]: "already active, from simulated; nothing to do"}
    }
    assert len(market.questions) == 2


def test_the_daily_run_is_about_the_tickers_that_hours_fetch_and_fails_when_nobody_answers(
    product: Product, market: Reporting
) -> None:
    assert update_all(product.services, AT) == {"requested": 0, "read": 0, "changed": 0, "failed": 0, "estimated": 0}
    market.coming["NOVA-USD.SIM"] = None
    product.onboard(*NEW_YORK, "NOVA-USD.SIM")
    market.said_at = AT + DAY
    market.silent = set(NEW_YORK)
    assert update_all(product.services, AT + DAY) == {
        "requested": 2,
        "read": 1,
        "changed": 0,
        "failed": 1,
        "estimated": 0,
    }

    market.silent = {*NEW_YORK, "NOVA-USD.SIM"}
    with pytest.raises(MarketUnavailableError, match="the reports of 2 tickers could not be read"):
        update_all(product.services, AT + 2 * DAY)


def test_the_simulated_market_has_nights_of_reports(product: Product) -> None:
    product.services = replace(product.services, sources={"simulated": SimulatedSource()})
    update_earnings(product.services, profiles_of("ALFA.SIM", "NOVA-USD.SIM"), AT)

    day = max(known(product, AT + 60 * DAY, "ALFA.SIM"))
    with transaction(product.services.engine) as connection:
        evening = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
        nights = report_nights(connection, profiles_of("ALFA.SIM", "NOVA-USD.SIM"), evening)
    ((night,),) = nights.values()
    assert (night.probability, night.reported_on) == (0.95, day)
    assert night.opens_at.date() - day in {timedelta(0), DAY}


YEAR = (date(2024, 4, 25), date(2024, 7, 25), date(2024, 10, 24), date(2025, 1, 23))
"""Thursdays; the estimate after them is NEXT."""


def real_company(product: Product, coming: date | None) -> tuple[list[TickerProfile], Reporting]:
    """A company of a source that is not the simulated market, with four filed reports."""
    market = Reporting(coming={"ACME": coming})
    product.services = replace(product.services, sources={"files": market})
    filed = [EarningsDate("ACME", each, ReportTiming.AFTER_CLOSE, True, FILED, AT - 70 * DAY) for each in YEAR]
    with transaction(product.services.engine) as connection:
        save_earnings(connection, filed, {"ACME": AT - 70 * DAY})
    return [TickerProfile("ACME", "files", "XNYS", "America/New_York", None, None, 2)], market


def expected(product: Product, as_of: datetime) -> list[EarningsDate]:
    with transaction(product.services.engine) as connection:
        return known_earnings(connection, ["ACME"], as_of, date(2025, 2, 1)).get("ACME", [])


def test_a_company_of_which_its_source_says_nothing_is_estimated_from_its_reports(product: Product) -> None:
    profiles, _ = real_company(product, None)

    assert update_earnings(product.services, profiles, AT)["estimated"] == 1
    assert update_earnings(product.services, profiles, AT + DAY)["estimated"] == 0

    assert expected(product, AT - timedelta(microseconds=1)) == []
    assert expected(product, AT) == [EarningsDate("ACME", NEXT, ReportTiming.AFTER_CLOSE, False, ESTIMATE, AT)]
    with transaction(product.services.engine) as connection:
        (night,) = report_nights(connection, profiles, AT + 20 * DAY)["ACME"]
    assert (night.probability, night.text) == (0.7, "report after the close of 24 Apr (estimated from earlier reports)")


def test_a_company_whose_source_cannot_be_reached_is_estimated_too(product: Product) -> None:
    profiles, market = real_company(product, NEXT)
    market.silent = {"ACME"}

    assert update_earnings(product.services, profiles, AT)["estimated"] == 1


def test_a_source_that_comes_to_name_a_day_ends_the_estimate(product: Product) -> None:
    profiles, market = real_company(product, None)
    update_earnings(product.services, profiles, AT)
    market.coming, market.said_at = {"ACME": LATER}, AT + DAY + timedelta(seconds=40)

    assert update_earnings(product.services, profiles, AT + DAY)["estimated"] == 1

    assert [item.reported_on for item in expected(product, AT + DAY)] == [NEXT]  # as it was known then
    assert [item.reported_on for item in expected(product, market.said_at)] == [LATER]


def test_an_estimate_knows_what_the_source_said_a_moment_ago(product: Product) -> None:
    profiles, market = real_company(product, LATER)
    market.said_at = AT + timedelta(seconds=40)

    assert update_earnings(product.services, profiles, AT)["estimated"] == 0


def test_the_simulated_market_is_not_estimated(product: Product) -> None:
    product.services = replace(product.services, sources={"simulated": SimulatedSource()})

    assert update_earnings(product.services, profiles_of("ALFA.SIM"), AT)["estimated"] == 0
    with transaction(product.services.engine) as connection:
        found = known_earnings(connection, ["ALFA.SIM"], AT + 60 * DAY, date(2023, 1, 1))["ALFA.SIM"]
    assert len(found) > 8
    assert {item.source for item in found} == {"simulated"}


def test_the_task_is_the_daily_run(product: Product, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in product_environment(product.url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)

    assert tasks.update_earnings(AT) == earnings.update_all(product.services, AT)
