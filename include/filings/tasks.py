"""What the tasks of ``filings_etl`` call: one function a task, plain JSON values in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from include.artefacts.opening import open_store
from include.contracts import TickerStatus
from include.errors import InvalidRequestError, SettingsError
from include.filings import document_files, fetching, loading
from include.filings.companies import edgar_numbers, opendart_numbers
from include.filings.database import open_engine
from include.filings.edgar import Edgar, EdgarSettings
from include.filings.embedding import open_embedder
from include.filings.fetching import Feed, dart_feed, edgar_feed
from include.filings.files import SEOUL
from include.filings.opendart import OpenDart, OpenDartSettings
from include.filings.vectors import embed_chunks
from include.filings_settings import FilingsSettings
from include.settings import load_settings, opendart_key
from include.store import filings as store
from include.store import registry
from include.store.engine import Engine, transaction
from include.store.filed_reports import save_filed_reports

Json = dict[str, Any]
_FORECAST: Final = (TickerStatus.ACTIVE, TickerStatus.STALE, TickerStatus.FAILED)
"""Tickers that hours fetch."""
_NO_SOURCE: Final = (
    "Neither HOURCAST_EDGAR_CONTACT nor OPENDART_KEY is set, so there is no source of filings. The SEC wants a name "
    "and a mail address of whoever asks, such as 'Jane Doe jane@example.org'. OpenDART gives a key to its users."
)


def list_filings(as_of: datetime, form: Mapping[str, Any]) -> Json:
    """Stores which filings the companies have made; counts, and the note of the run.

    ``form`` may name ``tickers`` (default: all tracked) and ``days`` before ``as_of`` (default: the setting).

    Raises:
        SettingsError: no source is set up.
        InvalidRequestError: no source knows any of the tickers that the form names.
        FilingsUnavailableError: no list could be read.
    """
    settings = load_settings().filings
    since = (as_of - timedelta(days=form.get("days") or settings.filings_history_days)).date()
    named = [ticker.strip().upper() for ticker in form.get("tickers") or () if ticker.strip()]
    counts = {"companies": 0, "new": 0, "failed": 0}
    with open_engine() as engine:
        tickers = named or _tracked(engine)
        for feed, numbers in _companies(settings, as_of, tickers):
            if numbers:
                found = fetching.list_filings(engine, feed, sorted(set(numbers.values())), since)
                counts = {name: count + found[name] for name, count in counts.items()}
    if named and not counts["companies"] and not counts["failed"]:
        message = f"No source of filings knows {', '.join(named)}. US and Korean companies have filings."
        raise InvalidRequestError(message)
    return {"counts": counts, "note": f"{counts['new']} new filings of {counts['companies']} companies are listed."}


def fetch(as_of: datetime) -> Json:
    """Fetches the contents that are missing; counts of filings.

    Raises:
        SettingsError: no source is set up.
        FilingsUnavailableError: there were filings to fetch, and none could be.
    """
    counts = {"fetched": 0, "failed": 0, "left": 0}
    with open_engine() as engine:
        for feed, _ in _feeds(load_settings().filings, as_of):
            found = fetching.fetch_listed(engine, feed, None, lambda: datetime.now(UTC))
            counts = {name: count + found[name] for name, count in counts.items()}
    return counts


def transform() -> dict[str, int]:
    """Converts and cuts what was fetched; counts of filings."""
    with open_engine() as engine:
        return loading.convert_kept(engine)


def write_files() -> dict[str, int]:
    """Writes texts and chunks as files beside the model artefacts; counts of documents.

    Raises:
        ArtefactStoreUnavailableError: the object store cannot be reached now.
        CheckpointError: the folder cannot be written to.
        SettingsError: the address of the artefacts cannot be used.
    """
    with open_engine() as engine:
        return document_files.write_files(engine, open_store(load_settings().model))


def embed() -> dict[str, int]:
    """Embeds the chunks that the model of the settings has not embedded; counts of chunks, none without a model.

    Raises:
        FilingsUnavailableError: the model's service cannot be reached now.
        SettingsError: the model or its package is unknown, or the database lacks the extension ``vector``.
    """
    settings = load_settings().filings
    embedder = open_embedder(settings)
    if embedder is None:
        return {"embedded": 0, "left": 0}
    with open_engine() as engine:
        return embed_chunks(engine, embedder, 60.0 * settings.embedding_minutes)


def store_report_days(as_of: datetime) -> Json:
    """Stores on which days, and in which minute, tracked companies have reported; counts, and the note of the run."""
    with open_engine() as engine, transaction(engine) as connection:
        new_count = save_filed_reports(connection, as_of)
        total = store.counts(connection)
    stored = f"{total['documents']} filings are stored, {total['problems']} cannot be converted"
    return {"counts": {"new": new_count}, "note": f"{stored}; {new_count} new days of reports."}


def _tracked(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return [item.ticker for item in registry.get_tickers(connection, statuses=_FORECAST)]


def _feeds(settings: FilingsSettings, as_of: datetime) -> list[tuple[Feed, Edgar | OpenDart]]:
    """The sources that are set up.

    Raises:
        SettingsError: none is, or what is set has another form.
    """
    found: list[tuple[Feed, Edgar | OpenDart]] = []
    if settings.edgar_contact:
        addresses = (settings.edgar_lists_url, settings.edgar_archives_url, settings.edgar_tickers_url)
        edgar = Edgar(EdgarSettings(settings.edgar_contact, *addresses))
        found.append((edgar_feed(edgar), edgar))
    if key := opendart_key():
        dart = OpenDart(OpenDartSettings(key, settings.opendart_url))
        found.append((dart_feed(dart, as_of.astimezone(SEOUL).date()), dart))
    if not found:
        raise SettingsError(_NO_SOURCE)
    return found


def _companies(settings: FilingsSettings, as_of: datetime, tickers: list[str]) -> Iterator[tuple[Feed, dict[str, str]]]:
    """Each source with the numbers of those of the tickers that it may know."""
    for feed, client in _feeds(settings, as_of):
        if isinstance(client, Edgar):
            yield feed, edgar_numbers(client.tickers(), tickers)
        else:
            yield feed, opendart_numbers(client.companies, tickers)
