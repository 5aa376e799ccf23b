"""The HTML pages and the files that they load. A mounted folder would be open to everybody, so routes serve them."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from plugins.forecasts.responses import tagged_response

STATIC_DIR = Path(__file__).resolve().parent / "static"
MEDIA_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".svg": "image/svg+xml", ".md": "text/plain"}

router = APIRouter(include_in_schema=False)


def static_files() -> dict[str, Path]:
    """Every file that is served, by its path below ``static``; no other path can be asked for."""
    files = (path for path in STATIC_DIR.rglob("*") if path.is_file())
    return {path.relative_to(STATIC_DIR).as_posix(): path for path in files}


_FILES = static_files()


@router.get("/")
def show_overview(request: Request) -> Response:
    """The page of all tickers."""
    return _serve(request, "overview.html")


@router.get("/add")
def show_requests(request: Request) -> Response:
    """The page that adds and retires tickers."""
    return _serve(request, "add.html")


@router.get("/scoreboard")
def show_scoreboard(request: Request) -> Response:
    """The page of our forecasts against the baselines."""
    return _serve(request, "scoreboard.html")


@router.get("/ticker/{ticker}")
def show_ticker(request: Request, ticker: str) -> Response:  # noqa: ARG001  # the page reads it from its address
    """The page of one ticker."""
    return _serve(request, "ticker.html")


@router.get("/run")
def show_run(request: Request) -> Response:
    """The page of one run of a DAG, which Airflow shows as a tab of the DAG, its runs and its tasks."""
    return _serve(request, "run.html")


@router.get("/static/{name:path}")
def serve_file(request: Request, name: str) -> Response:
    """A file that a page loads."""
    return _serve(request, name)


@router.get("/{name:path}")
def refuse_other_paths(name: str) -> Response:
    """Nothing: it lets a path that does not exist need the login too."""
    raise HTTPException(404, f"There is no page {name!r} here.")


def _serve(request: Request, name: str) -> Response:
    path = _FILES.get(name)
    if path is None:
        raise HTTPException(404, f"There is no file {name!r} here.")
    media_type = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return tagged_response(request, path.read_bytes(), media_type)
