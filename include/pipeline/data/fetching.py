"""Fetching: each ticker's request goes to its source, and the response is stored.

Where next: ``due.py`` for what is requested, ``storing.py`` for how a response is checked, scaled and stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from include.contracts import BarRequest, TickerFailure
from include.pipeline.data import storing
from include.pipeline.services import Services


def fetch(services: Services, requests: Sequence[BarRequest], as_of: datetime) -> list[TickerFailure]:
    """Fetches each request from its source and stores the responses; the failures."""
    groups: dict[str, list[BarRequest]] = defaultdict(list)
    for request in requests:
        groups[request.profile.source].append(request)
    failures: list[TickerFailure] = []
    for source_name, group in groups.items():
        source = services.sources.get(source_name)
        if source is None:
            reason = f"source {source_name!r} is not set up here (for `files`, set HOURCAST_BARS_DIR)"
            failures += [TickerFailure(request.profile.ticker, reason, is_retryable=False) for request in group]
            continue
        report = source.fetch_bars(group, as_of)
        storing.keep(services.engine, group, report, as_of)
        failures += report.failures
    return failures
