"""Tickers that have no model yet: how many bars one takes, and the reason for people.

Where next: ``training.py`` for the first model, which the hour that brings the last of these bars makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from include.features.frame import WARM_UP_BARS
from include.pipeline.models.training import minimum_rows
from include.pipeline.services import Services

DIVERGED = "no model yet: its training diverged; the next hour tries again"


def bars_needed(services: Services, as_of: datetime) -> int:
    """Bars that a ticker needs for its first model: those without features, then a context or, untrained, more."""
    return WARM_UP_BARS + minimum_rows(services, as_of)


def why_no_model(services: Services, bar_counts: Mapping[str, int], as_of: datetime) -> dict[str, str]:
    """Why each ticker has no model yet: too few bars, with both numbers, or a training that diverged.

    There is no third cause: every hour trains the tickers that have enough bars and no model.
    """
    needed = bars_needed(services, as_of) if bar_counts else 0
    return {
        ticker: f"no model yet: it needs {needed} bars and has {count}" if count < needed else DIVERGED
        for ticker, count in bar_counts.items()
    }
