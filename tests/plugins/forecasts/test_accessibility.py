"""Each view in a real browser, light and dark, wide and as on a phone: axe-core finds no serious fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.store.reader import Engine
from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.page_server import serve_page

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser]

AXE = (Path(__file__).resolve().parents[2] / "vendor" / "axe.min.js").read_text(encoding="utf-8")
FIND_FAULTS = """
return axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)));
"""
VIEWS = {
    "overview": ("", "#tickers tbody tr"),
    "scoreboard": ("scoreboard", "#sentence:not(:empty)"),
    "add": ("add?add=MSFT no!pe", ".remarks li"),
    "ticker": ("ticker/CURRENT", "#assessment li"),
    "run": ("run?dag_id=hourly_forecast", "#outcomes tbody tr"),
}
"""View -> its address below the overview's, and what is there once it is drawn."""
SIZES = {"wide": (1400, 900), "phone": (390, 800)}


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    with serve_page(lambda: engine) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_no_serious_fault(browser: Browser, address: str, view: str, size: str, scheme: str) -> None:
    path, drawn = VIEWS[view]
    browser.resize(*SIZES[size])
    browser.prefer(scheme)
    browser.open(address + path)
    browser.wait(drawn)
    assert browser.run("return document.documentElement.dataset.theme") == scheme
    browser.run(f"{AXE}; return null")
    assert browser.run(FIND_FAULTS) == []


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_a_phone(browser: Browser, address: str, view: str) -> None:
    path, drawn = VIEWS[view]
    browser.resize(*SIZES["phone"])
    browser.open(address + path)
    browser.wait(drawn)
    assert browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_axe_finds_a_fault_where_there_is_one(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait("#tickers tbody tr")
    browser.run("document.querySelector('input[type=search]').closest('label').firstChild.remove()")
    browser.run("document.querySelector('input[type=search]').removeAttribute('placeholder')")
    browser.run(f"{AXE}; return null")
    assert "label: " in browser.run(FIND_FAULTS)[0]
