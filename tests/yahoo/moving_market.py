"""A market that changes its mind: invented prices, bars revised later, whole days withheld and restored, events.

It is a provider for the emulator whose listings depend on the emulator's clock, and it knows the truth at any instant.
Where next: ``replay.py`` lets the product live through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import numpy as np
import pandas as pd

from tests.yahoo.providers import PRICES, Event, Listing, invented_bars, listing_of

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
    """A market with, a ticker: a split, two dividends, revisions, and a day a fortnight that comes later.

    Everything happens between a third of the way and six days before the end, so that all of it can be found: what is
    restored within three days is asked for with the next session, and that may lie behind a weekend.
    """
    chance = Random(seed)
    market = MovingMarket({}, clock)
    start, end = since + (until - since) / 3, until - timedelta(days=6)
    for ticker in tickers:
        listing = listing_of(invented_bars(ticker, since - timedelta(days=30), until + timedelta(days=1)))
        openings = _session_openings(listing, start, end)
        split = Event(chance.choice(openings), chance.choice([2.0, 4.0, 10.0, 0.1, 1.5]))
        dividends = tuple(Event(at, round(chance.uniform(0.1, 2.0), 2)) for at in chance.sample(openings, 2))
        market.listings[ticker] = replace(_split(listing, split), splits=(split,), dividends=dividends)
        quiet = [at for at in openings if abs(at - split.at) > 4 * _DAY]
        gone = chance.sample(quiet, min(len(quiet), max(1, (end - start).days // 14)))
        market.holes[ticker] = [
            Hole(at, at + _DAY // 2, at + int(chance.uniform(1.5, 3) * _DAY)) for at in gone if at < end.timestamp()
        ]
        market.changes[ticker] = _changes(listing, market.holes[ticker], split, start, end, chance)
    return market


def _split(listing: Listing, split: Event) -> Listing:
    """The listing with prices as traded: lower by the split's factor from the split on, and volumes higher."""
    is_later = listing.opened >= split.at
    factor = np.where(is_later, split.amount, 1.0)
    return replace(listing, prices=listing.prices / factor[:, None], volume=np.round(listing.volume * factor))


def _session_openings(listing: Listing, start: datetime, end: datetime) -> list[int]:
    days = (listing.opened // _DAY)[1:] != (listing.opened // _DAY)[:-1]
    openings = listing.opened[1:][days]
    return [int(at) for at in openings if start.timestamp() <= at < end.timestamp()]


def _changes(
    listing: Listing, holes: Sequence[Hole], split: Event, start: datetime, end: datetime, chance: Random
) -> list[Change]:
    """One revised bar a day, a day or two after it closed; none of a withdrawn day, and none near the split.

    A change that is first read together with a split, as after a weekend, is part of the move to the new scale; one of
    a bar that was never read before is none at all.
    """
    changes = []
    for day in range(int(start.timestamp()), int(end.timestamp()), _DAY):
        in_day = np.flatnonzero((listing.opened >= day) & (listing.opened < day + _DAY))
        if not len(in_day):
            continue
        place = in_day[chance.randrange(len(in_day))]
        opened, closed = int(listing.opened[place]), int(listing.closed[place])
        at = int(closed + chance.uniform(1.0, 2.0) * _DAY)
        is_by_split = opened < split.at + _DAY and at > split.at - 4 * _DAY
        is_withdrawn = any(hole.first <= opened < hole.last for hole in holes)
        if at < end.timestamp() and not is_by_split and not is_withdrawn:
            changes.append(Change(opened, at, chance.choice([1.001, 0.99, 1.02])))
    return changes
