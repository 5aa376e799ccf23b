"""How the app responds: with an ETag, so that a browser loads only what has changed, or with problem details.

Problem details are those of RFC 9457. Their ``code`` is a word for programs; ``detail`` is a sentence for people.
"""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from include.errors import SettingsError, StoreUnavailableError

PROBLEM_TYPE = "application/problem+json"
DATABASE_DOWN = "The database of the forecasts cannot be reached at the moment. Nothing is lost; try again soon."


def tagged_response(request: Request, content: bytes, media_type: str) -> Response:
    """The content with its ETag, or status 304 without content if the client has it already."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def problem(status_code: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Problem details with a status, a word for programs and a sentence for people."""
    body: dict[str, Any] = {
        "type": f"urn:hourcast:problem:{code}",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "code": code,
        "detail": detail,
    }
    return Response(json.dumps(body), status_code, headers, PROBLEM_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Lets the app respond to errors with problem details."""
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(StoreUnavailableError, _database_problem)
    app.add_exception_handler(SettingsError, _settings_problem)


def _http_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # it is registered for this class
    headers = dict(error.headers) if error.headers else None
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return problem(error.status_code, code, str(error.detail), headers)


def _validation_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # it is registered for this class
    faults = [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.errors()]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-parameter", "; ".join(faults))


def _database_problem(_request: Request, _error: Exception) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "database-down", DATABASE_DOWN, {"Retry-After": "15"})


def _settings_problem(_request: Request, error: Exception) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-configured", str(error))
