"""The page "Add tickers" in a real browser, with a fake of Airflow's API: checks, requests, refusals, undo."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store import onboarding, registry
from include.store.engine import create_store_engine, transaction
from include.store.onboarding import RequestStage
from include.store.reader import create_reader_engine
from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.page_server import FakeAirflow, serve_page
from tests.support.rows import track

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser]

REASON = "<b>Yahoo</b> has no such ticker"


def _store(url: str) -> None:
    now = datetime.now(UTC)
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        track(connection, "AAPL", "OLD", as_of=now)
        registry.retire(connection, ["OLD"], now)
        for ticker, result, reason in (("AAPL", "active", None), ("NOPE", "rejected", REASON), ("MSFT", None, None)):
            onboarding.open_ticker(
                connection, "manual__1", ticker, as_of=now, source="yahoo", history_days=729, requested_by="vera"
            )
            if result:
                onboarding.close(connection, "manual__1", ticker, result, reason)
        onboarding.advance(connection, "manual__1", ["MSFT"], RequestStage.BACKFILLED)
        onboarding.open_ticker(connection, "manual__2", "OLD", as_of=now, source=None, history_days=0)
        onboarding.close(connection, "manual__2", "OLD", "retired", None)
    engine.dispose()


@pytest.fixture(scope="module")
def airflow() -> FakeAirflow:
    return FakeAirflow()


@pytest.fixture(scope="module")
def address(migrated_server: EmbeddedPostgres, module_database_url: str, airflow: FakeAirflow) -> Iterator[str]:
    _store(module_database_url)
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    with serve_page(lambda: engine, airflow) as address:
        yield address
    engine.dispose()


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def browser(window: Browser, address: str, airflow: FakeAirflow) -> Browser:
    """The page as a person finds it, with an Airflow that lets them request tickers."""
    airflow.may_start, airflow.is_paused = True, False
    airflow.requested.clear()
    window.open(f"{address}add")
    window.wait(".request-card")
    return window


def test_names_are_checked_as_one_types(browser: Browser) -> None:
    browser.type("#names", "nvda, NVDA no!pe\naapl tsm")
    browser.wait(".remarks li", "Named twice")
    assert browser.texts(".names li") == ["\u2713 NVDA", "\u2713 TSM"]
    assert browser.texts(".remarks b") == ["\u2715 NVDA", "\u2715 no!pe", "\u2715 aapl"]
    assert browser.texts("button.main") == ["Add: 2 tickers"]


def test_a_name_twice_is_found_among_more_than_the_api_checks_at_once(browser: Browser) -> None:
    names = " ".join(f"N{number}" for number in range(150))
    browser.run("document.querySelector('#names').value = arguments[0]", f"N0 {names}")
    browser.type("#names", " N149")
    browser.wait("button.main", "Add: 150 tickers")
    assert len(browser.find(".remarks li", "Named twice")) == 2


def test_only_accepted_names_are_requested_from_airflow(browser: Browser, airflow: FakeAirflow) -> None:
    browser.type("#names", "nvda aapl")
    browser.click("button.main", "Add: 1 ticker")
    browser.wait("#notice", "Requested.")
    assert airflow.requested == [{"logical_date": None, "conf": {"tickers": ["NVDA"]}}]
    assert browser.run("return document.querySelector('#names').value") == ""
    browser.wait(".request-card", "Airflow has the request in its queue.")


@pytest.mark.parametrize(
    ("action", "conf"),
    [("retire", {"retire_tickers": ["AAPL"]}), ("retrain", {"tickers": ["AAPL"], "retrain": True})],
)
def test_an_address_fills_in_the_form(
    browser: Browser, address: str, airflow: FakeAirflow, action: str, conf: dict[str, object]
) -> None:
    browser.open(f"{address}add?{action}=AAPL")
    browser.click("button.main", "1 ticker")
    browser.wait("#notice", "Requested.")
    assert airflow.requested == [{"logical_date": None, "conf": conf}]


def test_a_login_that_may_only_look_is_refused_in_words(browser: Browser, airflow: FakeAirflow) -> None:
    airflow.may_start = False
    browser.type("#names", "nvda")
    browser.click("button.main", "Add: 1 ticker")
    browser.wait("#notice.bad", "Your login may look at tickers, but not request any.")
    assert browser.run("return document.querySelector('#names').value") == "nvda"
    browser.wait("button.main:enabled", "Add: 1 ticker")


def test_a_paused_dag_is_named(browser: Browser, airflow: FakeAirflow) -> None:
    airflow.is_paused = True
    browser.type("#names", "nvda")
    browser.click("button.main", "Add: 1 ticker")
    browser.wait("#notice", "the DAG onboard_ticker is paused")


def test_each_requested_ticker_has_its_progress_or_its_reason(browser: Browser) -> None:
    browser.wait(".request-card td", "First model is being trained")
    browser.wait(".request-card td", REASON)
    browser.wait(".request-card h3", " by vera")
    assert browser.run("return document.querySelector('progress').value") == 2
    assert browser.find(".request-card td b") == []


def test_a_retired_ticker_can_be_tracked_again_and_an_active_one_retired(
    browser: Browser, airflow: FakeAirflow
) -> None:
    browser.click(".request-card button", "Undo")
    browser.wait("#notice", "Requested.")
    browser.click(".request-card button", "Retire")
    browser.until(lambda: len(airflow.requested) == 2, "the second request")
    assert [run["conf"] for run in airflow.requested] == [{"tickers": ["OLD"]}, {"retire_tickers": ["AAPL"]}]


def test_a_link_leads_to_the_run(browser: Browser) -> None:
    script = "return [...document.querySelectorAll('.request-card header a')].map((link) => link.pathname)"
    assert "/dags/onboard_ticker/runs/manual__1" in browser.run(script)
