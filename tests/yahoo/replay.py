"""Weeks or years of hourly updates in minutes: the real client and store against a market that changes its mind.

The market (``moving_market.py``) revises bars, withholds whole days and restores them later, splits tickers and pays
dividends, while random faults befall the requests. What the store then holds is held against the market's truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from include.contracts import TickerProfile
from include.market.sessions import bar_grid, feed_delay_minutes
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.pipeline import hour
from include.pipeline.data import backfill, due
from include.pipeline.services import Services
from include.settings import load_settings
from include.store import registry
from include.store.bars import load_bars
from include.store.engine import create_store_engine, fetch_rows, transaction
from tests.yahoo.moving_market import Change, Hole, MovingMarket
from tests.yahoo.providers import PRICES
from tests.yahoo.server import YahooEmulator

QUICK_FAULTS = (
    "500",
    "429",
    "reset",
    "closed",
    "truncated",
    "html",
    "broken-json",
    "empty-result",
    "null-result",
    "no-quotes",
    "null-rows",
    "null-closes",
    "duplicate-last",
    "out-of-order",
    "missing-bars",
    "off-grid",
    "future",
    "zero",
    "negative",
    "spike",
    "high-below-low",
    "infinity",
    "short-array",
    "other-symbol",
    "other-currency",
    "no-trading-periods",
    "stale",
    "stale-420",
    "stale-unmarked",
    "stale-unmarked-420",
    "cut",
)
"""Faults that cost no waiting, and that the truth survives: none makes all bars of an answer plausibly wrong."""


@contextmanager
def yahoo_services(database_url: str, cache_dir: Path) -> Iterator[Services]:
    """Services whose one source is the real client in a hurry; the environment leads it to the emulator."""
    settings = load_settings({"HOURCAST_DATABASE_URL": database_url, "HOURCAST_CACHE_DIR": str(cache_dir)})
    market = replace(settings.market, yahoo_timeout_seconds=5.0)
    source = YahooSource(
        market,
        pace=lambda: None,
        policy=RetryPolicy(tries=2, pause_seconds=0.01, longest_wait_seconds=5.0),
        gate=RateLimitGate(first_seconds=0.02, longest_seconds=0.05),
    )
    engine = create_store_engine(database_url)
    try:
        yield Services(settings=settings, engine=engine, sources={"yahoo": source})
    finally:
        engine.dispose()


def track(services: Services, tickers: Sequence[str], as_of: datetime, history_days: int = 20) -> list[TickerProfile]:
    """Makes tickers active with a history, as onboarding does, without training anything."""
    profiles, failures = services.sources["yahoo"].describe(tickers, as_of)
    assert not failures, failures
    for profile in profiles.values():
        with transaction(services.engine) as connection:
            registry.upsert_pending(connection, [(profile.ticker, "yahoo", history_days)], None, as_of)
            registry.set_profile(connection, profile)
        assert backfill.backfill(services, profile, as_of - timedelta(days=history_days), as_of) is None
        with transaction(services.engine) as connection:
            registry.activate(connection, [profile.ticker], as_of)
    return list(profiles.values())


def update(services: Services, as_of: datetime) -> None:
    """The part of an hour that brings bars into the store."""
    for shard in hour.plan_hour(services, as_of):
        hour._run_stage(hour.fetch_bars, services, shard)


@dataclass
class Findings:
    """What a replay injected and what was found, and the bars that differ from the truth.

    ``revisions`` are changes of bars that were stored before they changed; ``unseen_changes`` counts the others, whose
    bars a fault kept away until then: they show as late, not as revised.
    """

    injected: dict[str, int]
    found: dict[str, int]
    unseen_changes: int
    differences: list[str]
    bar_count: int
    request_count: int
    fault_count: int


def run(
    services: Services,
    emulator: YahooEmulator,
    market: MovingMarket,
    since: datetime,
    until: datetime,
    fault_share: str = "10%",
) -> Findings:
    """Onboards the market's tickers at ``since``, and updates them every hour in which one is due, to ``until``."""
    emulator.clock = since
    profiles = track(services, list(market.listings), since)
    emulator.forget_requests()
    share = float(fault_share.rstrip("%")) / len(QUICK_FAULTS)
    for kind in QUICK_FAULTS:
        emulator.plan.add(f"*:{kind}:{share}%")
    moment = since
    while moment < until:
        moment += timedelta(hours=1)
        if moment > until - timedelta(hours=6):
            emulator.plan.clear()  # so that what came last is there
        if due.due_requests(services, profiles, moment):  # hours that ask for nothing only take time
            emulator.clock = moment
            update(services, moment)
    return compare(services, emulator, market, since, moment)


def compare(
    services: Services, emulator: YahooEmulator, market: MovingMarket, since: datetime, until: datetime
) -> Findings:
    """The store against the market's truth at ``until``, and what was found against what was injected."""
    with transaction(services.engine) as connection:
        stored = load_bars(connection, list(market.listings), until)
        (found,) = fetch_rows(
            connection,
            """
            select
                (select count(*) from forecast.split) as splits,
                (select count(*) from forecast.dividend where known_at > :since) as dividends,
                (select sum(revision_count)::integer from bi.data_quality) as revisions
            """,
            {"since": since},
        )
    differences: list[str] = []
    for ticker in market.listings:
        delay = timedelta(minutes=feed_delay_minutes("XNYS") if "." not in ticker else 20)
        truth = market.truth(ticker, since - timedelta(days=19), until - delay)
        own = stored[(stored["ticker"] == ticker) & (stored["opened_at"] >= since - timedelta(days=19))]
        own = own.set_index("opened_at")[truth.columns]
        odd = truth.index.symmetric_difference(own.index)
        differences += [f"{ticker} {at}: {'missing' if at in truth.index else 'surplus'}" for at in odd]
        both = truth.index.intersection(own.index)
        # volumes come as whole numbers, so that after a split of 3:2 they are right to half a unit
        near = {"rtol": 2e-6, "equal_nan": True}
        is_price = np.isclose(own.loc[both, list(PRICES)], truth.loc[both, list(PRICES)], **near).all(axis=1)
        off = ~(is_price & np.isclose(own.loc[both, "volume"], truth.loc[both, "volume"], atol=1.0, **near))
        differences += [f"{ticker} {at}: {own.loc[at].tolist()} != {truth.loc[at].tolist()}" for at in both[off]]
    first_known_at = _first_known(services)
    seen = _seen_changes(first_known_at, market)
    found["filled_bars"] = _filled_bars(first_known_at, market)
    injected = {
        "splits": sum(len(listing.splits) for listing in market.listings.values()),
        "dividends": sum(len(listing.dividends) for listing in market.listings.values()),
        "revisions": len(seen),
        "filled_bars": sum(_bars_in(ticker, hole) for ticker, holes in market.holes.items() for hole in holes),
    }
    return Findings(
        injected=injected,
        found={name: int(found[name] or 0) for name in injected},
        unseen_changes=sum(map(len, market.changes.values())) - len(seen),
        differences=differences,
        bar_count=len(stored),
        request_count=emulator.counts()["chart"],
        fault_count=sum(asked.fault is not None for asked in emulator.asked),
    )


def _first_known(services: Services) -> dict[tuple[str, int], float]:
    """When each bar, by ticker and the second at which it opened, was first stored, in seconds since 1970."""
    with transaction(services.engine) as connection:
        rows = fetch_rows(
            connection,
            """
            select ticker, opened_at, min(known_at) as known_at
            from (
                select ticker, opened_at, known_at from forecast.bar
                union all
                select ticker, opened_at, known_at from forecast.bar_revision
            ) as reading
            group by ticker, opened_at
            """,
        )
    return {(row["ticker"], int(row["opened_at"].timestamp())): row["known_at"].timestamp() for row in rows}


def _seen_changes(known: dict[tuple[str, int], float], market: MovingMarket) -> list[tuple[str, Change]]:
    """The changes of bars that were stored when they changed."""
    changes = [(ticker, change) for ticker, own in market.changes.items() for change in own]
    return [(ticker, change) for ticker, change in changes if known.get((ticker, change.opened), change.at) < change.at]


def _filled_bars(known: dict[tuple[str, int], float], market: MovingMarket) -> int:
    """The bars of the market's holes that were stored once they were there again."""
    holes = [(ticker, hole) for ticker, own in market.holes.items() for hole in own]
    return sum(
        at >= hole.restored
        for ticker, hole in holes
        for (name, opened), at in known.items()
        if name == ticker and hole.first <= opened < hole.last
    )


def _bars_in(ticker: str, hole: Hole) -> int:
    from include.market.sessions import calendar_of

    first, last = (datetime.fromtimestamp(second, UTC) for second in (hole.first, hole.last))
    return len(bar_grid(calendar_of(ticker), first, last))
