"""The page as a person uses it: a real browser, the real Airflow around it, and the ticker DELTA.SIM from start to end.

One installation serves every test of this module, in the order in which they stand.
"""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, needs_browser, open_browser
from tests.support.installation import AirflowClient, Machine, installation

pytestmark = [pytest.mark.integration, pytest.mark.browser, needs_browser, pytest.mark.timeout(900)]

NOVA, DELTA = "NOVA-USD.SIM", "DELTA.SIM"
FRAME = "iframe"
ENTRY = "a, button"
PATIENCE_SECONDS = 180.0
ONBOARDING_SECONDS = 600.0
COLORED_PIXELS = """
const canvases = [...document.querySelectorAll("#chart canvas")].filter((canvas) => canvas.width && canvas.height);
const color = getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim();
const [red, green, blue] = [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
let count = 0;
for (const canvas of canvases) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count += 1;
  }
}
return count;
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with installation(airflow_port=18390, postgres_port=15442) as machine:
        yield machine


@pytest.fixture(scope="module")
def airflow(machine: Machine) -> AirflowClient:
    done = machine.command("run", f"--tickers={NOVA}")
    assert done.returncode == 0, done.stdout + done.stderr
    return AirflowClient(done.stdout)


@pytest.fixture(scope="module")
def browser(airflow: AirflowClient) -> Iterator[Browser]:
    """A browser that is logged in to Airflow."""
    with open_browser() as browser:
        browser.resize(1500, 1000)
        browser.open(f"{airflow.url}/auth/login")
        browser.type("input[name=username]", "admin")
        browser.type("input[name=password]", airflow.password)
        browser.click("button[type=submit]")
        browser.wait(ENTRY, "Forecasts", PATIENCE_SECONDS)
        yield browser


def enter(browser: Browser, airflow: AirflowClient) -> None:
    """Opens the page by its entry in Airflow's navigation."""
    browser.leave_frames()
    browser.open(airflow.url)
    browser.click(ENTRY, "Forecasts", PATIENCE_SECONDS)
    browser.enter_frame(FRAME)


def newest_request(browser: Browser) -> str:
    """What the page says of DELTA.SIM in the newest request for it."""
    return next((text for text in browser.texts(".request-card tr") if text.startswith(DELTA)), "")


def test_the_navigation_leads_to_the_tickers(browser: Browser, airflow: AirflowClient) -> None:
    enter(browser, airflow)
    browser.wait("#tickers tbody th", NOVA, PATIENCE_SECONDS)
    browser.leave_frames()
    assert browser.address.startswith(f"{airflow.url}/plugin/forecasts")


def test_a_ticker_is_added_and_comes_to_its_first_forecast(browser: Browser, airflow: AirflowClient) -> None:
    enter(browser, airflow)
    browser.click(".site a", "Add tickers")
    browser.type("#names", f"{DELTA.lower()} {NOVA}")
    browser.wait(".remarks li", "Tracked already.")
    browser.click("button.main", "Add: 1 ticker")
    browser.wait("#notice", "Requested.")
    browser.until(lambda: "First forecast: 90 % between" in newest_request(browser), "the forecast", ONBOARDING_SECONDS)
    assert "Active" in newest_request(browser)


def test_its_page_has_bars_and_the_fan(browser: Browser) -> None:
    browser.click(".request-card a", DELTA)
    browser.wait("#chart canvas")
    browser.until(lambda: browser.run(COLORED_PIXELS, "--up") > 100, "bars that rose")
    assert browser.run(COLORED_PIXELS, "--down") > 100
    assert browser.run(COLORED_PIXELS, "--fan") > 0
    assert len(browser.texts("#bars tbody tr")) == 7


def test_what_is_looked_at_can_be_downloaded_with_the_login_of_the_page(browser: Browser) -> None:
    script = """
    const link = [...document.querySelectorAll("#downloads a")].find((found) => found.href.includes("csv"));
    return fetch(link.href).then((response) => response.text()).then((text) => text.split("\\n"));
    """
    heads, *rows = [line.replace('"', "") for line in browser.run(script)]
    assert heads.startswith("ticker,")
    assert {row.partition(",")[0] for row in rows if row} == {DELTA}


def test_it_is_retired_and_tracked_again(browser: Browser, airflow: AirflowClient) -> None:
    enter(browser, airflow)
    browser.click(".site a", "Add tickers")
    browser.click(f"button[aria-label='Retire {DELTA}']")
    browser.click(f"button[aria-label='Track {DELTA} again']", seconds=ONBOARDING_SECONDS)
    browser.until(
        lambda: len(browser.find(f"button[aria-label='Retire {DELTA}']")) == 1, "active again", ONBOARDING_SECONDS
    )


def test_a_link_leads_out_of_the_frame_to_the_run(browser: Browser, airflow: AirflowClient) -> None:
    browser.click(".request-card a", "Run in Airflow")
    browser.leave_frames()
    browser.until(lambda: f"{airflow.url}/dags/onboard_ticker/runs/" in browser.address, "the page of the run")


def test_a_page_of_another_site_cannot_start_a_run(browser: Browser, airflow: AirflowClient) -> None:
    before = airflow.run_ids("onboard_ticker")
    browser.open(airflow.url.replace("127.0.0.1", "localhost") + "/auth/login")
    script = """
    const body = JSON.stringify({ logical_date: null, conf: { retire_tickers: [arguments[1]] } });
    return fetch(arguments[0], { method: "POST", mode: "no-cors", credentials: "include", body }).then(() => "sent");
    """
    assert browser.run(script, f"{airflow.url}/api/v2/dags/onboard_ticker/dagRuns", DELTA) == "sent"
    assert airflow.run_ids("onboard_ticker") == before
