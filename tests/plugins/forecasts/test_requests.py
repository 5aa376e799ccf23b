"""The checks of typed names, and the requests with what became of each ticker."""

from collections.abc import Iterator

import pytest

from include.contracts import TickerStatus
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.market.source import normalise_ticker
from include.store import onboarding, registry
from include.store.engine import create_store_engine, transaction
from include.store.page_requests import check_names
from include.store.reader import Engine, create_reader_engine
from plugins.forecasts.app import create_app
from tests.plugins.forecasts.conftest import HOSTILE
from tests.support.client import TestClient
from tests.support.rows import START, at, track

pytestmark = pytest.mark.integration


def _store(url: str) -> None:
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        track(connection, "AAPL", "OLD")
        registry.retire(connection, ["OLD"], at(1))
        registry.upsert_pending(connection, [("NEW", "yahoo", 729), ("BAD", "yahoo", 729)], None, START)
        registry.set_status(connection, "BAD", TickerStatus.REJECTED, "Yahoo has no such ticker", START)
        for request_id, ticker, as_of in (
            ("manual__1", "AAPL", at(0)),
            ("manual__1", HOSTILE, at(0)),
            ("cli__2", "NEW", at(1)),
        ):
            onboarding.open_ticker(
                connection, request_id, ticker, as_of=as_of, source="yahoo", history_days=729, requested_by="vera"
            )
        onboarding.close(connection, "manual__1", HOSTILE, "rejected", "<b>no such ticker</b>")
    engine.dispose()


@pytest.fixture(scope="module")
def engine(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Engine]:
    _store(module_database_url)
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def client(engine: Engine) -> TestClient:
    return TestClient(create_app(lambda: engine, login=lambda: None))


@pytest.mark.parametrize(
    ("action", "name", "is_accepted", "part"),
    [
        ("add", "msft", True, ""),
        ("add", " msft ", True, ""),
        ("add", "aapl", False, "Tracked already"),
        ("add", "NEW", False, "being set up"),
        ("add", "OLD", True, "was retired"),
        ("add", "BAD", True, "Yahoo has no such ticker"),
        ("add", "no!pe", False, "Cannot be a ticker"),
        ("add", HOSTILE, False, "Cannot be a ticker"),
        ("retire", "AAPL", True, ""),
        ("retire", "NEW", True, ""),
        ("retire", "OLD", False, "not tracked"),
        ("retire", "MSFT", False, "not tracked"),
        ("retrain", "AAPL", True, ""),
        ("retrain", "NEW", False, "Only a ticker that is tracked"),
    ],
)
def test_a_name_is_checked_for_what_is_to_be_done(client: TestClient, action, name, is_accepted, part) -> None:
    (check,) = client.get("/api/v1/names", params={"name": name, "action": action}).json()["checks"]
    assert (check["name"], check["is_accepted"]) == (name, is_accepted)
    assert part in check["detail"]
    assert bool(part) == bool(check["detail"])


def test_a_name_twice_is_accepted_once_and_checks_keep_their_order(engine: Engine) -> None:
    checks = check_names(engine, ["msft", "AAPL", "MSFT"], "add")
    assert [(check.ticker, check.is_accepted) for check in checks] == [("MSFT", True), ("AAPL", False), ("MSFT", False)]
    assert "twice" in checks[2].detail


@pytest.mark.parametrize("name", ["aapl", "^gspc", "2330.TW", "EURUSD=X"])
def test_the_page_accepts_the_spelling_that_the_request_accepts(engine: Engine, name: str) -> None:
    assert check_names(engine, [name], "add")[0].ticker == normalise_ticker(name)


def test_more_names_than_fit_are_refused(client: TestClient) -> None:
    response = client.get("/api/v1/names", params={"name": ["A"] * 101})
    assert (response.status_code, response.json()["code"]) == (422, "invalid-parameter")


def test_requests_come_newest_first_with_their_reasons(client: TestClient) -> None:
    rows = client.get("/api/v1/requests").json()["requests"]
    assert [(row["request_id"], row["ticker"], row["result"]) for row in rows] == [
        ("cli__2", "NEW", "in progress"),
        ("manual__1", HOSTILE, "rejected"),
        ("manual__1", "AAPL", "in progress"),
    ]
    assert (rows[1]["reason"], rows[1]["is_refused"]) == ("<b>no such ticker</b>", True)
    assert {row["requested_by"] for row in rows} == {"vera"}
    assert [row["ticker_status"] for row in rows] == ["pending", None, "active"]


def test_requests_can_be_limited_and_named(client: TestClient) -> None:
    newest = client.get("/api/v1/requests", params={"limit": 1}).json()["requests"]
    named = client.get("/api/v1/requests", params={"request_id": "manual__1"}).json()["requests"]
    assert {row["request_id"] for row in newest} == {"cli__2"}
    assert {row["ticker"] for row in named} == {"AAPL", HOSTILE}
