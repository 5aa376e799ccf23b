"""The whole product for a test: a migrated database, a market with faults, a small model, and queries of the store."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from include.pipeline import hour, onboarding
from include.pipeline.services import Services
from include.settings import load_settings
from include.store.engine import create_store_engine
from tests.support.databases import owner_url, plain_url
from tests.support.market import FaultySource

AT = datetime(2025, 3, 31, 15, 35, tzinfo=UTC)
"""A Monday, 11:35 in New York: bars of stocks closed at 11:30 local, bars of crypto at 15:00 UTC."""
HOUR = timedelta(hours=1)
ROUND_THE_CLOCK = ("NOVA-USD.SIM", "ORION-USD.SIM")
NEW_YORK = ("ALFA.SIM",)

CONTENT_TABLES = (
    "ticker",
    "bar",
    "bar_revision",
    "bar_rejected",
    "split",
    "scale_question",
    "dividend",
    "earnings_date",
    "extended_close",
    "extended_rejected",
    "expected_day",
    "feature",
    "model_version",
    "prediction",
    "baseline_prediction",
    "outcome",
    "score",
    "accuracy_day",
    "accuracy_total",
    "accuracy_market_day",
    "drift_look",
    "drift",
    "input_shift",
)


class Product:
    """Services over a database and a market with faults, with shortcuts for what many tests do."""

    def __init__(self, services: Services, market: FaultySource, url: str) -> None:
        self.services = services
        self.market = market
        self.url = url

    def onboard(
        self, *tickers: str, as_of: datetime = AT, request_id: str | None = None, **form: Any
    ) -> dict[str, Any]:
        params = {"tickers": list(tickers), "history_days": 90, **form}
        name = request_id or f"test__{as_of.isoformat()}__{'_'.join(tickers)}"
        return onboarding.onboard(self.services, onboarding.Request.from_params(name, as_of, params))

    def run_hour(self, as_of: datetime) -> dict[str, int]:
        return hour.run_hour(self.services, as_of)

    def change_model(self, **changes: Any) -> None:
        """Other model settings from now on."""
        settings = self.services.settings
        self.services = replace(self.services, settings=replace(settings, model=replace(settings.model, **changes)))

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg2.connect(plain_url(owner_url(self.url))) as connection, connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
            cursor.execute(sql, values)
            rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def checksum(self, tables: Sequence[str] = CONTENT_TABLES) -> str:
        """A hash over every value of every row, clocks included."""
        digest = hashlib.sha256()
        for table in tables:
            for (row,) in self.query(f"select t::text from forecast.{table} as t order by 1"):
                digest.update(f"{table}{row}\n".encode())
        return digest.hexdigest()


def product_environment(url: str, models_dir: Path) -> dict[str, str]:
    """Settings of a model small enough for tests, over the database at ``url``."""
    return {
        "HOURCAST_DATABASE_URL": url,
        "HOURCAST_MODELS_DIR": str(models_dir),
        "HOURCAST_LANGUAGE_DIR": str(models_dir / "language"),
        "HOURCAST_CONTEXT_BARS": "16",
        "HOURCAST_MODEL_WIDTH": "8",
        "HOURCAST_MODEL_LAYERS": "1",
        "HOURCAST_MODEL_HEADS": "2",
        "HOURCAST_FIRST_TRAINING_STEPS": "3",
        "HOURCAST_HOURLY_TRAINING_STEPS": "1",
        "HOURCAST_MINIMUM_HISTORY_BARS": "50",
        "HOURCAST_SHARD_COUNT": "2",
        "HOURCAST_SHARD_MINIMUM_TICKERS": "1",
    }


@contextmanager
def open_product(url: str, models_dir: Path, market: FaultySource | None = None, **settings: str) -> Iterator[Product]:
    """A product with a model small enough for tests; ``settings`` are further ``HOURCAST_*`` values."""
    chosen = load_settings({**product_environment(url, models_dir), **settings})
    market = FaultySource() if market is None else market
    services = Services(settings=chosen, engine=create_store_engine(url), sources={"simulated": market})
    try:
        yield Product(services, market, url)
    finally:
        services.engine.dispose()
