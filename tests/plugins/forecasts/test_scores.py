"""The scoreboard and the skills of the overview, over days of scores whose differences are known."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store.engine import create_store_engine, transaction
from include.store.reader import Engine, create_reader_engine
from plugins.forecasts.app import create_app
from tests.support.client import TestClient
from tests.support.rows import track
from tests.support.scored_days import CRPS, store_scored_days

pytestmark = pytest.mark.integration

SCORES = "/api/v1/scores"
BETTER, EQUAL, WORSE = [2.0, 1.0] * 12, [0.1, -0.1] * 12, [-2.0, -1.0] * 12


def _store(url: str) -> None:
    now = datetime.now(UTC)
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        track(connection, "GOOD", "EVEN", "BAD", "NEW", "NONE")
        track(connection, "NOVA-USD.SIM", source="simulated")
        for ticker, ahead in (
            ("GOOD", BETTER),
            ("EVEN", EQUAL),
            ("BAD", WORSE),
            ("NEW", BETTER[:3]),
            ("NOVA-USD.SIM", BETTER),
        ):
            store_scored_days(connection, ticker, now, ahead)
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
    ("ticker", "verdict"),
    [
        ("GOOD", "edge"),
        ("EVEN", "no edge shown"),
        ("BAD", "worse than the random walk"),
        ("NEW", "too few days"),
        ("NONE", None),
    ],
)
def test_a_ticker_has_its_skill_with_what_it_shows(client: TestClient, ticker: str, verdict: str | None) -> None:
    row = client.get(f"/api/v1/tickers/{ticker}").json()
    assert row["verdict"] == verdict
    assert (row["crps_skill_ratio"] is None) == (verdict is None)


def test_the_skill_is_by_how_much_our_crps_is_lower(client: TestClient) -> None:
    row = client.get("/api/v1/tickers/GOOD").json()
    assert row["crps_skill_ratio"] == pytest.approx(1.5 / (CRPS + 1.5), rel=1e-3)
    assert row["har_crps_skill_ratio"] == pytest.approx(0.0, abs=1e-9)
    assert (row["scored_count"], row["scored_day_count"], row["coverage_90_ratio"]) == (24, 24, 1.0)


def test_tickers_are_sorted_by_skill_and_those_without_come_last(client: TestClient) -> None:
    for is_descending, first in ((True, "GOOD"), (False, "BAD")):
        parameters = {"sort": "crps_skill_ratio", "is_descending": is_descending, "search": ""}
        names = [row["ticker"] for row in client.get("/api/v1/tickers", params=parameters).json()["tickers"]]
        assert names[-1] == "NONE"
        assert first in names[:3]


def test_the_scoreboard_has_each_method_by_market_and_by_horizon(client: TestClient) -> None:
    board = client.get(SCORES, params={"calendar": "XNYS"}).json()
    ours = {row["calendar"]: row for row in board["methods"] if row["method"] == "hourcast" and row["horizon"] == 1}
    assert {row["method"] for row in board["methods"]} == {"hourcast", "random_walk", "seasonal_har"}
    assert {row["horizon"] for row in board["methods"] if row["calendar"] == "XNYS"} == set(range(1, 8))
    assert ours["XNYS"]["mean_crps"] == pytest.approx(CRPS, rel=1e-3)
    assert board["is_simulated"] is False


def test_the_best_and_the_worst_are_those_with_enough_days(client: TestClient) -> None:
    board = client.get(SCORES).json()
    assert [row["ticker"] for row in board["best"]] == ["GOOD", "EVEN", "BAD"]
    assert [row["ticker"] for row in board["worst"]] == ["BAD", "EVEN", "GOOD"]
    assert board["ranked_count"] == 3


def test_simulated_markets_stand_apart(client: TestClient) -> None:
    board = client.get(SCORES, params={"is_simulated": True}).json()
    assert [row["ticker"] for row in board["best"]] == ["NOVA-USD.SIM"]
    assert "in all simulated markets: an edge on these days." in board["sentence"]


def test_days_and_kind_are_chosen(client: TestClient) -> None:
    week, month = (client.get(SCORES, params={"days": days}).json() for days in ("7", "30"))
    assert len(week["daily"]) < len(month["daily"])
    assert max(row["day_count"] for row in week["methods"]) <= 7
    refreshed = client.get(SCORES, params={"is_refresh": True}).json()
    assert (refreshed["methods"], refreshed["best"]) == ([], [])
    assert refreshed["sentence"] == "No forecast has been scored yet, so nothing can be compared."


@pytest.mark.parametrize("calendar", ["", "XNYS"])
def test_chosen_days_give_what_the_same_window_gives(client: TestClient, calendar: str) -> None:
    today = datetime.now(UTC).date()
    chosen = {"since": str(today - timedelta(days=29)), "until": str(today), "calendar": calendar}
    board = client.get(SCORES, params=chosen).json()
    window = client.get(SCORES, params={"days": "30", "calendar": calendar}).json()
    assert board["sentence"] == window["sentence"]
    assert board["daily"] == window["daily"]
    for found, expected in zip(board["methods"], window["methods"], strict=True):
        counted = {name for name, value in expected.items() if value is not None} - {"ticker_count"}
        assert {name for name, value in found.items() if value is not None} == counted
        for name in counted:
            assert found[name] == (expected[name] if isinstance(found[name], str) else pytest.approx(expected[name]))
    assert (board["best"], board["ranked_count"]) == ([], 0)


def test_one_end_of_the_chosen_days_may_be_left_open(client: TestClient) -> None:
    today = datetime.now(UTC).date()
    week = client.get(SCORES, params={"since": str(today - timedelta(days=6))}).json()
    assert week["daily"] == client.get(SCORES, params={"days": "7"}).json()["daily"]
    assert client.get(SCORES, params={"until": "2020-01-01"}).json()["methods"] == []


def test_all_time_can_be_chosen(client: TestClient) -> None:
    assert client.get(SCORES, params={"days": "all"}).json()["ranked_count"] == 3


@pytest.mark.parametrize("parameters", [{"days": "8"}, {"horizon": 8}, {"calendar": "\x00"}, {"since": "soon"}])
def test_a_choice_that_does_not_exist_is_refused(client: TestClient, parameters: dict[str, object]) -> None:
    response = client.get(SCORES, params=parameters)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-parameter")
