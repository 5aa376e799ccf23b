"""Weeks or years of hourly updates in minutes: the real client and store against a market that changes its mind.

The market invents prices, then revises bars, withholds whole days and restores them later, splits tickers and pays
dividends, while random faults befall the requests. What the store then holds is held against the market's truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd

from include.contracts import TickerProfile
from include.market.sessions import bar_grid, feed_delay_minutes, last_closed
from include.market.yahoo import YahooSource
from include.market.yahoo_retry import RetryPolicy
from include.market.yahoo_session import RateLimitGate
from include.pipeline import backfill, hour
from include.pipeline.services import Services
from include.settings import load_settings
from include.store import registry
from include.store.bars import load_bars
from include.store.engine import create_store_engine, fetch_rows, transaction
from tests.yahoo.providers import PRICES, Event, Listing, invented_bars, listing_of
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
    "cut",
)
"""Faults that cost no waiting, and that the truth survives: none makes all bars of an answer plausibly wrong."""

_DAY = 86_400


@dataclass(frozen=True)
class Change:
    """From second ``at`` on, the prices of the bar that opened at ``opened`` are ``factor`` times what they were."""

    opened: int
    at: int
    factor: float


@dataclass(frozen=True)
class Hole:
    """Bars opened in [first, last) are not there until second ``restored``."""

    first: int
    last: int
    restored: int


@dataclass
class MovingMarket:
    """A provider for the emulator whose listings depend on its clock; knows what it did."""

    listings: dict[str, Listing]
    clock: Callable[[], datetime]
    changes: dict[str, list[Change]] = field(default_factory=dict)
    holes: dict[str, list[Hole]] = field(default_factory=dict)

    def __call__(self, ticker: str) -> Listing | None:
        listing = self.listings.get(ticker)
        return None if listing is None else self.seen(ticker, listing, int(self.clock().timestamp()))

    def seen(self, ticker: str, listing: Listing, now: int) -> Listing:
        """The listing as the market shows it at a second."""
        prices = listing.prices.copy()
        for change in self.changes.get(ticker, []):
            if change.at <= now:
                prices[listing.opened == change.opened] *= change.factor
        is_there = np.ones(len(listing.opened), dtype=bool)
        for hole in self.holes.get(ticker, []):
            if now < hole.restored:
                is_there &= (listing.opened < hole.first) | (listing.opened >= hole.last)
        return replace(
            listing,
            opened=listing.opened[is_there],
            closed=listing.closed[is_there],
            prices=prices[is_there],
            volume=listing.volume[is_there],
        )

    def truth(self, ticker: str, since: datetime, until: datetime) -> pd.DataFrame:
        """What the market believes at ``until`` of the bars that closed in (since, until], on the scale of then."""
        now = int(until.timestamp())
        listing = self.seen(ticker, self.listings[ticker], now)
        prices, volume = listing.prices.copy(), listing.volume.copy()
        for split in listing.splits:
            if split.at <= now:
                prices[listing.opened < split.at] /= split.amount
                volume[listing.opened < split.at] *= split.amount
        frame = pd.DataFrame(prices, columns=[*PRICES]).assign(volume=volume)
        frame.index = pd.DatetimeIndex(listing.opened.astype("datetime64[s]")).tz_localize("UTC")
        return frame[(listing.opened >= since.timestamp()) & (listing.closed <= now)]


def make_market(
    tickers: Sequence[str], since: datetime, until: datetime, clock: Callable[[], datetime], seed: int
) -> MovingMarket:
    """A market with, a ticker: a split, two dividends, a revision a day, and a day a fortnight that comes later.

    Everything happens between a third of the way and four days before the end, so that all of it can be found.
    """
    chance = Random(seed)
    market = MovingMarket({}, clock)
    start, end = since + (until - since) / 3, until - timedelta(days=4)
    for ticker in tickers:
        listing = listing_of(invented_bars(ticker, since - timedelta(days=30), until + timedelta(days=1)))
        openings = _session_openings(listing, start, end)
        split = Event(chance.choice(openings), chance.choice([2.0, 4.0, 10.0, 0.1, 1.5]))
        dividends = tuple(Event(at, round(chance.uniform(0.1, 2.0), 2)) for at in chance.sample(openings, 2))
        market.listings[ticker] = replace(listing, splits=(split,), dividends=dividends)
        quiet = [at for at in openings if abs(at - split.at) > 4 * _DAY]
        gone = chance.sample(quiet, min(len(quiet), max(1, (end - start).days // 14)))
        market.holes[ticker] = [
            Hole(at, at + _DAY // 2, at + int(chance.uniform(1.5, 3) * _DAY)) for at in gone if at < end.timestamp()
        ]
        market.changes[ticker] = _changes(listing, [*gone, split.at], start, end, chance)
    return market


def _session_openings(listing: Listing, start: datetime, end: datetime) -> list[int]:
    days = (listing.opened // _DAY)[1:] != (listing.opened // _DAY)[:-1]
    openings = listing.opened[1:][days]
    return [int(at) for at in openings if start.timestamp() <= at < end.timestamp()]


def _changes(listing: Listing, busy: Sequence[int], start: datetime, end: datetime, chance: Random) -> list[Change]:
    """One revised bar a day from Monday to Wednesday, far from what else happens to the ticker.

    Each is a day old when it changes, so that a later session's requests have surely seen it as it was.
    """
    changes = []
    for day in range(int(start.timestamp()), int(end.timestamp()), _DAY):
        closed = listing.closed[(listing.opened >= day) & (listing.opened < day + _DAY)]
        if datetime.fromtimestamp(day, UTC).weekday() > 2:
            continue
        if not len(closed) or any(abs(day - at) < 4 * _DAY for at in busy):
            continue
        place = chance.randrange(len(closed))
        opened = int(listing.opened[(listing.opened >= day) & (listing.opened < day + _DAY)][place])
        at = int(closed[place] + chance.uniform(1.0, 2.0) * _DAY)
        if at < end.timestamp():
            changes.append(Change(opened, at, chance.choice([1.001, 0.99, 1.02])))
    return changes


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
    """What a replay injected and what was found, and the bars that differ from the truth."""

    injected: dict[str, int]
    found: dict[str, int]
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
    """Onboards the market's tickers at ``since`` and updates them every hour in which a bar is due until ``until``."""
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
        due = [last_closed(p.calendar, moment, p.feed_delay_minutes) for p in profiles]
        if any(at is not None and at > moment - timedelta(minutes=90) for at in due):
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
                (select sum(revision_count)::integer from bi.data_quality) as revisions,
                (
                    select count(*) from (
                        select ticker, opened_at, closed_at, min(known_at) as known_at
                        from (
                            select ticker, opened_at, closed_at, known_at from forecast.bar
                            union all
                            select ticker, opened_at, closed_at, known_at from forecast.bar_revision
                        ) as reading
                        group by ticker, opened_at, closed_at
                    ) as first
                    where known_at > closed_at + interval '30 hours' and closed_at > :since
                ) as filled_bars
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
    injected = {
        "splits": sum(len(listing.splits) for listing in market.listings.values()),
        "dividends": sum(len(listing.dividends) for listing in market.listings.values()),
        "revisions": sum(map(len, market.changes.values())),
        "filled_bars": sum(_bars_in(ticker, hole) for ticker, holes in market.holes.items() for hole in holes),
    }
    return Findings(
        injected=injected,
        found={name: int(found[name] or 0) for name in injected},
        differences=differences,
        bar_count=len(stored),
        request_count=emulator.counts()["chart"],
        fault_count=sum(asked.fault is not None for asked in emulator.asked),
    )


def _bars_in(ticker: str, hole: Hole) -> int:
    from include.market.sessions import calendar_of

    first, last = (datetime.fromtimestamp(second, UTC) for second in (hole.first, hole.last))
    return len(bar_grid(calendar_of(ticker), first, last))
