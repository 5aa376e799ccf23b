"""A forecast of a bar that has closed is never offered as the next one."""

from datetime import UTC, datetime, timedelta

import pytest

from include.contracts import HORIZON_COUNT
from include.local.forecasts import open_reader
from include.store.engine import create_store_engine, fetch_rows, transaction
from include.store.forecasts import save_predictions
from include.store.migrations import SQL_DIR
from tests.support.rows import predictions, track

pytestmark = pytest.mark.integration


@pytest.fixture
def forecasts_url(database_url: str) -> str:
    """AHEAD's bars all lie ahead, one bar of LATE has closed and two of HALF, and all of GONE."""
    now = datetime.now(UTC).replace(microsecond=0)
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        track(connection, "AHEAD", "LATE", "HALF", "GONE")
        for ticker, hours in (("AHEAD", 0), ("LATE", 1), ("HALF", 2), ("GONE", 24)):
            as_of = now - timedelta(hours=hours)
            anchored_at = as_of - timedelta(minutes=30)
            targets = [anchored_at + timedelta(hours=ahead) for ahead in range(1, HORIZON_COUNT + 1)]
            save_predictions(connection, predictions(as_of, ticker, anchored_at=anchored_at, target_at=targets))
    engine.dispose()
    return database_url


def _rows(url: str, query: str) -> list[dict[str, object]]:
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        rows = fetch_rows(connection, query)
    engine.dispose()
    return rows


def test_past_targets_are_marked_and_the_first_of_the_others_is_the_next(forecasts_url: str) -> None:
    rows = _rows(
        forecasts_url,
        "select ticker, horizon, is_past, is_next, target_at > now() as is_ahead from"
        " bi.latest_forecast order by ticker, horizon",
    )

    past = {
        ticker: [row["horizon"] for row in rows if row["ticker"] == ticker and row["is_past"]]
        for ticker in ("AHEAD", "LATE", "HALF", "GONE")
    }
    assert past == {"AHEAD": [], "LATE": [1], "HALF": [1, 2], "GONE": [1, 2, 3, 4, 5, 6, 7]}
    assert all(row["is_past"] is not row["is_ahead"] for row in rows)
    following = [(row["ticker"], row["horizon"]) for row in rows if row["is_next"]]
    assert following == [("AHEAD", 1), ("HALF", 3), ("LATE", 2)]


def test_the_promised_query_and_the_status_of_a_ticker_leave_past_targets_out(forecasts_url: str) -> None:
    promised = _rows(forecasts_url, (SQL_DIR / "queries" / "next_bar.sql").read_text(encoding="utf-8"))
    status = _rows(forecasts_url, "select ticker, next_target_at from bi.ticker_status order by ticker")
    ahead = _rows(forecasts_url, "select ticker, target_at from bi.latest_forecast where is_next order by ticker")

    assert [row["ticker"] for row in promised] == ["AHEAD", "HALF", "LATE"]
    assert {row["ticker"]: row["next_target_at"] for row in status} == {
        "GONE": None,
        **{row["ticker"]: row["target_at"] for row in ahead},
    }


def test_make_run_shows_the_next_bars_and_says_which_ticker_has_none(forecasts_url: str) -> None:
    with open_reader(forecasts_url) as reader:
        shown = [(row["ticker"], row["horizon"]) for row in reader.latest()]
        (past,) = reader.past()

    assert shown == [("AHEAD", 1), ("HALF", 3), ("LATE", 2)]
    assert (past.ticker, past.status) == ("GONE", "past")
    assert past.reason is not None
    assert past.reason.startswith("the last bar closed ")
