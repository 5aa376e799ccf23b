"""The weekly reports: a list of them, and each one as a page and, where it was made, as PDF.

The address of a report is its day, so no path can be asked for. Where next: ``include/artefacts/reports.py``.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

from include.artefacts.reports import Kind, report_days, report_name
from include.artefacts.store import ArtefactStore
from include.errors import ArtefactStoreUnavailableError, CheckpointError
from plugins.forecasts.responses import tagged_response

HTML: Final = "text/html; charset=utf-8"
PDF: Final = "application/pdf"
_AWAY: Final = "The store of the reports cannot be reached at the moment. Nothing is lost; try again soon."
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Reports</title>
  <link rel="stylesheet" href="static/style.css">
  <script type="module" src="static/js/reports.js"></script>
</head>
<body>
  <header class="site">
    <nav aria-label="Forecasts">
      <a href="./">Overview</a>
      <a href="scoreboard">Scoreboard</a>
      <a href="reports" aria-current="page">Reports</a>
      <a href="add">Add tickers</a>
    </nav>
  </header>
  <main>
    <header class="top"><h1>Reports</h1></header>
    {content}
  </main>
</body>
</html>
"""
_NONE: Final = "The DAG weekly_report has not written one yet. It runs every Monday, or when it is triggered."

router = APIRouter(include_in_schema=False)


@router.get("/reports")
def list_reports(request: Request) -> Response:
    """The page with a link to every report, newest first."""
    try:
        days = report_days(_store(request))
    except ArtefactStoreUnavailableError as error:
        raise HTTPException(503, _AWAY) from error
    rows = "".join(f"<li>{_links(day, kinds)}</li>" for day, kinds in days.items())
    content = f'<p class="lead">{_NONE if not days else "One for each week, by its last day."}</p><ul>{rows}</ul>'
    return tagged_response(request, _PAGE.format(content=content).encode(), HTML)


@router.get("/reports/{day}.html")
def show_report(request: Request, day: date) -> Response:
    """The report of the week that ended on this day."""
    return _serve(request, day, "html", HTML)


@router.get("/reports/{day}.pdf")
def show_pdf(request: Request, day: date) -> Response:
    """The same as PDF."""
    return _serve(request, day, "pdf", PDF)


def _links(day: date, kinds: list[str]) -> str:
    pdf = f' (<a href="reports/{day}.pdf">PDF</a>)' if "pdf" in kinds else ""
    return f'<a href="reports/{day}.html">Week to {day:%d %B %Y}</a>{pdf}'


def _serve(request: Request, day: date, kind: Kind, media_type: str) -> Response:
    try:
        content = _store(request).read(report_name(day, kind))
    except CheckpointError as error:
        raise HTTPException(404, f"There is no report of {day.isoformat()} as {kind.upper()}.") from error
    except ArtefactStoreUnavailableError as error:
        raise HTTPException(503, _AWAY) from error
    return tagged_response(request, content, media_type)


def _store(request: Request) -> ArtefactStore:
    store: ArtefactStore = request.app.state.open_reports()
    return store
