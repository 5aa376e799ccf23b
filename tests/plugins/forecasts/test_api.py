"""The API over a small history: what it lists, how it pages, sorts and filters, and what it says when it cannot."""

import pytest

from include.store.page import FRESHNESS
from include.store.reader import create_reader_engine
from plugins.forecasts.app import create_app
from plugins.forecasts.overview import SORTS
from tests.plugins.forecasts.conftest import HOSTILE
from tests.support.client import TestClient

pytestmark = pytest.mark.integration

TICKERS = "/api/v1/tickers"


def names(client: TestClient, **parameters: object) -> list[str]:
    response = client.get(TICKERS, params=parameters)
    assert response.status_code == 200, response.text
    return [row["ticker"] for row in response.json()["tickers"]]


def test_every_ticker_has_the_freshness_of_its_newest_forecast(client: TestClient) -> None:
    rows = {row["ticker"]: row["freshness"] for row in client.get(TICKERS).json()["tickers"]}
    assert rows == {
        HOSTILE: "late",
        "CLOSED": "market_closed",
        "CURRENT": "current",
        "DUE": "due",
        "LATE": "late",
        "NEW": "no_data",
        "NOVA-USD.SIM": "no_data",
        "STALE": "stale",
    }


def test_a_row_has_the_price_the_interval_the_closes_and_the_fan(client: TestClient) -> None:
    row = client.get(f"{TICKERS}/CURRENT").json()
    assert (row["price"], row["q50"]) == (100.0, 100.0)
    assert row["interval_90_ratio"] == pytest.approx((row["q95"] - row["q05"]) / 100)
    assert row["median_move_ratio"] == pytest.approx(0.0)
    assert [bar["close"] for bar in row["closes"]] == [100.0, 101.0, 98.0]
    assert [bar["horizon"] for bar in row["fan"]] == list(range(1, 8))
    assert row["next_target_at"] == row["fan"][0]["target_at"]


def test_a_simulated_market_says_so(client: TestClient) -> None:
    assert client.get(f"{TICKERS}/NOVA-USD.SIM").json()["is_simulated"] is True
    assert client.get(f"{TICKERS}/CURRENT").json()["is_simulated"] is False


def test_pages_hold_every_ticker_once(client: TestClient) -> None:
    pages = [names(client, page=number, page_size=3) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [3, 3, 2, 0]
    assert [name for page in pages for name in page] == names(client)
    assert client.get(TICKERS, params={"page": 4, "page_size": 3}).json()["ticker_count"] == 8


@pytest.mark.parametrize("sort", SORTS)
def test_tickers_can_be_sorted_by_each_column_both_ways(client: TestClient, sort: str) -> None:
    assert set(names(client, sort=sort)) == set(names(client, sort=sort, is_descending=True))


def test_the_greatest_comes_first_where_asked(client: TestClient) -> None:
    assert names(client, sort="target_at", is_descending=True)[0] == "CLOSED"
    assert names(client, sort="target_at")[0] == "CURRENT"


def test_a_target_that_has_passed_is_not_the_next_one(client: TestClient) -> None:
    row = client.get(f"{TICKERS}/DUE").json()
    assert row["next_target_at"] == row["fan"][1]["target_at"]
    assert row["q95"] == row["fan"][1]["q95"]
    gone = next(row for row in client.get(TICKERS).json()["tickers"] if row["ticker"] == HOSTILE)
    assert (gone["next_target_at"], gone["q50"]) == (None, 100.0)


@pytest.mark.parametrize("freshness", FRESHNESS)
def test_a_filter_keeps_one_freshness(client: TestClient, freshness: str) -> None:
    rows = client.get(TICKERS, params={"freshness": freshness}).json()["tickers"]
    assert {row["freshness"] for row in rows} <= {freshness}


@pytest.mark.parametrize(
    ("search", "expected"), [("curr", ["CURRENT"]), ("usd", ["NOVA-USD.SIM"]), ("%", []), ("'", [])]
)
def test_a_search_is_plain_text(client: TestClient, search: str, expected: list[str]) -> None:
    assert names(client, search=search) == expected


def test_bars_come_oldest_first_and_only_up_to_an_instant(client: TestClient) -> None:
    path = f"{TICKERS}/CURRENT/bars"
    bars = client.get(path).json()["bars"]
    assert [bar["close"] for bar in bars] == [100.0, 101.0, 98.0]
    assert client.get(path, params={"limit": 1}).json()["bars"] == bars[-1:]
    assert client.get(path, params={"until": bars[0]["closed_at"]}).json()["bars"] == bars[:1]


def test_forecasts_come_newest_first_with_what_came_of_them(client: TestClient) -> None:
    newest, oldest = client.get(f"{TICKERS}/CURRENT/forecasts").json()["forecasts"]
    assert newest["as_of"] > oldest["as_of"]
    assert [bar["actual_close"] for bar in oldest["bars"][:3]] == [101.0, 98.0, None]
    assert [bar["is_inside_90"] for bar in oldest["bars"][:3]] == [True, True, None]
    assert client.get(f"{TICKERS}/CURRENT/forecasts", params={"limit": 1}).json()["forecasts"] == [newest]


def test_outcomes_have_their_reason(client: TestClient) -> None:
    (outcome,) = client.get(f"{TICKERS}/CURRENT/outcomes").json()["outcomes"]
    assert (outcome["status"], outcome["reason"]) == ("skipped", "no new closed bar")


def test_a_client_that_has_the_content_gets_none_again(client: TestClient) -> None:
    path = f"{TICKERS}/CURRENT/bars"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    other = client.get(path, params={"limit": 1}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (again.headers["etag"], other.status_code) == (first.headers["etag"], 200)


def test_a_long_response_is_compressed_for_a_client_that_can_read_it(client: TestClient) -> None:
    plain, compressed = (client.get(TICKERS, headers={"Accept-Encoding": way}) for way in ("identity", "gzip"))
    assert (plain.headers.get("content-encoding"), compressed.headers["content-encoding"]) == (None, "gzip")
    assert int(compressed.headers["content-length"]) < int(plain.headers["content-length"]) / 3
    assert "Accept-Encoding" in compressed.headers["vary"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{TICKERS}/NOTHING", 404, "not-found"),
        (f"{TICKERS}?page=0", 422, "invalid-parameter"),
        (f"{TICKERS}?sort=price; drop table x", 422, "invalid-parameter"),
        (f"{TICKERS}/CURRENT/bars?limit=100000", 422, "invalid-parameter"),
        (f"{TICKERS}/CURRENT/bars?until=2026-01-01T00:00:00", 422, "invalid-parameter"),
        (f"{TICKERS}?search=%00", 422, "invalid-parameter"),
        (f"{TICKERS}/%00", 422, "invalid-parameter"),
        ("/elsewhere", 404, "not-found"),
    ],
)
def test_what_cannot_be_done_is_a_problem_with_a_sentence(client: TestClient, path, status, code) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert len(problem["detail"]) > 10


@pytest.mark.parametrize("path", [TICKERS, f"{TICKERS}/AAPL", f"{TICKERS}/AAPL/bars", f"{TICKERS}/AAPL/forecasts"])
def test_an_outage_of_the_database_is_no_empty_list(path: str) -> None:
    engine = create_reader_engine("postgresql+psycopg2://bi_reader:word@127.0.0.1:9/hourcast")
    response = TestClient(create_app(lambda: engine, login=lambda: None)).get(path)
    assert (response.status_code, response.json()["code"]) == (503, "database-down")
    assert "word" not in response.text
    assert response.headers["retry-after"] == "15"


def test_without_an_address_the_page_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOURCAST_READER_URL", raising=False)
    response = TestClient(create_app(login=lambda: None)).get(TICKERS)
    assert (response.status_code, response.json()["code"]) == (503, "not-configured")
    assert "HOURCAST_READER_URL" in response.json()["detail"]


def test_the_openapi_document_describes_each_route_of_the_api(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    routes = {route.path for route in client.app.routes if route.path.startswith("/api/")}
    assert set(document["paths"]) == routes - {"/api/v1/openapi.json"}
    for path in document["paths"].values():
        assert set(path) == {"get"}
        assert "503" in path["get"]["responses"]
