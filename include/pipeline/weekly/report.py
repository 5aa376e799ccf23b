"""Writes the weekly report: reads the facts, makes the page and, where a browser is there, the PDF, and stores both.

The report of a week has the name of its last day, so that a second run replaces it. Where next: ``page.py`` for the
page, ``include/artefacts/reports.py`` for the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from include.artefacts.reports import report_name, report_store
from include.contracts import require_utc
from include.pipeline.services import Services
from include.pipeline.weekly.diagnosis import Sample
from include.pipeline.weekly.page import make_page
from include.pipeline.weekly.pdf import make_pdf
from include.store.engine import Connection, transaction
from include.store.weekly import busiest_tickers, read_facts, read_ranges, read_residuals

WEEK: Final = timedelta(days=7)
CHOSEN_COUNT: Final = 3
"""Tickers whose residuals are tested if nobody chose others: one of each of the largest markets."""


def write_report(
    services: Services, as_of: datetime, tickers: Sequence[str] = (), *, has_pdf: bool = True
) -> dict[str, Any]:
    """Writes the report of the week up to ``as_of`` (UTC); the names of its files, where they are, and a ``note``.

    ``tickers`` are those whose residuals are tested; none: one of each of the largest markets.

    Raises:
        CheckpointError: the files cannot be written.
        ArtefactStoreUnavailableError: the store of the artefacts cannot be reached now.
    """
    until = require_utc(as_of, "as_of")
    with transaction(services.engine) as connection:
        facts = read_facts(connection, until - WEEK, until)
        chosen = list(tickers) or busiest_tickers(facts, CHOSEN_COUNT)
        samples = [_sample(connection, ticker, until) for ticker in chosen]
    page = make_page(facts, samples, until - WEEK, until)
    store = report_store(services.settings.model)
    files = {report_name(until.date(), "html"): page.encode()}
    pdf = make_pdf(page) if has_pdf else None
    if pdf is not None:
        files[report_name(until.date(), "pdf")] = pdf
    else:
        store.remove(report_name(until.date(), "pdf"))  # one of an earlier run has other numbers
    for name, content in files.items():
        store.write(name, content)
    places = [store.place_of(name) for name in files]
    return {"files": list(files), "tickers": chosen, "note": f"Written: {', '.join(places)}."}


def _sample(connection: Connection, ticker: str, until: datetime) -> Sample:
    residuals = np.array(read_residuals(connection, ticker, until), dtype=np.float64)
    return Sample(ticker, residuals, read_ranges(connection, ticker, until))
