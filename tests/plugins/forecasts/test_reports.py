"""The weekly reports on the page: listed, served by their day, and nothing else is."""

from pathlib import Path

import pytest

from include.artefacts.store import FolderStore, StoredFile
from include.errors import ArtefactStoreUnavailableError
from include.store.reader import create_reader_engine
from plugins.forecasts.app import create_app
from tests.support.client import TestClient

NOWHERE = create_reader_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none")


class AwayStore(FolderStore):
    """A store that cannot be reached."""

    def read(self, name: str) -> bytes:
        raise ArtefactStoreUnavailableError(name)

    def files(self, prefix: str = "") -> dict[str, StoredFile]:
        raise ArtefactStoreUnavailableError(prefix)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "secret.txt").write_text("hidden")
    folder = tmp_path / "reports"
    folder.mkdir()
    for day in ("2026-11-23", "2026-11-30"):
        (folder / f"weekly-{day}.html").write_text(f"<h1>{day}</h1>")
    (folder / "weekly-2026-11-30.pdf").write_bytes(b"%PDF-1.7")
    (folder / "weekly-other.html").write_text("not ours")
    return TestClient(create_app(lambda: NOWHERE, lambda: None, lambda: FolderStore(folder)))


def test_the_newest_report_is_listed_first_with_its_pdf(client: TestClient) -> None:
    page = client.get("/reports")

    assert page.status_code == 200
    assert page.text.index("reports/2026-11-30.html") < page.text.index("reports/2026-11-23.html")
    assert "reports/2026-11-30.pdf" in page.text
    assert "2026-11-23.pdf" not in page.text
    assert "other" not in page.text


def test_a_report_is_served_with_the_headers_of_every_page(client: TestClient) -> None:
    page, pdf = client.get("/reports/2026-11-30.html"), client.get("/reports/2026-11-30.pdf")

    assert page.text == "<h1>2026-11-30</h1>"
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert pdf.headers["content-type"] == "application/pdf"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reports/2026-11-24.html", 404),
        ("/reports/2026-11-23.pdf", 404),
        ("/reports/..%2Fsecret.txt", 404),
        ("/reports/../secret.txt", 404),
        ("/reports/..%2F..%2Fsecret.html", 404),
        ("/reports/secret.html", 422),
        ("/reports/weekly-2026-11-30.html", 422),
    ],
)
def test_nothing_else_is_served(client: TestClient, path: str, status: int) -> None:
    response = client.get(path)

    assert response.status_code == status
    assert "hidden" not in response.text


def test_without_a_report_the_page_says_how_one_is_made(tmp_path: Path) -> None:
    app = create_app(lambda: NOWHERE, lambda: None, lambda: FolderStore(tmp_path / "none"))

    assert "weekly_report has not written one yet" in TestClient(app).get("/reports").text


@pytest.mark.parametrize("path", ["/reports", "/reports/2026-11-30.html"])
def test_a_store_that_is_away_is_said_to_be(tmp_path: Path, path: str) -> None:
    response = TestClient(create_app(lambda: NOWHERE, lambda: None, lambda: AwayStore(tmp_path))).get(path)

    assert response.status_code == 503
    assert "cannot be reached" in response.text
