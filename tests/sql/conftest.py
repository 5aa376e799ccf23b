"""A small, whole history to look at, the same for every test of a module: stored once, and only read."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import psycopg2
import psycopg2.extras
import pytest

from include.contracts import OutcomeStatus, Stage, TickerStatus
from include.earnings import EarningsDate, ReportTiming
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store import backbones, onboarding, registry
from include.store.backbone_scores import BackboneScore, save_backbone_scores
from include.store.backbones import BackboneRow, settle_backbone
from include.store.bars import save_rejections, upsert_bars
from include.store.drift import Look, Market, save_look
from include.store.earnings import save_earnings
from include.store.engine import Connection, create_store_engine, transaction
from include.store.forecasts import matured_unscored, save_baselines, save_predictions, save_scores
from include.store.method_scores import MethodScore, save_method_scores
from include.store.model_operations import Operation, save_operation
from include.store.models import save_model_versions
from include.store.stage_runs import StageRun, save_stage_run
from tests.store.test_drift import COVERAGE, LATE, LEVEL, VOLUME
from tests.support.databases import plain_url
from tests.support.rows import START, at, bars, predictions, prices, scores, track, version

AS_OF = START + timedelta(minutes=35)
NEXT = AS_OF + timedelta(hours=1)
CLOSES = [101.0, 98.0]
"""AAPL's closes one and two bars after the first forecast, which said 100."""

Ask = Callable[..., list[dict[str, Any]]]


def _store(url: str) -> None:
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        track(connection, "AAPL", "WALK")
        track(connection, "NOVA-USD.SIM", source="simulated")
        registry.upsert_pending(connection, [("NEW", "yahoo", 729)], "Yahoo cannot be reached", START)
        upsert_bars(connection, bars([100.0], first=-1))
        upsert_bars(connection, bars([*CLOSES], known_at=NEXT + timedelta(hours=1)))
        upsert_bars(connection, bars([100.5], first=-1, known_at=at(30)))
        twice = pd.concat([bars([1.0], first=1).assign(reason=reason) for reason in ("off_grid", "not_finite")])
        save_rejections(connection, twice, at(2))
        save_predictions(connection, predictions(AS_OF))
        save_predictions(connection, predictions(NEXT, last_close=101.0))
        fallback = {"is_fallback": True, "fallback_reason": "no model yet", "model_version": None}
        save_predictions(connection, predictions(NEXT, "WALK", **fallback))
        for as_of, ticker in ((AS_OF, "AAPL"), (NEXT, "AAPL"), (NEXT, "WALK")):
            save_baselines(connection, prices(as_of, ticker).assign(baseline="random_walk"))
        save_baselines(connection, prices(NEXT, median=99.0).assign(baseline="seasonal_har"))
        matured = matured_unscored(connection, NEXT + timedelta(hours=1))
        ours = matured["method"].eq("hourcast")
        save_scores(connection, scores(matured, NEXT + timedelta(hours=1)).assign(crps=np.where(ours, 9.0, 10.0)))
        registry.plan_hour(connection, NEXT, 2, 1)
        registry.advance(connection, NEXT, ["AAPL", "WALK"], Stage.PREDICTED)
        registry.record_outcomes(
            connection,
            NEXT,
            {
                "AAPL": (OutcomeStatus.FORECAST, None),
                "WALK": (OutcomeStatus.FALLBACK, "no model yet"),
                "NOVA-USD.SIM": (OutcomeStatus.FAILED, "fetch: timeout"),
            },
        )
        registry.set_status(connection, "WALK", TickerStatus.ACTIVE, "a remark", START)
        for hours, day in ((40, date(2025, 4, 24)), (50, date(2025, 5, 1)), (60, date(2025, 4, 24))):
            expected = EarningsDate("AAPL", day, ReportTiming.AFTER_CLOSE, hours > 50, "yahoo", at(hours))
            save_earnings(connection, [expected], {"AAPL": at(hours)})
        _store_requests_and_versions(connection)
        save_stage_run(connection, StageRun(NEXT, "predict", 0, False, 1.5, 300_000_000, {"forecast": 1}))
        save_stage_run(connection, StageRun(NEXT, "fetch_bars", 0, False, 2.5, 200_000_000, {"bars_new": 1}))
        for as_of in (NEXT, AS_OF):
            settle_backbone(connection, as_of, "shipped-1", is_shipped=True)
        save_look(connection, Look(NEXT, START, "shipped-1"), [COVERAGE, LATE], [LEVEL, VOLUME])
        _store_backbone(connection)
        save_operation(connection, Operation(NEXT, "keep", "no drift is proven", "watch_models", "shipped-1"))
        later = replace(expected, reported_on=date(2999, 1, 1), known_at=datetime(2998, 1, 1, tzinfo=UTC))
        save_earnings(connection, [expected, later], {"AAPL": at(61)})
    engine.dispose()


def _store_backbone(connection: Connection) -> None:
    backbones.open_backbone(connection, BackboneRow("drift__1", NEXT, AS_OF, ["AAPL"], 2, 7, None))
    score = BackboneScore(Market(False, "XNYS"), "HAR", 1, 20, 0.06, 0.05, -0.01, 0.002, False, "better")
    save_backbone_scores(connection, "drift__1", [score])
    method = MethodScore("LSTM", "m" * 64, 9, 1, 20, 0.05, 0.01, 0.06, 0.01, 0.004, 0.9, {"skill": [0.06]})
    save_method_scores(connection, "drift__1", [method])


def _store_requests_and_versions(connection: Connection) -> None:
    for ticker in ("AAPL", "WALK", "N OPE", "NEW"):
        onboarding.open_ticker(connection, "manual__1", ticker, as_of=START, source="yahoo", history_days=729)
    onboarding.advance(connection, "manual__1", ["AAPL"], onboarding.RequestStage.FORECAST)
    onboarding.close(connection, "manual__1", "AAPL", "active", None)
    onboarding.close(connection, "manual__1", "N OPE", "rejected", "'N OPE' is not a ticker")
    onboarding.close(connection, "manual__1", "NEW", "pending", "Yahoo cannot be reached")
    onboarding.open_ticker(
        connection, "cli__retire", "GONE", as_of=NEXT, source=None, history_days=0, requested_by="ada"
    )
    onboarding.close(connection, "cli__retire", "GONE", "not_tracked", "GONE is not tracked")
    test = {"challenger_number": 1, "bar_count": 7, "log_e_values": [0.0, math.log(3.0)], "is_proven": False}
    first = replace(version(START, model_version="m0"), kind="first_training", config={"steps": 0})
    tuned = replace(version(AS_OF, is_promoted=False), parent_version="m0", sequential_test=test)
    restart = replace(version(NEXT, model_version="m2"), kind="restart", config={"reason": "it lost"})
    save_model_versions(connection, [first, tuned, restart])


@pytest.fixture(scope="module")
def ask(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Ask]:
    """Asks a question as the BI tools' role, over the small history; rows as dicts."""
    _store(module_database_url)
    with asking(migrated_server, module_database_url) as ask_as_reader:
        yield ask_as_reader


@contextmanager
def asking(migrated_server: EmbeddedPostgres, url: str) -> Iterator[Ask]:
    """Asks questions as the BI tools' role in the database at ``url``."""
    database = url.rpartition("/")[2]
    connection = psycopg2.connect(plain_url(migrated_server.url(READER_ROLE, database)))
    connection.autocommit = True

    def ask_as_reader(question: str, *values: Any) -> list[dict[str, Any]]:
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute("set timezone = 'UTC'")
            cursor.execute(question, values or None)
            return [dict(row) for row in cursor.fetchall()]

    yield ask_as_reader
    connection.close()
