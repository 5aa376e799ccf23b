"""The login that every route needs, and the headers that every response has.

Airflow does not protect a plugin's routes. The functions that do are not part of its public interface, so the page
refuses everybody if they cannot be imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from fastapi import HTTPException, Request, Response, status

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def deny_all() -> None:
    """Refuses every request.

    Raises:
        HTTPException: always, with status 403.
    """
    detail = "This version of Airflow has no login that the page can use, so the page is closed."
    raise HTTPException(status.HTTP_403_FORBIDDEN, detail)


def login_dependency() -> Callable[..., Any]:
    """The dependency that lets through whoever may see Airflow's plugins; ``deny_all`` without such a function."""
    try:
        resources = import_module("airflow.api_fastapi.auth.managers.models.resource_details")
        security = import_module("airflow.api_fastapi.core_api.security")
        login: Callable[..., Any] = security.requires_access_view(resources.AccessView.PLUGINS)
    except (ImportError, AttributeError):
        return deny_all
    return login


async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """The response of a request, with the headers that limit what a browser does with it."""
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response
