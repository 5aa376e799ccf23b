"""The database of the filings: that of the forecasts, by its setting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from include.errors import SettingsError
from include.settings import Settings, load_settings
from include.store.engine import Engine, create_store_engine


@contextmanager
def open_engine(settings: Settings | None = None) -> Iterator[Engine]:
    """Connections to the database that the settings (default: the environment's) name; they are closed at the end.

    Raises:
        SettingsError: a setting is wrong, or no database is named.
    """
    address = (settings or load_settings()).store.database_url
    if address is None:
        message = "HOURCAST_DATABASE_URL is not set; `make run` sets it, or name a database yourself."
        raise SettingsError(message)
    engine = create_store_engine(address)
    try:
        yield engine
    finally:
        engine.dispose()
