"""What a use case works with: the settings, a connection pool and the bar sources.

They are opened once for each task or command and passed on as an argument. No other module of the pipeline reads the
environment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from include.errors import SettingsError
from include.market.source import YAHOO, BarSource
from include.market.sources import open_sources
from include.settings import Settings, load_settings
from include.store.budget import RequestBudget
from include.store.engine import Engine, create_store_engine

_INCLUDE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Services:
    """The settings, the database and the sources of bars that a use case is given."""

    settings: Settings
    engine: Engine
    sources: Mapping[str, BarSource]


def open_services(settings: Settings | None = None) -> Services:
    """The services that the settings (default: the environment's) describe.

    Raises:
        SettingsError: a setting is wrong, or no database is named.
    """
    chosen = load_settings() if settings is None else settings
    if chosen.store.database_url is None:
        message = "HOURCAST_DATABASE_URL is not set; use `make run`, which sets it, or name a database yourself."
        raise SettingsError(message)
    engine = create_store_engine(chosen.store.database_url)
    budget = RequestBudget(engine, YAHOO, chosen.market.yahoo_requests_per_second)
    return Services(settings=chosen, engine=engine, sources=open_sources(chosen.market, budget))


@contextmanager
def opened_services() -> Iterator[Services]:
    """The services that the environment describes, for one task; its database connections are closed at the end."""
    services = open_services()
    try:
        yield services
    finally:
        services.engine.dispose()


def seed_of(root: int, ticker: str, as_of: datetime) -> int:
    """The seed of one ticker's training in one hour: 63 bits of a hash, so that neighbours share nothing."""
    text = f"{root}|{ticker}|{as_of.isoformat()}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


@cache
def code_version() -> str:
    """The first 12 hex digits of a hash over the source of features and model: the code that made a forecast."""
    digest = hashlib.sha256()
    for path in sorted([*(_INCLUDE_DIR / "features").glob("*.py"), *(_INCLUDE_DIR / "model").glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
