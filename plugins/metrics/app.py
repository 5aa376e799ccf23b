"""The FastAPI app of the metrics: one route, which needs the token of ``HOURCAST_METRICS_TOKEN_FILE``.

Airflow's login would need a new token every day, so Prometheus has one of its own, which opens nothing else. Without
the setting or its file nobody gets in. Where next: ``collection.py``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Response, status

from include.errors import SettingsError
from include.settings import load_settings
from plugins.metrics.collection import Collection
from plugins.metrics.exposition import CONTENT_TYPE

_SHORTEST_TOKEN = 16


def create_app(token_file: Callable[[], Path | None] | None = None, collection: Collection | None = None) -> FastAPI:
    """The app; by default with the token's file of the settings and the databases of this process."""
    find_file = token_file or (lambda: load_settings().operations.metrics_token_file)
    chosen = collection or Collection()

    def require_token(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, given = authorization.partition(" ")
        token = read_token(find_file)
        is_known = token is not None and secrets.compare_digest(given.strip().encode(), token.encode())
        if scheme.lower() != "bearer" or not is_known:
            raise HTTPException(
                status.HTTP_401_UNAUTHORIZED, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"}
            )

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(require_token)])

    @app.get("/metrics")
    def metrics() -> Response:
        """The metrics in Prometheus' text format."""
        return Response(chosen.text(), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return app


def read_token(find_file: Callable[[], Path | None]) -> str | None:
    """The token in the file; None if no file is set, it cannot be read, or its token is too short to be a secret."""
    try:
        path = find_file()
        token = "" if path is None else path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError, SettingsError):
        return None
    return token if len(token) >= _SHORTEST_TOKEN else None
