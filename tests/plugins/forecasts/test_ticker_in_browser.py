"""The page of a ticker and the tab of a run in a browser: chart, address, links to Airflow, hostile text, outages."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from include.contracts import OutcomeStatus
from include.store import registry
from include.store.engine import create_store_engine, transaction
from include.store.reader import Engine, create_reader_engine
from tests.plugins.forecasts.conftest import HOSTILE
from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.page_server import FakeAirflow, serve_page
from tests.support.rows import at, track

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser]

REASON = "<b>no</b> bars & no answer"
RUN = {
    "dag_run_id": "scheduled__hour",
    "data_interval_end": at(3).isoformat(),
    "run_after": at(3).isoformat(),
    "start_date": at(3).isoformat(),
    "logical_date": at(2).isoformat(),
}


class AirflowWithRuns(FakeAirflow):
    """It has one run of hourly_forecast, that of the third hour, and finds it by its instants alone."""

    def routes(self, app: FastAPI) -> None:
        super().routes(app)

        @app.get("/api/v2/dags/hourly_forecast/dagRuns")
        def runs(run_after_gte: str = "", run_after_lte: str = "") -> dict[str, Any]:
            is_asked_for = run_after_gte == run_after_lte == at(3).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            return {"dag_runs": [RUN] if is_asked_for else []}

        @app.get("/api/v2/dags/hourly_forecast/dagRuns/{run_id}")
        def run(run_id: str) -> dict[str, Any]:
            return RUN | {"dag_run_id": run_id}


@pytest.fixture(scope="module")
def address(engine: Engine, module_database_url: str) -> Iterator[str]:
    store = create_store_engine(module_database_url)
    with transaction(store) as connection:
        registry.plan_hour(connection, at(3), 1, 1)
        track(connection, "GONE", as_of=at(5))
        registry.retire(connection, ["GONE"], at(6))
        registry.record_outcomes(connection, at(3), {"CURRENT": (OutcomeStatus.FAILED, REASON)})
    store.dispose()
    with serve_page(lambda: engine, AirflowWithRuns()) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def open_ticker(browser: Browser, address: str, query: str = "", ticker: str = "CURRENT") -> None:
    browser.errors()
    browser.open(f"{address}ticker/{quote(ticker, safe='')}{query}")
    browser.wait("#state .badge")


def test_candles_fan_and_tables_are_there_without_an_error(browser: Browser, address: str) -> None:
    open_ticker(browser, address, "?until=2025-04-01")
    browser.wait("#chart canvas")
    browser.wait("#chart-text", "3 bars, the newest closed at 98.00")
    browser.wait("#bars tbody tr")
    browser.wait("#assessment", "Anything that needs proof")
    browser.wait("#outcomes .badge", "Failed")
    assert len(browser.find("#bars tbody tr")) == 7
    assert [error for error in browser.errors() if "favicon" not in error] == []


def test_the_address_holds_the_view_and_goes_back_and_forward(browser: Browser, address: str) -> None:
    open_ticker(browser, address)
    for field, value in (("period", "3m"), ("past", "fans")):
        browser.run(
            "const field = document.querySelector('#view').elements[arguments[0]];"
            "field.value = arguments[1]; field.dispatchEvent(new Event('change', {bubbles: true}))",
            field,
            value,
        )
    assert browser.address.endswith("?period=3m&past=fans")
    browser.run("history.back()")
    browser.until(lambda: browser.address.endswith("?period=3m"), "the address before")
    browser.until(
        lambda: browser.run("return document.querySelector('#view').past.value") == "ranges", "the choice before"
    )
    browser.run("history.forward()")
    browser.until(
        lambda: browser.run("return document.querySelector('#view').past.value") == "fans", "the choice again"
    )


def test_an_hour_leads_to_its_run_and_to_its_log(browser: Browser, address: str) -> None:
    open_ticker(browser, address)
    browser.wait("#outcomes td", REASON)
    browser.click("#outcomes tbody tr:first-child button")
    browser.wait("#outcomes a", "Log")
    links = browser.run(
        "return [...document.querySelectorAll('#outcomes a')].map((link) => new URL(link.href).pathname)"
    )
    assert links == [
        "/dags/hourly_forecast/runs/scheduled__hour",
        "/dags/hourly_forecast/runs/scheduled__hour/tasks/fetch_bars/mapped/0",
    ]
    browser.click("#outcomes tbody tr:nth-child(2) button")
    browser.wait("#outcomes td", "Airflow no longer has this run.")


def test_hostile_names_and_reasons_stay_text(browser: Browser, address: str) -> None:
    open_ticker(browser, address, ticker=HOSTILE)
    browser.wait("#name", HOSTILE)
    browser.wait("#assessment li")
    assert browser.run("return document.querySelectorAll('main img, main b b').length") == 0


def test_what_can_be_downloaded_has_the_period_of_the_page(browser: Browser, address: str) -> None:
    open_ticker(browser, address, "?until=2025-04-01")
    browser.wait("#assessment li")
    links = browser.run(
        "return [...document.querySelectorAll('#downloads a')].map((link) => link.getAttribute('href'))"
    )
    assert len(links) == 14
    assert "/export/bar?format=csv&since=2025-03-01T23%3A59%3A59.000Z&until=2025-04-01T23%3A59%3A59.000Z" in links[0]


def test_a_ticker_without_data_says_so(browser: Browser, address: str) -> None:
    open_ticker(browser, address, ticker="NEW")
    browser.wait("#state .badge", "No data yet")
    browser.wait("#accuracy", "too few for a picture")
    assert browser.run("return document.querySelector('#prices').hidden") is True
    assert browser.texts("#notice") == [""]


def test_a_database_that_is_down_is_named(browser: Browser) -> None:
    nowhere = create_reader_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none")
    with serve_page(lambda: nowhere) as address:
        for path in ("ticker/CURRENT", "run?dag_id=hourly_forecast"):
            browser.open(f"{address}{path}")
            browser.wait("#notice.bad", "The database does not respond")


def test_the_tab_of_a_run_lists_its_tickers_problems_first(browser: Browser, address: str) -> None:
    browser.open(f"{address}run?dag_id=hourly_forecast&run_id=scheduled__hour")
    browser.wait("#title", "Tickers of this hour")
    browser.wait("#outcomes tbody tr", REASON)
    assert browser.texts("#outcomes tbody tr:first-child a") == ["CURRENT"]
    assert browser.texts("#counts strong")[0] == "1"
    assert browser.find("#outcomes tbody tr", HOSTILE)
    browser.click("#outcomes a", "CURRENT")
    browser.wait("#name", "CURRENT")


def test_the_tab_of_a_task_has_the_tickers_of_its_shard(browser: Browser, address: str) -> None:
    browser.open(f"{address}run?dag_id=hourly_forecast&run_id=scheduled__hour&task_id=predict&map_index=5")
    browser.wait("#notice", "No ticker of this hour matches.")
    browser.wait("#shard-label", "shard 5")
    browser.click("#shard-label input")
    browser.wait("#outcomes tbody tr", REASON)


def test_the_tab_of_another_dag_is_friendly(browser: Browser, address: str) -> None:
    browser.open(f"{address}run?dag_id={quote(HOSTILE)}")
    browser.wait("#notice", f"{HOSTILE} makes no forecasts.")


def test_the_tab_of_the_dag_shows_its_newest_hour(browser: Browser, address: str) -> None:
    browser.open(f"{address}run?dag_id=hourly_forecast")
    browser.wait("#title", "Tickers of an hour")
    browser.wait("#outcomes tbody tr", REASON)
    assert len(browser.find("#filters select[name=hour] option")) == 2


def test_a_ticker_leads_to_the_form_that_retires_or_tracks_it(browser: Browser, address: str) -> None:
    browser.open(f"{address}ticker/CURRENT")
    browser.wait("#requests a")
    assert browser.texts("#requests a") == ["Retire", "Train again"]
    browser.click("#requests a", "Retire")
    browser.until(lambda: browser.address.endswith("add?retire=CURRENT"), "the form")
    for ticker, links in (("STALE", ["Retire"]), ("GONE", ["Track again"])):
        browser.open(f"{address}ticker/{ticker}")
        browser.wait("#requests a")
        assert browser.texts("#requests a") == links
