"""The promised queries about the last days, over a history that ends now: what each of them says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, OutcomeStatus
from include.earnings import EarningsDate, ReportTiming
from include.local.postgres import EmbeddedPostgres
from include.store import onboarding, registry
from include.store.accuracy import recount
from include.store.earnings import save_earnings
from include.store.engine import Connection, create_store_engine, execute, transaction
from include.store.forecasts import save_predictions
from include.store.migrations import SQL_DIR
from tests.sql.conftest import Ask, asking
from tests.support.rows import predictions, track

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
DAY_COUNT = 24
CRPS = {
    "GAIN": 8.0 + np.arange(DAY_COUNT) % 2,  # random walk: 10, HAR: 9
    "NONE": 9.0 + 2.0 * (np.arange(DAY_COUNT) % 2),
    "LOSS": 12.0 + np.arange(DAY_COUNT) % 2,
}
ANNOUNCED = [{"kind": "announcement", "text": "rate decision at 14:00"}, {"kind": "night_price", "text": "+1 %"}]


def _predict(connection: Connection, ticker: str, as_of: datetime, **changes: Any) -> None:
    anchored_at = as_of - timedelta(minutes=30)
    targets = [anchored_at + timedelta(hours=ahead) for ahead in range(1, HORIZON_COUNT + 1)]
    save_predictions(
        connection, predictions(as_of, ticker, **changes).assign(anchored_at=anchored_at, target_at=targets)
    )


def _score(connection: Connection, ticker: str, as_of: datetime, crps: float, is_inside: bool) -> None:
    execute(
        connection,
        """
        insert into forecast.score (
            ticker, as_of, horizon, actual_close, actual_known_at, pinball, crps, random_walk_crps, seasonal_har_crps,
            absolute_error, dividend_gap, inside, scored_as_of
        )
        values (:ticker, :as_of, 1, 100, :at, 1, :crps, 10, 9, 0, 0, :inside, :at)
        """,
        {
            "ticker": ticker,
            "as_of": as_of,
            "crps": float(crps),
            "inside": 12 if is_inside else 0,  # the bits of the 90 and the 95 % interval
            "at": as_of + timedelta(hours=1),
        },
    )


def _store(connection: Connection, now: datetime) -> None:
    track(connection, *CRPS)
    for ticker, losses in CRPS.items():
        for number, loss in enumerate(losses):
            as_of = now - (DAY_COUNT - number) * DAY
            _predict(connection, ticker, as_of)
            _score(connection, ticker, as_of, loss, is_inside=number % 4 != 0)
    recount(connection)
    _predict(connection, "GAIN", now, last_close=104.0, reasons=[ANNOUNCED] * HORIZON_COUNT)
    registry.plan_hour(connection, now - timedelta(hours=5), 1, 1)
    registry.plan_hour(connection, now - timedelta(hours=2), 1, 1)
    outcomes: dict[str, tuple[OutcomeStatus, str | None]] = dict.fromkeys(CRPS, (OutcomeStatus.FORECAST, None))
    registry.record_outcomes(connection, now - timedelta(hours=5), outcomes)
    outcomes |= {ticker: (OutcomeStatus.FAILED, f"{ticker}: timeout") for ticker in ("LOSS", "NONE")}
    registry.record_outcomes(connection, now - timedelta(hours=2), outcomes)
    onboarding.open_ticker(connection, "manual__1", "N OPE", as_of=now, source="yahoo", history_days=5)
    onboarding.close(connection, "manual__1", "N OPE", "rejected", "it is not a ticker")
    report = EarningsDate("LOSS", (now + 3 * DAY).date(), ReportTiming.AFTER_CLOSE, True, "yahoo", now - DAY)
    save_earnings(connection, [report], {"LOSS": now - DAY})


@pytest.fixture(scope="module")
def now() -> datetime:
    """The instant at which the history ends."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def recent(migrated_server: EmbeddedPostgres, module_database_url: str, now: datetime) -> Iterator[Ask]:
    engine = create_store_engine(module_database_url)
    with transaction(engine) as connection:
        _store(connection, now)
    engine.dispose()
    with asking(migrated_server, module_database_url) as ask:
        yield ask


def _answer(ask: Ask, name: str) -> list[dict[str, Any]]:
    return ask((SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8"))


def test_an_edge_is_a_skill_of_more_than_two_errors_over_days(recent: Ask) -> None:
    everyone, *rows = _answer(recent, "edge")

    assert [(row["ticker"], row["verdict"]) for row in rows] == [
        ("GAIN", "edge"),
        ("LOSS", "worse than the random walk"),
        ("NONE", "no edge shown"),
    ]
    for row in rows:
        losses = CRPS[row["ticker"]]
        error = np.std(losses, ddof=1) / np.sqrt(DAY_COUNT) / 10
        assert float(row["crps_skill_ratio"]) == pytest.approx(1 - losses.mean() / 10, abs=1e-4)
        assert float(row["crps_skill_error"]) == pytest.approx(error, abs=1e-4)
        assert float(row["har_crps_skill_ratio"]) == pytest.approx(1 - losses.mean() / 9, abs=1e-4)
        assert (row["day_count"], row["forecast_count"]) == (DAY_COUNT, DAY_COUNT)
    total = sum(CRPS.values())
    assert (everyone["ticker"], everyone["forecast_count"]) == (None, 3 * DAY_COUNT)
    error = np.std(total, ddof=1) / np.sqrt(DAY_COUNT) / 30
    assert float(everyone["crps_skill_error"]) == pytest.approx(error, abs=1e-4)


def test_coverage_has_an_error_over_days(recent: Ask) -> None:
    rows = _answer(recent, "coverage_last_month")

    inside = np.arange(DAY_COUNT) % 4 != 0
    assert [row["ticker"] for row in rows] == ["GAIN", "LOSS", "NONE"]
    assert {float(row["coverage_90_ratio"]) for row in rows} == {inside.mean()}
    error = np.std(inside, ddof=1) / np.sqrt(DAY_COUNT)
    assert float(rows[0]["standard_error"]) == pytest.approx(error, abs=1e-3)


def test_the_next_bar_has_its_move_its_widths_and_its_reasons(recent: Ask) -> None:
    (row,) = _answer(recent, "next_bar_confidence")  # the other tickers have no bar ahead

    assert (row["ticker"], row["price"], float(row["median_move_ratio"])) == ("GAIN", 104.0, 0.0)
    assert (row["q05"], row["q95"], float(row["width_90_ratio"])) == (101.0, 107.0, round(6 / 104, 5))
    assert row["reasons"] == "rate decision at 14:00; +1 %"


def test_a_change_is_that_from_a_forecast_of_a_day_before(recent: Ask, now: datetime) -> None:
    first, *others = _answer(recent, "changed_since_yesterday")

    assert (first["ticker"], float(first["move_ratio"])) == ("GAIN", 0.04)
    assert (first["as_of"], first["earlier_as_of"]) == (now, now - DAY)
    assert {float(row["move_ratio"]) for row in others} == {0.0}


def test_reports_and_announcements_of_the_coming_days_are_due(recent: Ask, now: datetime) -> None:
    rows = _answer(recent, "due_this_week")

    assert {(row["kind"], row["description"], row["tickers"]) for row in rows} == {
        ("announcement", "rate decision at 14:00", "GAIN"),
        ("report", "after_close, confirmed", "LOSS"),
    }
    assert [row["due_on"] for row in rows if row["kind"] == "report"] == [(now + 3 * DAY).date()]


def test_failed_hours_name_tickers_and_reasons_and_missing_hours(recent: Ask, now: datetime) -> None:
    since, failed, *between = _answer(recent, "failed_hours")

    assert (failed["as_of"], failed["problem"], failed["reason"]) == (now - timedelta(hours=2), "failed", "timeout")
    assert (failed["tickers"], failed["ticker_count"]) == ("LOSS, NONE", 2)
    assert {row["problem"] for row in (since, *between)} == {"never ran"}
    assert (since["as_of"], since["reason"][:22]) == (now - timedelta(hours=1), "nothing has run since:")
    assert [row["as_of"] for row in between] == [now - timedelta(hours=3), now - timedelta(hours=4)]
    assert {row["reason"][:12] for row in between} == {"nothing ran:"}


def test_a_refused_name_has_its_reason(recent: Ask) -> None:
    (row,) = _answer(recent, "refused_names")

    assert (row["ticker"], row["result"], row["reason"]) == ("N OPE", "rejected", "it is not a ticker")
