"""The weekly report over a small product: whole, escaped, replaced by a second run, and without drift's views."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from include.pipeline.weekly.report import write_report
from include.pipeline.weekly.tasks import write_weekly_report
from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product, product_environment

pytestmark = pytest.mark.integration

HOSTILE = '<IMG SRC=X ONERROR="ALERT(1)">'
TITLES = (
    "How good, by market",
    "Where an edge is, and where none",
    "By bars ahead, and coverage",
    "What the interval is worth to a decision",
    "Incidents",
    "Data",
    "Drift",
    "What was trained, and why",
    "Residuals",
)


@pytest.fixture
def used(product: Product) -> Product:
    """A product with some hours and a failed ticker."""
    product.onboard(*ROUND_THE_CLOCK, *NEW_YORK)
    for hours in range(1, 6):
        product.run_hour(AT + hours * HOUR)
    product.query("update forecast.outcome set status = 'failed', reason = %s where ticker = 'ALFA.SIM'", HOSTILE)
    return product


def page_of(product: Product) -> str:
    (path,) = (product.services.settings.model.models_dir / "reports").glob("*.html")
    return path.read_text()


def headings(page: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page)


def test_the_report_has_every_section_and_escapes_what_data_says(used: Product) -> None:
    written = write_report(used.services, AT + 6 * HOUR, has_pdf=False)
    page = page_of(used)

    assert written["files"] == ["weekly-2025-03-31.html"]
    assert headings(page) == list(TITLES)
    assert "All markets of this report are simulated." in page
    assert HOSTILE not in page
    assert "&lt;IMG SRC=X" in page
    assert "too few days" in page
    assert "<script" not in page


def test_a_second_run_of_the_day_replaces_the_report(used: Product) -> None:
    write_report(used.services, AT + 3 * HOUR, has_pdf=False)
    first = page_of(used)
    write_report(used.services, AT + 6 * HOUR, ROUND_THE_CLOCK, has_pdf=False)

    assert page_of(used) != first


def test_a_week_without_anything_is_reported_too(product: Product) -> None:
    write_report(product.services, AT, has_pdf=False)

    assert "No forecast has matured in 90 days." in page_of(product)
    assert "No look for drift is stored" in page_of(product)
    assert headings(page_of(product))[-1] == "Residuals"


def test_a_pdf_of_an_earlier_run_goes_when_a_new_one_cannot_be_made(product: Product) -> None:
    folder = product.services.settings.model.models_dir / "reports"
    folder.mkdir(parents=True)
    (folder / "weekly-2025-03-31.pdf").write_bytes(b"old")

    write_report(product.services, AT, has_pdf=False)

    assert [path.suffix for path in folder.iterdir()] == [".html"]


def test_the_task_leaves_a_note_with_the_places(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = product_environment(product.url, tmp_path / "models")
    for name, value in {**environment, "PATH": ""}.items():
        monkeypatch.setenv(name, value)

    done = write_weekly_report(AT + timedelta(days=7), {"tickers": ["NOVA-USD.SIM"]})

    assert done["tickers"] == ["NOVA-USD.SIM"]
    assert done["note"] == f"Written: {tmp_path / 'models' / 'reports' / 'weekly-2025-04-07.html'}."
