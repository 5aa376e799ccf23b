"""Leaks in what an hour finds in its own past: closing bars, missing bars, first models, and its plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from include.contracts import OutcomeStatus
from include.pipeline.data import due, freshness
from include.pipeline.models import forecasting, training
from include.store import bars, expected, registry
from include.store.engine import execute
from tests.leaks.planting import Plant
from tests.leaks.plants_store import EVER, unbounded

Patch = pytest.MonkeyPatch


def closings_of_requests(patch: Patch) -> None:
    _find_in_later_bars(patch, due, is_meant=lambda since: since is None)


def closings_of_expected_days(patch: Patch) -> None:
    _find_in_later_bars(patch, due, is_meant=lambda since: since is not None)


def closings_of_freshness(patch: Patch) -> None:
    _find_in_later_bars(patch, freshness, is_meant=lambda _since: True)


def _find_in_later_bars(patch: Patch, owner: Any, is_meant: Callable[[datetime | None], bool]) -> None:
    """Reads the bars of ever in calls of ``feeds_at``; those that count the bars of days give a ``since``."""
    original, load = owner.feeds_at, expected.known_openings

    def of_ever(connection: Any, tickers: Any, since: datetime, _as_of: datetime) -> Any:
        return load(connection, tickers, since, EVER)

    def reaching(connection: Any, profiles: Any, as_of: datetime, since: datetime | None = None) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            if is_meant(since):
                inner.setattr(expected, "known_openings", of_ever)
            return original(connection, profiles, as_of, since)

    patch.setattr(owner, "feeds_at", reaching)


def openings_of_later_bars(patch: Patch) -> None:
    """Bars that opened by then and became known later: a closing that was filled in."""
    original = expected.known_openings

    def reaching(connection: Any, tickers: Any, since: datetime, as_of: datetime) -> Any:
        rows = original(connection, tickers, since, EVER)
        return rows.loc[rows["opened_at"] < as_of].reset_index(drop=True)

    patch.setattr(expected, "known_openings", reaching)


def an_older_hour_counts_again(patch: Patch) -> None:
    """An older hour that runs late overwrites what a later one counted."""
    original = expected.save_expected
    patch.setattr(expected, "save_expected", lambda connection, days, _as_of: original(connection, days, EVER))


def a_plan_without_tickers_is_made_again(patch: Patch) -> None:
    original = registry.plan_hour

    def plan(connection: Any, as_of: datetime, *rest: int) -> Any:
        statement = """
            delete from forecast.planned_hour as hour
            where as_of = :as_of and not exists (select from forecast.outcome where outcome.as_of = hour.as_of)
        """
        execute(connection, statement, {"as_of": as_of})
        return original(connection, as_of, *rest)

    patch.setattr(registry, "plan_hour", plan)


def first_models_from_later_rows(patch: Patch) -> None:
    unbounded(training, "load_series", moment=EVER)(patch)


def young_listings_count_later_bars(patch: Patch) -> None:
    original = forecasting.make_forecasts

    def counted(services: Any, profiles: Any, as_of: datetime, **rest: Any) -> Any:
        found = original(services, profiles, as_of, **rest)
        young = [ticker for ticker, (_, why) in found.results.items() if str(why).startswith("no model yet: it needs")]
        with forecasting.transaction(services.engine) as connection:
            rows = bars.load_bars(connection, young, EVER).groupby("ticker").size()
        for ticker in young:
            found.results[ticker] = (OutcomeStatus.FALLBACK, f"no model yet: it has {rows[ticker]} bars")
        return found

    patch.setattr(forecasting, "make_forecasts", counted)


def _in_store(name: str, plant: Callable[[Patch], None]) -> Plant:
    return Plant(name, plant, in_store=True)


CALENDAR_PLANTS = (
    _in_store("requests leave out closings that later bars lack", closings_of_requests),
    _in_store("freshness leaves out closings that later bars lack", closings_of_freshness),
    _in_store("days are expected without closings that later bars lack", closings_of_expected_days),
    _in_store("a closing that is filled in later counts as served", openings_of_later_bars),
    _in_store("missing bars are looked for without as_of", unbounded(expected, "first_gaps", position=3)),
    _in_store("an older hour overwrites what a later one expected", an_older_hour_counts_again),
    _in_store("an hour without tickers plans those that came later", a_plan_without_tickers_is_made_again),
    _in_store("a young listing's first model counts later rows", first_models_from_later_rows),
    _in_store("a young listing's bars are counted without as_of", young_listings_count_later_bars),
)
