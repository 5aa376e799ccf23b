"""The check with Postgres of what an hour finds in its own past: closings, gaps, first models, and its plan.

One feed stops to serve New York's last bar after the hours, one begins to, and one ticker is a young listing. An hour
before them had no ticker to plan. On time, two hours run as they come. Caught up, a day weeks later runs first, and the
two hours run after it. What they request, expect, judge and store must be the same, and the later day must stay as it
was stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from include.contracts import BarRequest, TickerFailure, TickerProfile
from include.errors import HourcastError
from include.local.postgres import EmbeddedPostgres
from include.market.sessions import bar_grid
from include.market.simulated import SimulatedSource
from include.market.source import FetchReport
from include.pipeline import hour
from include.pipeline.data import due
from include.store import registry
from include.store.engine import transaction
from tests.leaks.hours import STAGES, Planted, Stored, first_difference_of, rows_until
from tests.leaks.material import HOUR, ONBOARDED_AT
from tests.support.databases import fresh_database
from tests.support.products import Product, open_product

BEGINS, STOPS, YOUNG = "BEGINS.SIM", "STOPS.SIM", "YOUNG-USD.SIM"
HISTORY_DAYS = {BEGINS: 60, STOPS: 60, YOUNG: 12}
EMPTY = ONBOARDED_AT + HOUR
"""An hour that ran before anything was onboarded; the tickers' requests are older than it."""
FIRST, CUT = ONBOARDED_AT + 4 * HOUR, ONBOARDED_AT + 5 * HOUR
"""15:35 and 16:35 in New York, whose last bar closes at 16:00."""
MISSING = pd.Timestamp("2025-04-03T15:30:00Z")
"""When the bar opens that is missing of a later day."""


class ClosingHours:
    """Products that start from one onboarding, and what two hours find and store in them."""

    name = "closings"

    def __init__(self, server: EmbeddedPostgres, template: str, folder: Path) -> None:
        self._server = server
        self._template = template
        self._folder = folder

    def check(self, seed: int, plant: Planted | None = None) -> str | None:
        """What of the two hours, or of the later day, changes with their order; None for nothing."""
        try:
            on_time, caught_up = self._found(None, plant), self._found(_later(seed), plant)
        except HourcastError as error:
            return f"the product refused: {' '.join(str(error).split())}"
        return first_difference_of(on_time, caught_up)

    def _found(self, later: datetime | None, plant: Planted | None) -> Stored:
        """What the two hours plan, request, expect and store, and what they change of a later day that ran before."""
        with self._product() as product:
            if plant is not None:
                plant(product)
            if later is not None:
                _run_hours(product, later, later + HOUR)
            of_later = _days(product) if later is not None else []
            found: Stored = {"planned ticker": _planned(product) if later is not None else []}
            found["request"] = _run_hours(product, FIRST, CUT)
            found["expected day"] = _expected(product)
            found["day of a later hour"] = sorted(set(of_later) - set(_days(product))) if later is not None else []
            return found | rows_until(product, CUT)

    @contextmanager
    def _product(self) -> Iterator[Product]:
        with (
            fresh_database(self._server, self._template) as name,
            _open(self._server, name, self._folder) as product,
        ):
            yield product


@contextmanager
def open_closing_hours(server: EmbeddedPostgres, folder: Path) -> Iterator[ClosingHours]:
    """Hours over a migrated server, once an hour without tickers has run and all tickers are onboarded there."""
    with ExitStack() as stack:
        template = stack.enter_context(fresh_database(server))
        with _open(server, template, folder) as product:
            hour.run_hour(product.services, EMPTY)
            for ticker, days in HISTORY_DAYS.items():
                product.onboard(ticker, as_of=ONBOARDED_AT, history_days=days)
        yield ClosingHours(server, template, folder)


class ClosingSource:
    """The simulated market, where the last bar of New York's sessions is not served until or from an instant on.

    ``BEGINS`` has none in what is fetched until the cut, and all in what is fetched later; of one later day a bar is
    missing. ``STOPS`` has them until the day of the cut, and none of later days.
    """

    name = "simulated"

    def __init__(self) -> None:
        grid = bar_grid("XNYS", ONBOARDED_AT - timedelta(days=100), ONBOARDED_AT + timedelta(days=60))
        self._closings = grid.loc[grid["minutes_to_close"] == 0, "opened_at"]

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        """The simulated market's profiles."""
        return SimulatedSource().describe(tickers, as_of)

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        """The simulated market's bars without the closings that are not served at ``as_of``."""
        report = SimulatedSource().fetch_bars(requests, as_of)
        bars = report.bars
        is_closing = bars["opened_at"].isin(self._closings)
        is_hidden = (bars["ticker"] == BEGINS) & (as_of <= CUT)
        is_hidden |= (bars["ticker"] == STOPS) & (bars["opened_at"] > pd.Timestamp(CUT))
        is_missing = (bars["ticker"] == BEGINS) & (bars["opened_at"] == MISSING)
        return replace(report, bars=bars.loc[~(is_closing & is_hidden) & ~is_missing].reset_index(drop=True))


def _open(server: EmbeddedPostgres, database: str, folder: Path) -> Any:
    @contextmanager
    def opened() -> Iterator[Product]:
        url = server.migration_url(database)  # some plants drop a constraint
        with open_product(url, folder / "models", HOURCAST_BACKBONE_DIR=str(folder / "no-backbone")) as product:
            services = replace(product.services, sources={"simulated": ClosingSource()})
            yield Product(services, product.market, product.url)

    return opened()


def _later(seed: int) -> datetime:
    """An hour of a session some weeks after the cut, when ten sessions of the later feed are stored."""
    days = int(np.random.default_rng([seed, 8]).integers(17, 25))
    return FIRST + timedelta(days=days + {5: 2, 6: 1}.get((FIRST + timedelta(days=days)).weekday(), 0))


def _profiles(product: Product) -> list[TickerProfile]:
    with transaction(product.services.engine) as connection:
        return [item.profile for item in registry.get_tickers(connection) if item.profile]


def _planned(product: Product) -> list[str]:
    """The tickers that the empty hour plans when it is run again."""
    found = []
    for shard in hour.plan_hour(product.services, EMPTY):
        with transaction(product.services.engine) as connection:
            found += [item.profile.ticker for item in registry.planned_tickers(connection, shard)]
    return [json.dumps({"ticker": ticker, "as_of": str(EMPTY)}) for ticker in sorted(found)]


def _run_hours(product: Product, *instants: datetime) -> list[str]:
    """Runs the hours; what each requests, as JSON."""
    requests: list[str] = []
    for as_of in instants:
        requests += [
            json.dumps({"ticker": item.profile.ticker, "as_of": str(as_of), "since": str(item.since)})
            for item in due.due_requests(product.services, _profiles(product), as_of)
        ]
        for shard in hour.plan_hour(product.services, as_of):
            for stage in STAGES:
                stage(product.services, shard)
    return sorted(requests)


def _expected(product: Product) -> list[str]:
    """The days that both hours expect, as JSON."""
    profiles = _profiles(product)
    found: list[str] = []
    for as_of in (FIRST, CUT):
        requests = [BarRequest(profile, as_of - timedelta(days=6)) for profile in profiles]
        with transaction(product.services.engine) as connection:
            days = due.expected_days(connection, requests, as_of)
        found += [
            json.dumps(
                {"ticker": row.ticker, "as_of": f"{as_of}, {row.day_exchange}", "count": int(row.expected_count)}
            )
            for row in days.itertuples()
        ]
    return sorted(found)


def _days(product: Product) -> list[str]:
    """The stored days of hours after the cut, as JSON."""
    rows = product.query("select to_jsonb(day)::text from forecast.expected_day as day where as_of > %s", CUT)
    return sorted(str(row) for (row,) in rows)
