"""Storing a source's response: its bars are checked, brought to the stored price scale and stored.

One response is stored in one transaction: rejected bars, a change of scale, bars and revisions, dividends, and which
bars were due. Where next: ``market/quality.py`` for which bars are accepted, ``scaling.py`` for the scale.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from include.contracts import BarRequest, Dividend
from include.market import quality, splits
from include.market.source import FetchReport
from include.pipeline import measures
from include.pipeline.data import scaling
from include.pipeline.data.due import expected_days
from include.pipeline.data.known_at import HourKnownAt, KnownAt
from include.store import bars as bar_store
from include.store import dividends as dividend_store
from include.store import expected as expected_store
from include.store.dividends import KnownDividend
from include.store.engine import Connection, Engine, transaction
from include.store.old_answers import without_outdated


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
        context = scaling.load_context(connection, report, profiles, as_of)
        unified = splits.unify(report.bars, [*report.splits, *context.recorded])
        past = scaling.past_of(context, unified)
        accepted, rejected = quality.reject_bars(unified, profiles, as_of, past)
        steps = scaling.find_steps(context, accepted, past)
        accepted, mixed = scaling.apply_steps(accepted, steps)
        known = known_at(connection) if known_at else HourKnownAt(as_of)
        scaled = scaling.to_stored_scale(connection, context, accepted, steps)
        scaling.keep_currencies(connection, report, profiles, as_of)
        for refused in (
            rejected,
            report.refused,
            mixed.assign(reason=scaling.MIXED),
            scaled.unclear.assign(reason=splits.SCALE_UNCLEAR),
        ):
            measures.count("bars_rejected", bar_store.save_rejections(connection, refused, as_of))
        bars = without_outdated(connection, scaled.bars, report.made_at)
        stored = bar_store.upsert_bars(connection, bars.assign(known_at=known.of_bars(bars)))
        dividends = _on_scale(report.dividends, set(scaled.unclear["ticker"]), scaled.factors)
        dividend_store.save_dividends(
            connection, [KnownDividend(dividend, known.of_dividend(dividend)) for dividend in dividends], as_of
        )
        expected_store.save_expected(connection, expected_days(connection, requests, as_of), as_of)
    measures.count("bars_received", len(report.bars))
    measures.count("bars_new", sum(counts.new for counts in stored.values()))
    measures.count("bars_revised", sum(counts.revised for counts in stored.values()))
    return len(scaled.bars)


def _on_scale(dividends: Sequence[Dividend], unclear: Collection[str], factors: Mapping[str, float]) -> list[Dividend]:
    """A response's dividends on the stored scale; without those of tickers whose scale is unclear."""
    return [
        replace(dividend, amount=dividend.amount * factors.get(dividend.ticker, 1.0))
        for dividend in dividends
        if dividend.ticker not in unclear
    ]
