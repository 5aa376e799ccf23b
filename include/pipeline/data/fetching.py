"""From what the market says to what is stored: what is asked for, how an answer is checked, scaled and kept.

Every update reads the last days again, to see what changed, and further back while bars are missing against the
calendar. One answer is one transaction: its rejections, a change of scale, bars and revisions, dividends, and the bars
that were due. Where next: ``market/quality.py`` for what is believed, ``market/splits.py`` for the scale.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from include.contracts import BarRequest, Dividend, Split, TickerFailure, TickerProfile
from include.market import quality, sessions, splits
from include.market.source import FetchReport
from include.pipeline.data.known_at import HourKnownAt, KnownAt
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import dividends as dividend_store
from include.store import expected as expected_store
from include.store import splits as split_store
from include.store.dividends import KnownDividend
from include.store.engine import Connection, Engine, transaction

GAP_REACH = timedelta(days=30)
"""How long a missing bar is asked for again; Yahoo has filled holes days later."""
_HOLE_REACH = timedelta(hours=4)
"""How long after the newest due bar a hole is asked for by itself: what an answer at a session's end lacked is there by
then, and what is still missing can wait for the next session, whose first forecast it comes in time for."""


def due_requests(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> list[BarRequest]:
    """Requests for the tickers whose calendar says that a bar newer than the store's has closed.

    One a ticker, whatever is missing: it reaches back over the days that are read again, to the oldest gap, and to the
    oldest bar that changed within those days, which may change back. A ticker whose newest bar is there, but not all
    before it, is asked for in the hours after that bar too.
    """
    window = timedelta(days=services.settings.market.update_days)
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, tickers, as_of)
        gaps = expected_store.first_gaps(connection, tickers, as_of - GAP_REACH)
        changed = bar_store.oldest_revised(connection, tickers, as_of - window, as_of)
    requests = []
    for profile in profiles:
        stored = newest.get(profile.ticker)
        due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes)
        if due is None:
            continue
        has_fresh_hole = profile.ticker in gaps and as_of - due <= _HOLE_REACH
        if stored is None or stored < due or has_fresh_hole:
            since = min(as_of, stored or as_of) - window
            reread = max(changed.get(profile.ticker, since), as_of - GAP_REACH)
            requests.append(BarRequest(profile, min(since, reread, gaps.get(profile.ticker, since))))
    return requests


def fetch(services: Services, requests: Sequence[BarRequest], as_of: datetime) -> list[TickerFailure]:
    """Asks each request's source and stores the answers; why the others have none."""
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
        keep(services.engine, group, report, as_of)
        failures += report.failures
    return failures


def keep(
    engine: Engine,
    requests: Sequence[BarRequest],
    report: FetchReport,
    as_of: datetime,
    known_at: Callable[[Connection], KnownAt] | None = None,
) -> int:
    """Stores what a source answered to these requests; the count of bars that were accepted.

    Bars and dividends count as known from ``as_of`` on, or from the instants of ``known_at``, which is called before
    anything is stored.
    """
    profiles = {request.profile.ticker: request.profile for request in requests}
    with transaction(engine) as connection:
        recorded = split_store.splits_since(connection, list(profiles), as_of, GAP_REACH)
        unified = splits.unify(report.bars, [*report.splits, *recorded])
        accepted, rejected = quality.reject_bars(unified, profiles, as_of)
        bar_store.save_rejections(connection, rejected, as_of)
        known = known_at(connection) if known_at else HourKnownAt(as_of)
        scaled, unclear, factors = _on_stored_scale(connection, accepted, report.splits, recorded, as_of)
        bar_store.save_rejections(connection, unclear.assign(reason=splits.SCALE_UNCLEAR), as_of)
        bar_store.upsert_bars(connection, scaled.assign(known_at=known.of_bars(scaled)))
        dividends = _believed(report.dividends, set(unclear["ticker"]), factors)
        dividend_store.save_dividends(
            connection, [KnownDividend(dividend, known.of_dividend(dividend)) for dividend in dividends], as_of
        )
        expected_store.save_expected(connection, _expected_days(requests, as_of), as_of)
    return len(scaled)


def _on_stored_scale(
    connection: Connection,
    bars: pd.DataFrame,
    announced: Sequence[Split],
    recorded: Sequence[Split],
    as_of: datetime,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """The bars on the scale that the store is on, which a split moves first; and those whose scale makes no sense.

    Where it cannot be moved (a replay of an hour before the split), or should not (an old copy of an answer from before
    it, without a newer bar), the bars are brought to the scale that is stored; third, by what their prices were
    multiplied, by ticker.
    """
    scaled, unclear = bars, bars.iloc[:0]
    factors: dict[str, float] = {}
    for shift in split_store.scale_shifts(connection, bars, as_of, splits.AGREEMENT):
        own_announced = [split for split in announced if split.ticker == shift.ticker]
        own_recorded = [split for split in recorded if split.ticker == shift.ticker]
        factor = splits.factor_of(
            shift.log_ratio, shift.overlap_count, shift.agreeing_ratio, [*own_announced, *_undone(own_recorded)]
        )
        if factor is None:
            continue
        own = bars[bars["ticker"] == shift.ticker]
        if math.isnan(factor):
            scaled, unclear = scaled.drop(own.index), pd.concat([unclear, own])
            continue
        later = own.loc[own["opened_at"] > shift.newest_overlap_at, "opened_at"]
        otherwise_at = later.iloc[0].to_pydatetime() if len(later) else as_of
        effective_at, is_announced = splits.effective_from(shift.ticker, factor, own_announced, otherwise_at)
        split = Split(shift.ticker, effective_at, factor)
        is_old_copy = not shift.has_newer and any(splits.is_same(split, undone) for undone in _undone(own_recorded))
        if is_old_copy or not split_store.move_to_scale(connection, split, as_of, own, is_announced=is_announced):
            scaled = splits.rescale(scaled, own.index, 1 / factor)
            factors[shift.ticker] = factor
    return scaled, unclear, factors


def _believed(dividends: Sequence[Dividend], unclear: Collection[str], factors: Mapping[str, float]) -> list[Dividend]:
    """An answer's dividends on the scale of its bars once those are on the stored one; none where that is unclear."""
    return [
        replace(dividend, amount=dividend.amount * factors.get(dividend.ticker, 1.0))
        for dividend in dividends
        if dividend.ticker not in unclear
    ]


def _undone(recorded: Sequence[Split]) -> list[Split]:
    """What an answer from before these splits shows."""
    return [Split(split.ticker, split.effective_at, 1 / split.factor) for split in recorded]


def _expected_days(requests: Sequence[BarRequest], as_of: datetime) -> pd.DataFrame:
    """The whole days that requests cover, with the bars that were due on each; the day of ``since`` is not whole."""
    days_of: dict[tuple[str, str, int, datetime], pd.DataFrame] = {}
    parts = []
    for request in requests:
        profile = request.profile
        key = (profile.calendar, profile.timezone, profile.feed_delay_minutes, request.since)
        if key not in days_of:
            days_of[key] = _days_due(*key, as_of)
        parts.append(days_of[key].assign(ticker=profile.ticker))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _days_due(calendar: str, timezone: str, delay_minutes: int, since: datetime, as_of: datetime) -> pd.DataFrame:
    grid = sessions.bar_grid(calendar, since, as_of)
    due = grid[grid["closed_at"] + pd.Timedelta(minutes=delay_minutes) <= as_of]
    days = due["opened_at"].dt.tz_convert(timezone).dt.date
    is_whole = days > pd.Timestamp(since).tz_convert(timezone).date()
    grouped = due[is_whole].groupby(days[is_whole].rename("day_exchange"))
    summed: pd.DataFrame = grouped.agg(
        first_opened_at=("opened_at", "min"), last_closed_at=("closed_at", "max"), expected_count=("opened_at", "size")
    )
    return summed.reset_index()
