"""Who is let in where Airflow's own functions are missing: nobody."""

import sys

import pytest

from include.store.reader import create_reader_engine
from plugins.forecasts.app import create_app
from plugins.forecasts.security import deny_all, login_dependency
from tests.support.client import TestClient


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1/tickers",
        "/api/v1/openapi.json",
        "/static/style.css",
        "/reports",
        "/reports/2026-11-30.html",
        "/x",
    ],
)
def test_without_airflows_login_the_page_is_closed(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setitem(sys.modules, "airflow.api_fastapi", None)
    assert login_dependency() is deny_all
    app = create_app(lambda: create_reader_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none"))
    response = TestClient(app).get(path)
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
