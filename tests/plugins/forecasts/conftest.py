"""A small history around this moment, and the app over it without a login; nothing of Airflow is imported."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.contracts import OutcomeStatus, TickerStatus
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store import registry
from include.store.bars import upsert_bars
from include.store.drift import DriftRow, Look, Market, save_look
from include.store.engine import create_store_engine, execute, transaction
from include.store.forecasts import matured_unscored, save_predictions, save_scores
from include.store.model_operations import Operation, save_operation
from include.store.reader import Engine, create_reader_engine
from plugins.forecasts.app import create_app
from tests.support.client import TestClient
from tests.support.rows import START, at, bars, predictions, scores, track

HOSTILE = '<IMG SRC=X ONERROR="ALERT(1)">'
OPERATIONS = (
    Operation(at(3), "retrain", "drift is proven: coverage in XNYS", "watch_models", "b1", None, "drift__1"),
    Operation(at(3), "reject", "not better", "ada", "b2", "b1", "drift__1"),
    Operation(at(2), "keep", "no drift is proven", "watch_models", "b1"),
    Operation(at(1), "promote", "better", "pretrain_backbone", "b1", "b0", "drift__0"),
)
"""What was done with the backbones; `keep` is nothing that the page shows."""
NEXT_TARGETS = {
    "CURRENT": timedelta(minutes=30),
    "CLOSED": timedelta(hours=20),
    "DUE": timedelta(minutes=-30),
    "LATE": timedelta(hours=-5),
    "STALE": timedelta(hours=-50),
}
"""When the newest forecast's first bar closes, from now."""


def _store(url: str) -> None:
    now = datetime.now(UTC)
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        track(connection, *NEXT_TARGETS, HOSTILE)
        track(connection, "NOVA-USD.SIM", source="simulated")
        registry.upsert_pending(connection, [("NEW", "yahoo", 729)], "the first bars are missing", START)
        for ticker, ahead in NEXT_TARGETS.items():
            made = predictions(now + ahead - timedelta(hours=1), ticker)
            save_predictions(connection, made.assign(target_at=[now + ahead + timedelta(hours=h) for h in range(7)]))
        registry.set_status(connection, "STALE", TickerStatus.STALE, "no bars since Monday", now)
        upsert_bars(connection, bars([100.0, 101.0, 98.0], "CURRENT", first=-1))
        save_predictions(connection, predictions(START + timedelta(minutes=35), "CURRENT"))
        save_predictions(connection, predictions(START + timedelta(minutes=35), HOSTILE, reasons=None))
        matured = matured_unscored(connection, at(5))
        save_scores(connection, scores(matured, at(5)))
        drifted = DriftRow(Market(False, "XNYS"), "coverage", 40, 0.8, 0.9, 8000.0, True, at(2), {})
        steady = DriftRow(Market(False, "XNYS"), "pit", 40, 0.1, 0.1, 1.0, False, None, {})
        save_look(connection, Look(at(3), at(0), "b1"), [drifted, steady], [])
        for operation in OPERATIONS:
            save_operation(connection, operation)
        registry.plan_hour(connection, at(2), 1, 1)
        registry.record_outcomes(connection, at(2), {"CURRENT": (OutcomeStatus.SKIPPED, "no new closed bar")})
        execute(connection, "update forecast.ticker set name = :name where ticker = :name", {"name": HOSTILE})
    engine.dispose()


@pytest.fixture(scope="module")
def engine(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Engine]:
    """The pool of the page over the small history."""
    _store(module_database_url)
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def client(engine: Engine) -> TestClient:
    """A client of the app whose login lets everybody in."""
    return TestClient(create_app(lambda: engine, login=lambda: None))
