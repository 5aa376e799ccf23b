"""The API of one ticker and of an hour: periods, events, versions, quality, and files to download."""

import io
from datetime import timedelta
from typing import Any, get_args

import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest

from include.contracts import OutcomeStatus
from include.store import registry
from include.store.engine import create_store_engine, execute, transaction
from include.store.forecasts import save_predictions
from include.store.models import save_model_versions
from include.store.page_export import TIME_COLUMNS
from include.store.reader import Engine, create_reader_engine
from plugins.forecasts.api_export import View
from plugins.forecasts.app import create_app
from tests.plugins.forecasts.conftest import HOSTILE
from tests.support.client import TestClient
from tests.support.rows import START, at, predictions, version

pytestmark = pytest.mark.integration

TICKER = "/api/v1/tickers/CURRENT"
AROUND = {"since_day": "2025-03-30", "until_day": "2025-04-10"}
REASONS = [{"kind": "announcement", "text": "Rate decision"}, {"kind": "volatility", "text": "high"}]
REASON = "<b>no</b> bars & no answer"


@pytest.fixture(scope="module", autouse=True)
def records(engine: Engine, module_database_url: str) -> None:
    """Reports, a dividend, an announcement, two versions, a day's quality and an hour of two shards."""
    store = create_store_engine(module_database_url)
    with transaction(store) as connection:
        execute(
            connection,
            """
            insert into forecast.earnings_date
                (ticker, reported_on, known_at, timing, is_confirmed, is_expected, source)
            values
                ('CURRENT', '2025-04-02', :start, 'after_close', true, true, 'yahoo'),
                ('CURRENT', '2025-04-03', :start, 'after_close', false, true, 'yahoo'),
                ('CURRENT', '2025-04-03', :later, 'after_close', false, false, 'yahoo')
            """,
            {"start": START, "later": at(1)},
        )
        execute(
            connection,
            "insert into forecast.dividend (ticker, ex_at, known_at, amount) values ('CURRENT', :ex_at, :start, 0.25)",
            {"ex_at": at(24), "start": START},
        )
        execute(
            connection,
            """
            insert into forecast.expected_day
                (ticker, day_exchange, first_opened_at, last_closed_at, expected_count, as_of)
            values ('CURRENT', '2025-03-31', :first, :last, 7, :last)
            """,
            {"first": at(-0.5), "last": at(6)},
        )
        save_model_versions(
            connection,
            [version(START, "CURRENT", "m1"), version(at(1), "CURRENT", "m2", is_promoted=False)],
        )
        save_predictions(connection, predictions(START + timedelta(minutes=35), "CURRENT", reasons=[REASONS] * 7))
        registry.plan_hour(connection, at(3), 2, 1)
        registry.record_outcomes(connection, at(3), {"CURRENT": (OutcomeStatus.FAILED, REASON)})
    store.dispose()


def get(client: TestClient, path: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_period_has_a_first_and_a_last_instant(client: TestClient) -> None:
    bars = get(client, f"{TICKER}/bars")["bars"]
    middle = bars[1]["closed_at"]
    assert len(bars) == 3
    assert get(client, f"{TICKER}/bars", since=middle)["bars"] == bars[1:]
    assert get(client, f"{TICKER}/bars", since=middle, until=middle)["bars"] == bars[1:2]


def test_an_instant_can_have_any_offset(client: TestClient) -> None:
    assert get(client, f"{TICKER}/bars", since="2025-03-31T00:00:00-17:45")["bars"] == []
    assert len(get(client, f"{TICKER}/bars", since="0733-06-29T02:01:22-17:45")["bars"]) == 3


def test_forecasts_of_one_horizon_have_one_bar_each(client: TestClient) -> None:
    all_bars = get(client, f"{TICKER}/forecasts")["forecasts"]
    third = get(client, f"{TICKER}/forecasts", horizon=3)["forecasts"]
    assert [len(forecast["bars"]) for forecast in all_bars] == [7, 7]
    assert [forecast["bars"] for forecast in third] == [forecast["bars"][2:3] for forecast in all_bars]


def test_forecasts_of_a_period_without_any_are_none(client: TestClient) -> None:
    since = (START - timedelta(days=9)).isoformat()
    assert get(client, f"{TICKER}/forecasts", since=since, until=since)["forecasts"] == []


def test_events_are_reports_that_are_still_expected_dividends_and_announcements(client: TestClient) -> None:
    events = get(client, f"{TICKER}/events", **AROUND)["events"]
    assert [(event["day_exchange"], event["kind"]) for event in events] == [
        ("2025-04-02", "report"),
        ("2025-04-01", "dividend"),
        ("2025-03-31", "announcement"),
    ]
    report, dividend, announcement = events
    assert (report["timing"], report["is_confirmed"], report["effective_at"]) == ("after_close", True, None)
    assert dividend["amount"] == 0.25
    assert (announcement["description"], announcement["effective_at"]) == ("Rate decision", "2025-03-31T15:00:00Z")
    assert get(client, f"{TICKER}/events", **AROUND, limit=1)["events"] == events[:1]


def test_without_days_events_are_those_around_today(client: TestClient) -> None:
    assert get(client, f"{TICKER}/events")["events"] == []


def test_versions_come_newest_first_and_may_be_those_that_serve(client: TestClient) -> None:
    assert [row["model_version"] for row in get(client, f"{TICKER}/versions")["versions"]] == ["m2", "m1"]
    (served,) = get(client, f"{TICKER}/versions", is_promoted=True)["versions"]
    assert (served["model_version"], served["is_serving"], served["step_count"]) == ("m1", True, 4)
    (first,) = get(client, f"{TICKER}/versions", until=START.isoformat())["versions"]
    assert first["model_version"] == "m1"


def test_quality_counts_the_bars_that_are_missing(client: TestClient) -> None:
    (day,) = get(client, f"{TICKER}/quality", **AROUND)["days"]
    assert (day["day_exchange"], day["expected_count"], day["bar_count"], day["missing_count"]) == (
        "2025-03-31",
        7,
        3,
        4,
    )


def test_hours_come_newest_first_with_their_counts(client: TestClient) -> None:
    newest, oldest = get(client, "/api/v1/hours")["hours"]
    assert (newest["as_of"], newest["failed_count"]) == (at(3).isoformat().replace("+00:00", "Z"), 1)
    assert oldest["skipped_count"] == 1
    assert get(client, "/api/v1/hours", until=at(2).isoformat())["hours"] == [oldest]


def outcomes(client: TestClient, **parameters: Any) -> dict[str, Any]:
    return get(client, f"/api/v1/hours/{at(3).isoformat().replace('+00:00', 'Z')}/outcomes", **parameters)


def test_an_hour_lists_problems_first(client: TestClient) -> None:
    found = outcomes(client)
    assert found["outcome_count"] == len(found["outcomes"]) > 3
    assert (found["outcomes"][0]["ticker"], found["outcomes"][0]["reason"]) == ("CURRENT", REASON)


def test_an_hour_can_be_cut_down_to_a_result_or_a_shard(client: TestClient) -> None:
    assert [row["ticker"] for row in outcomes(client, status="failed")["outcomes"]] == ["CURRENT"]
    shards = [outcomes(client, shard_index=index) for index in (0, 1)]
    assert {row["shard_index"] for row in shards[1]["outcomes"]} == {1}
    assert sum(found["outcome_count"] for found in shards) == outcomes(client)["outcome_count"]


def test_the_pages_of_an_hour_hold_every_ticker_once(client: TestClient) -> None:
    pages = [outcomes(client, page=number, page_size=3)["outcomes"] for number in (1, 2, 3)]
    names = [row["ticker"] for page in pages for row in page]
    assert len(names) == len(set(names)) == outcomes(client)["outcome_count"]


def test_scores_come_with_what_they_mean(client: TestClient) -> None:
    found = get(client, f"{TICKER}/scores")
    assert {(row["horizon"], row["window_days"]) for row in found["windows"]} == {(1, None), (2, None)}
    assert found["assessment"]["good_for"] == []
    assert "1 forecasts were scored so far" in found["assessment"]["not_good_for"][0]
    assert client.get("/api/v1/tickers/NOTHING/scores").status_code == 404


def test_scores_by_day_are_those_of_a_horizon(client: TestClient) -> None:
    (day,) = get(client, f"{TICKER}/scores/daily", horizon=2, **AROUND)["days"]
    assert (day["day_exchange"], day["horizon"], day["forecast_count"], day["coverage_90_ratio"]) == (
        "2025-03-31", 2, 1, 1.0,
    )  # fmt: skip


def test_a_ticker_without_recent_scores_has_no_calibration_curve(client: TestClient) -> None:
    assert get(client, f"{TICKER}/calibration", window_days=30) == {"levels": []}
    assert client.get(f"{TICKER}/calibration", params={"window_days": 31}).status_code == 422


@pytest.mark.parametrize("view", sorted(TIME_COLUMNS))
def test_each_view_can_be_downloaded_as_csv_and_parquet(client: TestClient, view: str) -> None:
    text = client.get(f"{TICKER}/export/{view}")
    table = pq.read_table(io.BytesIO(client.get(f"{TICKER}/export/{view}", params={"format": "parquet"}).content))
    assert (text.status_code, text.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert text.headers["content-disposition"] == f'attachment; filename="CURRENT_{view}.csv"'
    assert text.text.splitlines()[0].replace('"', "").split(",") == table.column_names
    assert len(text.text.splitlines()) - 1 == table.num_rows > 0
    assert table.schema.field("ticker").metadata[b"comment"] == b"Symbol as Yahoo spells it."


def test_a_download_has_the_rows_of_its_period(client: TestClient) -> None:
    bars = get(client, f"{TICKER}/bars")["bars"]
    period = {"since": bars[1]["closed_at"], "until": bars[1]["closed_at"]}
    response = client.get(f"{TICKER}/export/bar", params=period)
    assert len(response.text.splitlines()) == 2
    assert response.headers["content-disposition"].endswith('"CURRENT_bar_2025-03-31_2025-03-31.csv"')


def test_a_download_that_the_client_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get(f"{TICKER}/export/bar")
    again = client.get(f"{TICKER}/export/bar", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_download_of_too_many_rows_is_refused_with_what_to_do(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.forecasts.api_export.MOST_ROWS", 2)
    response = client.get(f"{TICKER}/export/bar")
    assert response.status_code == 422
    assert "Choose a shorter one" in response.json()["detail"]


def test_the_name_of_a_file_has_nothing_of_a_hostile_ticker(client: TestClient) -> None:
    response = client.get(f"/api/v1/tickers/{HOSTILE}/export/bar")
    assert response.headers["content-disposition"] == 'attachment; filename="IMG-SRC-X-ONERROR-ALERT-1_bar.csv"'


def test_what_can_be_asked_for_is_what_the_store_exports() -> None:
    assert set(get_args(View)) == set(TIME_COLUMNS)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{TICKER}/export/ticker_status", 422),
        (f"{TICKER}/export/bar?format=xlsx", 422),
        (f"{TICKER}/forecasts?horizon=8", 422),
        (f"{TICKER}/events?since_day=0001-01-01", 422),
        ("/api/v1/hours/yesterday/outcomes", 422),
        ("/api/v1/hours/2025-03-31T17:00:00/outcomes", 422),
        ("/api/v1/hours/2025-03-31T17:00:00Z/outcomes?status=lost", 422),
        (f"{TICKER}/versions?limit=0", 422),
        (f"{TICKER}/bars?since=0001-01-01T00:00:00%2B01:00", 422),
    ],
)
def test_what_cannot_be_done_is_a_problem(client: TestClient, path: str, status: int) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "path",
    [
        f"{TICKER}/events",
        f"{TICKER}/versions",
        f"{TICKER}/quality",
        f"{TICKER}/scores",
        f"{TICKER}/calibration",
        f"{TICKER}/export/bar",
        "/api/v1/hours",
    ],
)
def test_an_outage_of_the_database_is_no_empty_list(path: str) -> None:
    nowhere = create_reader_engine("postgresql+psycopg2://bi_reader:word@127.0.0.1:9/hourcast")
    response = TestClient(create_app(lambda: nowhere, login=lambda: None)).get(path)
    assert (response.status_code, response.json()["code"]) == (503, "database-down")
