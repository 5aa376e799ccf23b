"""The filings on a ticker's page in a browser: the list, questions and answers, and text that stays text."""

from collections.abc import Iterator

import pytest

from include.store.reader import Engine
from tests.plugins.forecasts.filed import ANNUAL, HOSTILE_LINE, REPORT, store_filings
from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.page_server import FakeAirflow, serve_page

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser]


@pytest.fixture(scope="module")
def address(engine: Engine, module_database_url: str) -> Iterator[str]:
    store_filings(module_database_url)
    with serve_page(lambda: engine, FakeAirflow()) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def ask(browser: Browser, address: str, question: str, level: str = "beginner", ticker: str = "CURRENT") -> None:
    browser.errors()
    browser.open(f"{address}ticker/{ticker}?until=2025-06-01")
    browser.wait("#state .badge")
    browser.run(
        "const form = document.getElementById('question'); form.elements.question.value = arguments[0];"
        "form.elements.level.value = arguments[1]; form.requestSubmit()",
        question,
        level,
    )


def test_filings_are_listed_with_links_to_their_source(browser: Browser, address: str) -> None:
    browser.open(f"{address}ticker/CURRENT?until=2025-06-01")
    browser.wait("#filing-list td", REPORT)
    rows = browser.run("return [...document.querySelectorAll('#filing-list tbody tr')].map((row) => row.innerText)")
    assert len(rows) == 3
    assert "not read yet" in rows[0]
    assert "8-K, items 2.02" in rows[1]
    assert "Apr 2, 2025" in rows[1]
    links = browser.run("return [...document.querySelectorAll('#filing-list a')].map((link) => link.href + link.rel)")
    assert links == ["https://example.org/novanoopener noreferrer"] * 2


def test_a_question_is_answered_with_a_citation_that_leads_to_the_source(browser: Browser, address: str) -> None:
    ask(browser, address, "By how much did net sales increase in 2024?")
    browser.wait("#answer li", "Net sales increased 25% in 2024.")
    browser.wait("#answer a", f"{ANNUAL}#item-1-business:")
    browser.wait("#answer dt", "net sales")
    browser.wait("#answer .hint", "From 2 filings that were known at")
    assert [error for error in browser.errors() if "favicon" not in error] == []


def test_what_the_filings_do_not_say_and_a_company_without_filings_say_so(browser: Browser, address: str) -> None:
    ask(browser, address, "Submarines in Iceland?", "expert")
    browser.wait("#answer .lead", "The filings do not say.")
    ask(browser, address, "Net sales?", ticker="LATE")
    browser.wait("#answer .lead", "No filing that this question may see")
    browser.wait("#no-filings", "No filings of this company are here.")


def test_a_refused_question_says_why(browser: Browser, address: str) -> None:
    ask(browser, address, "how much?")
    browser.wait("#answer [role=alert]", "The question was not answered.")
    browser.wait("#answer [role=alert]", "has no word to search for")


def test_markup_in_a_filing_stays_text(browser: Browser, address: str) -> None:
    ask(browser, address, "Which telescopes did Nova recall in March?", "expert")
    browser.wait("#answer li", HOSTILE_LINE)
    assert browser.run("return document.querySelectorAll('#answer img').length") == 0


def test_a_report_links_its_filing(browser: Browser, address: str) -> None:
    browser.open(f"{address}ticker/CURRENT?until=2025-04-10")
    browser.wait("#events a", REPORT)
    assert browser.run("return document.querySelector('#events a').href") == "https://example.org/nova"


def test_filings_that_the_chart_marks_are_links_below_it(browser: Browser, address: str) -> None:
    browser.open(f"{address}ticker/CURRENT?until=2025-06-01&period=1y")
    browser.wait("#marked a", "10-K")
    shown = browser.run("return document.getElementById('marked').innerText")
    assert "R 2025-04-02: results." in shown
    assert "F 2025-01-31: 10-K" in shown
    browser.run("document.querySelector('#view [name=events]').click()")
    browser.until(lambda: browser.run("return document.getElementById('marked').hidden"), "no filings below the chart")
