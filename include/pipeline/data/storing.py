"""Storing a source's response: its bars are checked, brought to the stored price scale and stored.

One response is stored in one transaction: rejected bars, a change of scale, bars and revisions, dividends, and which
bars were due. Where next: ``market/quality.py`` for which bars are accepted, ``market/splits.py`` for the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pandas as pd

from include.contracts import BarRequest, Dividend, Split
from include.market import quality, splits
from include.market.source import FetchReport
from include.pipeline.data.due import GAP_DAYS, expected_days
from include.pipeline.data.known_at import HourKnownAt, KnownAt
from include.store import bars as bar_store
from include.store import dividends as dividend_store
from include.store import expected as expected_store
from include.store import splits as split_store
from include.store.dividends import KnownDividend
from include.store.engine import Connection, Engine, transaction


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
        bar_store.save_rejections(connection, report.refused, as_of)
        known = known_at(connection) if known_at else HourKnownAt(as_of)
        scaled, unclear, factors = _on_stored_scale(connection, accepted, report.splits, recorded, as_of)
        bar_store.save_rejections(connection, unclear.assign(reason=splits.SCALE_UNCLEAR), as_of)
        bar_store.upsert_bars(connection, scaled.assign(known_at=known.of_bars(scaled)))
        dividends = _on_scale(report.dividends, set(unclear["ticker"]), factors)
        dividend_store.save_dividends(
            connection, [KnownDividend(dividend, known.of_dividend(dividend)) for dividend in dividends], as_of
        )
        expected_store.save_expected(connection, expected_days(connection, requests, as_of), as_of)
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
