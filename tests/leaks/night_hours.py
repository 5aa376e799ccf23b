"""The check with Postgres of a night: two refreshes and the hour after it, before and after a later day is stored.

One company is onboarded after a session's close, and a report is expected. On time, a refresh in the evening, one in
the morning and the next regular hour run as they come. Caught up, a later day runs first: its source corrects closes of
the night and moves the report, and an onboarding of that day reads the night once more. Then the three run, and run
again. What they store must be the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from include.contracts import BarRequest, TickerProfile
from include.earnings import EarningsDate, ReportTiming
from include.errors import HourcastError
from include.local.postgres import EmbeddedPostgres
from include.market.simulated import SimulatedSource
from include.market.source import EarningsReport, ExtendedReport
from include.pipeline import earnings, hour
from include.pipeline.data import nights
from tests.leaks.hours import STAGES, STORED, Planted, Stage, Stored, first_difference_of, rows_until
from tests.leaks.material import HISTORY_DAYS, HOUR, SHOWN_AHEAD, Future, ShowingSource, profiles
from tests.support.databases import fresh_database
from tests.support.products import Product, open_product

TICKER = "ALFA.SIM"
ONBOARDED_AT = datetime.fromisoformat("2025-03-31T20:35:00+00:00")
"""16:35 in New York, after a Monday's session."""
EVENING = ONBOARDED_AT + 2 * HOUR
MORNING = ONBOARDED_AT + 16 * HOUR
CUT = ONBOARDED_AT + 18 * HOUR
"""10:35 in New York: the night's bar has closed and is scored."""
NIGHT_STORED = STORED | {"extended_close": "known_at <= %(cut)s", "earnings_date": "known_at <= %(cut)s"}
_SPLIT = """
insert into forecast.split (ticker, known_at, effective_at, factor, is_announced)
values (%s, %s, %s, 4, true); commit
"""


class NightHours:
    """Products that start from one onboarding, and what a night's hours store in them."""

    name = "nights"

    def __init__(self, server: EmbeddedPostgres, template: str, folder: Path) -> None:
        self._server = server
        self._template = template
        self._folder = folder

    def check(self, seed: int, plant: Planted | None = None) -> str | None:
        """What of the night's hours changes because a later day was stored before them; None for nothing."""
        try:
            on_time, caught_up = self.on_time(plant), self._caught_up(Future(seed, CUT), plant)
        except HourcastError as error:
            return f"the product refused: {' '.join(str(error).split())}"
        return first_difference_of(on_time, caught_up)

    def on_time(self, plant: Planted | None = None) -> Stored:
        """What the three hours store when they run as they come."""
        with self._product(None) as product:
            if plant is not None:
                plant(product)
            _run_night(product)
            return rows_until(product, CUT, NIGHT_STORED)

    def _caught_up(self, future: Future, plant: Planted | None) -> Stored:
        with self._product(future) as product:
            if plant is not None:
                plant(product)
            _bring_a_later_day(product, future)
            _run_night(product)
            for as_of in (EVENING, MORNING, CUT):
                _run_stages(product, as_of, [hour.predict])
                hour.score(product.services, as_of)
            return rows_until(product, CUT, NIGHT_STORED)

    @contextmanager
    def _product(self, future: Future | None) -> Iterator[Product]:
        with (
            fresh_database(self._server, self._template) as name,
            _open(self._server, name, self._folder, NightSource(future)) as product,
        ):
            yield product


@contextmanager
def open_night_hours(server: EmbeddedPostgres, folder: Path) -> Iterator[NightHours]:
    """Hours over a migrated server, once the company is onboarded there and its report is expected."""
    with ExitStack() as stack:
        template = stack.enter_context(fresh_database(server))
        with _open(server, template, folder, NightSource(None)) as product:
            product.onboard(TICKER, as_of=ONBOARDED_AT, history_days=HISTORY_DAYS[TICKER])
            earnings.update_earnings(product.services, [profiles()[TICKER]], ONBOARDED_AT)
        yield NightHours(server, template, folder)


class NightSource(ShowingSource):
    """The simulated market without its honesty, at night too.

    It shows 5-minute closes in progress and beyond. With a future, later closes are bent, calls as of an instant after
    the cut find older ones corrected, and name other days for the report.
    """

    def fetch_extended(self, requests: Sequence[BarRequest], as_of: datetime) -> ExtendedReport:
        """The closes, up to 30 hours ahead of ``as_of``."""
        closes = true_closes()
        if self.future is not None:
            closes = _bent(closes, self.future, is_corrected=as_of > self.future.cut)
        (request,) = requests
        is_shown = (closes["opened_at"] >= request.since) & (closes["opened_at"] < as_of + SHOWN_AHEAD)
        return ExtendedReport(closes.loc[is_shown].reset_index(drop=True), failures=())

    @property
    def is_earnings_costly(self) -> bool:
        """False: nothing is requested."""
        return False

    def fetch_earnings(
        self, profiles: Sequence[TickerProfile], as_of: datetime, with_past: Collection[str] = ()
    ) -> EarningsReport:
        """A report that is estimated for the day after the cut; later it has moved, and is confirmed."""
        past = [_date(date(2024, 10, 29), ReportTiming.BEFORE_OPEN, as_of), _date(date(2025, 1, 28), None, as_of)]
        days = [_date(date(2025, 4, 2), None, as_of)]
        if self.future is not None and as_of > self.future.cut:
            days = [_date(date(2025, 4, 1), ReportTiming.AFTER_CLOSE, as_of, is_confirmed=True)]
            past = [replace(item, timing=ReportTiming.AFTER_CLOSE) for item in past]
            past += [_date(date(2024, 7, 30), ReportTiming.AFTER_CLOSE, as_of)]
        return EarningsReport(dates=(*past, *days), answered=frozenset({TICKER}))


def _date(day: date, timing: ReportTiming | None, known_at: datetime, *, is_confirmed: bool = False) -> EarningsDate:
    return EarningsDate(TICKER, day, timing or ReportTiming.UNKNOWN, is_confirmed, "simulated", known_at)


@cache
def true_closes() -> pd.DataFrame:
    """The company's 5-minute closes of two months and three days beyond, with the instant ``told_at`` of each."""
    profile = profiles()[TICKER]
    request = BarRequest(profile, ONBOARDED_AT - timedelta(days=60))
    closes = SimulatedSource().fetch_extended([request], ONBOARDED_AT + timedelta(days=4)).closes
    return closes.assign(told_at=closes["closed_at"] + timedelta(minutes=profile.feed_delay_minutes))


def _bent(closes: pd.DataFrame, future: Future, *, is_corrected: bool) -> pd.DataFrame:
    """The closes with those changed that nobody can know in the morning; corrected: and some of the night before it."""
    random = future.random("closes")
    count = len(closes)
    is_late = (closes["told_at"] > MORNING).to_numpy()
    factor = np.where(is_late, np.exp(np.cumsum(random.normal(0.0, 0.001, count)) + 0.01), 1.0)
    is_recent = ~is_late & (closes["told_at"] > future.cut - timedelta(days=2)).to_numpy()
    wrong = np.where(is_recent & (random.random(count) < 0.7), np.exp(random.normal(0.002, 0.004, count)), 1.0)
    factor = factor * wrong if is_corrected else factor
    return closes.assign(close=closes["close"] * factor)


def _bring_a_later_day(product: Product, future: Future) -> None:
    """A refresh of a later night, an onboarding's reading of the night before, a moved report and a split."""
    later = CUT + timedelta(hours=int(future.random("the later refresh").integers(18, 22)))
    profile = profiles()[TICKER]
    earnings.update_earnings(product.services, [profile], CUT + 3 * HOUR)
    with suppress(HourcastError):  # its bars are bent; what it stored by then is future enough
        _run_stages(product, later, STAGES)
    nights.backfill(product.services, profile, later)
    product.query(_SPLIT, TICKER, later, later + HOUR)


def _run_night(product: Product) -> None:
    for as_of in (EVENING, MORNING, CUT):
        _run_stages(product, as_of, STAGES)
        hour.score(product.services, as_of)


def _run_stages(product: Product, as_of: datetime, stages: Sequence[Stage]) -> None:
    for shard in hour.plan_hour(product.services, as_of):
        for stage in stages:
            stage(product.services, shard)


@contextmanager
def _open(server: EmbeddedPostgres, database: str, folder: Path, source: NightSource) -> Iterator[Product]:
    settings: dict[str, Any] = {
        "HOURCAST_SHARD_COUNT": "1",
        "HOURCAST_CONTEXT_BARS": "12",
        "HOURCAST_BATCH_WINDOWS": "4",
        "HOURCAST_BACKBONE_DIR": str(folder / "no-backbone"),
    }
    # as the owner, since some plants drop a constraint
    with open_product(server.migration_url(database), folder / "models", **settings) as product:
        services = replace(product.services, sources={"simulated": source})
        yield Product(services, product.market, product.url)
