"""The scoreboard in a real browser: what is chosen is shown, and stands in the address."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store.engine import create_store_engine, transaction
from include.store.reader import create_reader_engine
from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.page_server import serve_page
from tests.support.rows import track
from tests.support.scored_days import store_scored_days

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser]

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def address(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[str]:
    owner = create_store_engine(module_database_url)
    with transaction(owner) as connection:
        track(connection, "GOOD", "BAD")
        for ticker, ahead in (("GOOD", [2.0, 1.0] * 12), ("BAD", [-1.0, -0.5] * 12)):
            store_scored_days(connection, ticker, datetime.now(UTC), ahead)
    owner.dispose()
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    with serve_page(lambda: engine) as address:
        yield f"{address}scoreboard"
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        browser.resize(1400, 900)
        yield browser


def test_the_best_and_the_worst_tickers_stand_under_the_scores(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait("#best tbody th", "GOOD")
    assert browser.texts("#worst tbody th")[0] == "BAD"


def test_chosen_days_are_shown_and_kept_in_the_address(browser: Browser, address: str) -> None:
    since = TODAY - timedelta(days=9)
    browser.open(f"{address}?since={since}")
    browser.wait("#sentence", "Over ")
    assert browser.run("return document.querySelector('[name=days]').value") == "chosen"
    assert browser.run("return document.querySelector('[name=since]').value") == str(since)
    assert browser.run("return document.querySelector('#ranks').hidden") is True

    until = TODAY - timedelta(days=5)
    browser.run(
        "const input = document.querySelector('[name=until]'); input.value = arguments[0];"
        "input.dispatchEvent(new Event('change', { bubbles: true }))",
        str(until),
    )
    browser.wait("#sentence", "Over 5 days")
    assert f"?since={since}&until={until}" in browser.address

    browser.run(
        "const select = document.querySelector('[name=days]'); select.value = '30';"
        "select.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    browser.wait("#sentence", "Over 24 days")
    assert "since" not in browser.address
    assert browser.run("return document.querySelector('[name=since]').parentElement.hidden") is True
