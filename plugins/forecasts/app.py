"""The FastAPI app of the page: its routes, all of them behind the login, and its connections to the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from include.artefacts.reports import report_store
from include.artefacts.store import ArtefactStore
from include.errors import SettingsError
from include.settings import load_settings
from include.store import page
from include.store.reader import Engine, create_reader_engine
from plugins.forecasts import (
    api,
    api_accuracy,
    api_export,
    api_filings,
    api_hours,
    api_models,
    api_requests,
    api_scores,
    api_ticker,
    pages,
    reports,
)
from plugins.forecasts.overview import Listing
from plugins.forecasts.responses import add_problem_handlers
from plugins.forecasts.security import add_headers, login_dependency

_ENDPOINTS = (
    api, api_accuracy, api_export, api_filings, api_hours, api_models, api_requests, api_scores, api_ticker,
)  # fmt: skip
SMALLEST_COMPRESSED = 1024
"""Bytes from which on a response is compressed."""
_DESCRIPTION = "Forecasts of every tracked ticker. Names and units are those of the views in schema bi."


@cache
def open_engine() -> Engine:
    """The connections of this process, opened by the first request.

    Raises:
        SettingsError: no address is set, or a setting is wrong.
    """
    url = load_settings().store.reader_url
    if url is None:
        message = (
            "HOURCAST_READER_URL is not set, so the page has no database to read. Set it to the address of the "
            "Hourcast database with the role bi_reader, and restart Airflow's API server."
        )
        raise SettingsError(message)
    return create_reader_engine(url)


def open_reports() -> ArtefactStore:
    """The store of the weekly reports.

    Raises:
        SettingsError: a setting is wrong.
    """
    return report_store(load_settings().model)


def create_app(
    open_database: Callable[[], Engine] = open_engine,
    login: Callable[..., Any] | None = None,
    open_store: Callable[[], ArtefactStore] = open_reports,
) -> FastAPI:
    """The app; ``login`` is the dependency that every route has (default: Airflow's)."""
    app = FastAPI(
        title="Hourcast",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(login or login_dependency())],
    )
    app.state.open_engine = open_database
    app.state.open_reports = open_store
    app.state.listing = Listing(lambda: page.read_states(open_database()), lambda: page.read_skills(open_database()))
    app.add_middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED, compresslevel=5)
    app.middleware("http")(add_headers)
    add_problem_handlers(app)
    for endpoints in _ENDPOINTS:
        app.include_router(endpoints.router)
    app.include_router(reports.router)
    app.include_router(pages.router)  # last: its final route takes every path that is left
    return app
