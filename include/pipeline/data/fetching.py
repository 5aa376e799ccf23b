"""Fetching: which bars to request, and how a source's response is checked, scaled and stored.

Every update requests the last days again, to find revisions, and older days while bars of them are missing. One
response is stored in one transaction: rejected bars, a change of scale, bars and revisions, dividends, and which bars
were due. Where next: ``market/quality.py`` for which bars are accepted, ``market/splits.py`` for the scale.
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

GAP_DAYS = timedelta(days=30)
"""How long a missing bar is requested again; Yahoo has filled gaps days later."""
_GAP_HOURS = timedelta(hours=4)
"""How long after the newest due bar a gap alone causes a request. Bars that a response at the end of a session lacked
are available by then. What is still missing is requested again with the next session's first bar."""


def due_requests(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> list[BarRequest]:
    """One request for each ticker that is due: by its calendar, a bar newer than the stored ones has closed.

    A request begins ``update_days`` before the newest stored bar. It begins earlier if an older bar is missing, or if
    an older bar was revised within those days, since a revision may be undone. A ticker is also due in the hours
    after its newest bar if an older bar is missing.
    """
    window = timedelta(days=services.settings.market.update_days)
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, tickers, as_of)
        gaps = expected_store.first_gaps(connection, tickers, as_of - GAP_DAYS)
        changed = bar_store.oldest_revised(connection, tickers, as_of - window, as_of)
    requests = []
    for profile in profiles:
        stored = newest.get(profile.ticker)
        due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes)
        if due is None:
            continue
        has_recent_gap = profile.ticker in gaps and as_of - due <= _GAP_HOURS
        if stored is None or stored < due or has_recent_gap:
            since = min(as_of, stored or as_of) - window
            revised = max(changed.get(profile.ticker, since), as_of - GAP_DAYS)
            requests.append(BarRequest(profile, min(since, revised, gaps.get(profile.ticker, since))))
    return requests


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
    """Stores a source's response to these requests; the count of bars that were accepted.

    Bars and dividends count as known from ``as_of`` on, or from the instants of ``known_at``, which is called before
    anything is stored.
    """
    profiles = {request.profile.ticker: request.profile for request in requests}
    with transaction(engine) as connection:
        recorded = split_store.splits_since(connection, list(profiles), as_of, GAP_DAYS)
        unified = splits.unify(report.bars, [*report.splits, *recorded])
        accepted, rejected = quality.reject_bars(unified, profiles, as_of)
        bar_store.save_rejections(connection, rejected, as_of)
        known = known_at(connection) if known_at else HourKnownAt(as_of)
        scaled, unclear, factors = _on_stored_scale(connection, accepted, report.splits, recorded, as_of)
        bar_store.save_rejections(connection, unclear.assign(reason=splits.SCALE_UNCLEAR), as_of)
        bar_store.upsert_bars(connection, scaled.assign(known_at=known.of_bars(scaled)))
        dividends = _on_scale(report.dividends, set(unclear["ticker"]), factors)
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
    """Brings the bars and the stored series to one scale.

    If the response shows a split, the stored series is moved to the new scale. Two cases leave it: a replay of an hour
    before the split, and a cached response from before the split, without a newer bar. In these the response is brought
    to the stored scale.

    Returns:
        The bars on the stored scale; the bars whose scale is unclear; by ticker, the factor that prices were multiplied
        by.
    """
    scaled, unclear = bars, bars.iloc[:0]
    factors: dict[str, float] = {}
    for shift in split_store.scale_shifts(connection, bars, as_of, splits.AGREEMENT):
        named = [split for split in announced if split.ticker == shift.ticker]
        undone = _undone([split for split in recorded if split.ticker == shift.ticker])
        factor = splits.factor_of(shift.log_ratio, shift.overlap_count, shift.agreeing_ratio, [*named, *undone])
        if factor is None:
            continue
        rows = bars[bars["ticker"] == shift.ticker]
        if math.isnan(factor):
            scaled, unclear = scaled.drop(rows.index), pd.concat([unclear, rows])
            continue
        later = rows.loc[rows["opened_at"] > shift.newest_overlap_at, "opened_at"]
        otherwise_at = later.iloc[0].to_pydatetime() if len(later) else as_of
        effective_at, is_announced = splits.effective_from(shift.ticker, factor, named, otherwise_at)
        split = Split(shift.ticker, effective_at, factor)
        is_old_copy = not shift.has_newer and any(splits.is_same(split, other) for other in undone)
        if is_old_copy or not split_store.move_to_scale(connection, split, as_of, rows, is_announced=is_announced):
            scaled = splits.rescale(scaled, rows.index, 1 / factor)
            factors[shift.ticker] = factor
    return scaled, unclear, factors


def _on_scale(dividends: Sequence[Dividend], unclear: Collection[str], factors: Mapping[str, float]) -> list[Dividend]:
    """A response's dividends on the stored scale; without those of tickers whose scale is unclear."""
    return [
        replace(dividend, amount=dividend.amount * factors.get(dividend.ticker, 1.0))
        for dividend in dividends
        if dividend.ticker not in unclear
    ]


def _undone(recorded: Sequence[Split]) -> list[Split]:
    """The splits that a response from before these splits seems to show."""
    return [Split(split.ticker, split.effective_at, 1 / split.factor) for split in recorded]


def _expected_days(requests: Sequence[BarRequest], as_of: datetime) -> pd.DataFrame:
    """The days that requests cover, with the bars due on each; the incomplete day of ``since`` is left out."""
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
