"""The pages and their files: complete, ours, and without a way to turn text into markup."""

import re
from urllib.parse import urljoin

import pytest

from include.store.page import FRESHNESS
from include.store.reader import create_reader_engine
from plugins.forecasts.app import create_app
from plugins.forecasts.overview import SORTS
from plugins.forecasts.pages import STATIC_DIR, static_files
from tests.support.client import TestClient

NOWHERE = create_reader_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none")
CLIENT = TestClient(create_app(lambda: NOWHERE, login=lambda: None))
SCRIPTS = sorted(name for name in static_files() if name.startswith("js/"))
PAGES = {
    "/": "overview.html",
    "/add": "add.html",
    "/run?dag_id=hourly_forecast": "run.html",
    "/scoreboard": "scoreboard.html",
    "/ticker/AAPL": "ticker.html",
}
MARKUP_FROM_TEXT = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b"


def text(name: str) -> str:
    return (STATIC_DIR / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_served_without_the_database(path: str) -> None:
    response = CLIENT.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.text == text(PAGES[path])


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_loads_is_there_and_comes_from_here(path: str) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]+)"', re.sub(r"<a .*?</a>", "", CLIENT.get(path).text))
    assert len(loaded) == 2
    for address in loaded:
        assert CLIENT.get(urljoin(path, address)).status_code == 200, address


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_imports_is_there(name: str) -> None:
    for address in re.findall(r'from "([^"]+)"', text(name)):
        assert urljoin(name, address) in static_files(), address
        assert CLIENT.get(urljoin(f"/static/{name}", address)).headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_turns_text_into_markup(name: str) -> None:
    assert re.findall(MARKUP_FROM_TEXT, text(name)) == []


@pytest.mark.parametrize("name", [*SCRIPTS, *PAGES.values(), "style.css"])
def test_nothing_is_loaded_from_elsewhere_or_written_in_line(name: str) -> None:
    assert re.findall(r"(?:src|href|url|import|fetch)\W{1,3}(?:https?:)?//", text(name)) == []
    assert re.findall(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", text(name)) == []


@pytest.mark.parametrize("name", [*SCRIPTS, "style.css"])
def test_a_file_fits_in_one_sitting(name: str) -> None:
    assert len(text(name).splitlines()) <= 350


def test_a_browser_loads_a_file_once() -> None:
    first = CLIENT.get("/static/style.css")
    assert CLIENT.get("/static/style.css", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_each_freshness_has_its_own_words() -> None:
    states = re.findall(
        r"^  (\w+): \[\"\w+\", \"([^\"]+)\", \"([^\"]+)\"\],$", text("js/states.js"), flags=re.MULTILINE
    )
    assert {state for state, _, _ in states} == set(FRESHNESS)
    assert len({title for _, title, _ in states}) == len({sentence for _, _, sentence in states}) == len(FRESHNESS)


def test_what_can_be_sorted_by_is_what_the_server_sorts_by() -> None:
    (block,) = re.findall(r"const SORTS = \{(.*?)\};", text("js/overview.js"), flags=re.DOTALL)
    assert set(re.findall(r"(\w+): \"", block)) == set(SORTS)


def test_the_charting_library_is_kept_with_its_version_and_licence() -> None:
    version = re.search(r"Lightweight Charts™ v([\d.]+)", text("vendor/lightweight-charts.mjs"))
    assert version is not None
    assert version[1] in text("vendor/README.md")
    assert "Apache License" in text("vendor/lightweight-charts.LICENSE")
