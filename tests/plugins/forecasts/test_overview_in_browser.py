"""The overview in a real browser: states that differ, filters, sorting, hostile names, and outages."""

from collections.abc import Iterator

import pytest

from include.store.reader import Engine, create_reader_engine
from tests.plugins.forecasts.conftest import HOSTILE
from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.page_server import serve_page

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser]

ROWS = "#tickers tbody tr"
NOWHERE = "postgresql+psycopg2://bi_reader@127.0.0.1:9/hourcast"


class Database:
    """The database of the page, which a test can take away."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_there = True

    def open(self) -> Engine:
        return self.engine if self.is_there else create_reader_engine(NOWHERE)


@pytest.fixture(scope="module")
def switch(engine: Engine) -> Database:
    return Database(engine)


@pytest.fixture(scope="module")
def address(switch: Database) -> Iterator[str]:
    with serve_page(switch.open) as address:
        yield address


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with open_browser() as browser:
        browser.resize(1400, 900)
        yield browser


@pytest.fixture
def browser(window: Browser, switch: Database, address: str) -> Browser:
    switch.is_there = True
    window.open(address)
    window.wait(ROWS)
    return window


def row(browser: Browser, ticker: str) -> str:
    (text,) = [text for text in browser.texts(ROWS) if text.startswith(ticker)]
    return text


def test_drift_and_what_was_done_with_the_backbones_are_listed_above_the_table(browser: Browser) -> None:
    browser.wait("#models li")
    drift, *operations = browser.texts("#models li")
    assert drift.startswith("Drift Coverage in XNYS since ")
    assert operations == [], "those of the history are older than 30 days"


@pytest.mark.parametrize(
    ("ticker", "words"),
    [
        ("CURRENT", ["Current"]),
        ("CLOSED", ["Market closed"]),
        ("DUE", ["Due", "Next run at about minute 35."]),
        ("LATE", ["Late", "A run is missing."]),
        ("STALE", ["Stale", "No new bars.", "no bars since Monday"]),
        ("NEW", ["No data yet", "Is being set up.", "the first bars are missing"]),
        ("NOVA-USD.SIM", ["No data yet", "Simulated"]),
    ],
    ids=["current", "market-closed", "due", "late", "stale", "no-data", "simulated"],
)
def test_a_state_has_its_own_words(browser: Browser, ticker: str, words: list[str]) -> None:
    assert [word for word in words if word not in row(browser, ticker)] == []


def test_a_state_is_chosen_with_its_meaning(browser: Browser, address: str) -> None:
    browser.click(".chips label", "Market closed")
    browser.until(lambda: len(browser.texts(ROWS)) == 1, "one row")
    browser.wait("#meaning", "Market closed: The forecast is for the next session. Nothing is missing.")
    assert browser.address == f"{address}?freshness=market_closed"


def test_a_search_without_a_match_says_so(browser: Browser) -> None:
    browser.type("input[name=search]", "nothing like this")
    browser.wait("#notice", "No ticker matches.")
    assert browser.texts(ROWS) == []


def test_a_click_on_a_head_sorts_and_a_second_one_turns_the_order(browser: Browser) -> None:
    browser.click("th[data-sort=target_at] button")
    browser.until(lambda: browser.texts(ROWS)[0].startswith("CURRENT"), "the next target first")
    browser.click("th[data-sort=target_at] button")
    browser.until(lambda: browser.texts(ROWS)[0].startswith("CLOSED"), "the last target first")
    assert browser.run("return document.querySelector('th[data-sort=target_at]').ariaSort") == "descending"


def test_hostile_names_stay_text(browser: Browser) -> None:
    assert HOSTILE in row(browser, HOSTILE)
    assert browser.find("main img") == []


def test_the_next_target_has_a_countdown(browser: Browser) -> None:
    assert " min" in row(browser, "CURRENT")
    assert browser.run("return document.querySelectorAll('[data-countdown]').length") > 0


def test_an_outage_keeps_what_was_loaded_and_says_so(browser: Browser, switch: Database) -> None:
    shown = len(browser.texts(ROWS))
    switch.is_there = False
    browser.click("th[data-sort=ticker] button")
    browser.wait("#notice.bad", "The database does not respond.")
    browser.wait("#notice.bad", "The table is from ")
    assert len(browser.texts(ROWS)) == shown
    assert browser.find("tbody.old") != []
    switch.is_there = True
    browser.click("th[data-sort=ticker] button")
    browser.until(lambda: browser.texts("#notice") == [""] and not browser.find("tbody.old"), "the end of the outage")


def test_a_page_that_opens_in_an_outage_has_no_empty_table(browser: Browser, switch: Database, address: str) -> None:
    switch.is_there = False
    browser.open(address)
    browser.wait("#notice.bad", "The database does not respond.")
    assert not browser.run("return document.querySelector('.scroll').checkVisibility()")
    assert not browser.run("return document.querySelector('.pages').checkVisibility()")


def test_without_tickers_the_page_leads_to_where_they_are_added(reader_url: str) -> None:
    empty = create_reader_engine(reader_url)
    with serve_page(lambda: empty) as address, open_browser() as browser:
        browser.open(address)
        browser.click("#notice a", "Add the first ones.")
        browser.wait("h1", "Add tickers")
    empty.dispose()
