"""One price scale: a response's bars and the stored bars of its tickers are brought to the same scale.

Three things show a change of scale: a split that the source announces, a response whose bars differ from the stored
ones by one factor, and a step by a clean factor within the bars. What stays in doubt is stored as a question;
``bi.event`` and the outcome show it. Everything is found from what is known at ``as_of``, so that an hour that runs
again finds the same. Where next: ``market/scale_steps.py`` and ``market/splits.py`` for how it is found,
``scale_notes.py`` for what people read of it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from include.contracts import BAR_COLUMNS, Split, TickerProfile
from include.market import scale_steps, splits
from include.market.scale_steps import ScaleStep, Verdict
from include.market.source import FetchReport
from include.market.units import unit_factor
from include.store import registry
from include.store import scale_questions as question_store
from include.store import splits as split_store
from include.store.engine import Connection
from include.store.overlap import load_overlap
from include.store.scale_questions import SHIFT, STEP, ScaleQuestion

MIXED: Final = "mixed_scale"
"""Reason of a rejection: the price scale changed within the bar."""
HOLD_AGE: Final = timedelta(days=7)
"""A step that is older when it is found does not hold the ticker: whatever it was, it is no news."""
_RECORDED: Final = timedelta(days=30)
"""How long a source may serve copies from before a split."""
_DEEPEST: Final = timedelta(days=700)
"""A source's history ends near here: bars before it cannot be read again."""


@dataclass(frozen=True)
class Context:
    """What is known of a response's tickers before it is stored.

    ``stored``: the stored bars of the response's times and some before (BAR_COLUMNS); ``announced``: splits in the
    response; ``units``: changes of scale that the response's currencies make likely; ``recorded``: those that are
    stored; ``moves``: (ticker, opened_at) of steps that are settled as price moves; ``questions``: those that are open.
    """

    as_of: datetime
    stored: pd.DataFrame
    announced: Sequence[Split]
    units: Sequence[Split]
    recorded: Sequence[Split]
    moves: Collection[tuple[str, datetime]]
    questions: Sequence[ScaleQuestion]


@dataclass(frozen=True)
class Scaled:
    """A response's bars on the stored scale, and those whose scale is unclear.

    ``factors``: by ticker, what the response's prices were multiplied by.
    """

    bars: pd.DataFrame
    unclear: pd.DataFrame
    factors: dict[str, float]


def load_context(
    connection: Connection, report: FetchReport, profiles: Mapping[str, TickerProfile], as_of: datetime
) -> Context:
    """The context of a response; of its tickers alone."""
    first = report.bars.groupby("ticker")["opened_at"].min()
    first_opened_at = {str(ticker): at.to_pydatetime() for ticker, at in first.items()}
    tickers = list(first_opened_at)
    since = min([as_of - _RECORDED, *first_opened_at.values()])
    return Context(
        as_of,
        load_overlap(connection, first_opened_at, as_of, scale_steps.PAST_BARS),
        report.splits,
        _changes_of_unit(report, profiles, as_of),
        splits.net(split_store.splits_since(connection, tickers, as_of, since)),
        question_store.settled_moves(connection, tickers, as_of),
        question_store.open_questions(connection, tickers, as_of),
    )


def keep_currencies(
    connection: Connection, report: FetchReport, profiles: Mapping[str, TickerProfile], as_of: datetime
) -> None:
    """Stores the currency of tickers whose bars have moved to the unit that the response names."""
    for unit in _changes_of_unit(report, profiles, as_of):
        changes = split_store.unannounced_at(connection, [unit.ticker], as_of)
        if any(splits.is_same(change.split, unit) for change in changes):
            registry.set_profile(connection, replace(profiles[unit.ticker], currency=report.currencies[unit.ticker]))


def _changes_of_unit(report: FetchReport, profiles: Mapping[str, TickerProfile], as_of: datetime) -> list[Split]:
    """A change of scale for each ticker whose response names another unit of its currency."""
    found = []
    for ticker, currency in report.currencies.items():
        factor = unit_factor(profiles[ticker].currency, currency)
        if factor is not None:
            found.append(Split(ticker, as_of, factor, is_volume_scaled=False))
    return found


def past_of(context: Context, bars: pd.DataFrame) -> pd.DataFrame:
    """The stored bars before each ticker's first given bar (BAR_COLUMNS), on the given bars' scale.

    The factor is the median ratio of the bars that are both given and stored.
    """
    stored = context.stored
    if stored.empty or bars.empty:
        return stored[list(BAR_COLUMNS)]
    first = bars.groupby("ticker")["opened_at"].min()
    is_price = (bars[["open", "high", "low", "close"]] > 0).all(axis=1)
    found = splits.shifts(stored, bars[is_price], {})
    past = stored.loc[stored["opened_at"] < stored["ticker"].map(first), list(BAR_COLUMNS)]
    for shift in found:
        rows = past.index[past["ticker"] == shift.ticker]
        past = splits.rescale(past, rows, math.exp(shift.log_ratio), 1.0)
    return past


def find_steps(context: Context, bars: pd.DataFrame, past: pd.DataFrame) -> list[ScaleStep]:
    """The steps that may be changes of scale in accepted bars and the stored ones before them."""
    columns = list(BAR_COLUMNS)
    joined = pd.concat([past[columns], bars[columns]]).sort_values(["ticker", "opened_at"], ignore_index=True)
    known = [*context.announced, *context.units, *context.recorded]
    return scale_steps.find_steps(joined, known, context.moves)


def apply_steps(bars: pd.DataFrame, steps: Sequence[ScaleStep]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The accepted bars on their newest scale, and those within which the scale changed.

    The bars from a change of scale on, up to the one that made it certain, count as confirmed by that one.
    """
    mixed = bars.iloc[:0]
    for step in steps:
        if step.verdict is not Verdict.SCALE:
            continue
        is_ticker = bars["ticker"] == step.ticker
        if step.is_mixed:
            is_mixed = is_ticker & (bars["opened_at"] == step.opened_at)
            mixed, bars = pd.concat([mixed, bars[is_mixed]]), bars[~is_mixed]
            is_ticker = is_ticker[~is_mixed]
        bars = splits.rescale_before(bars, split_of(step))
        waits = is_ticker & (bars["opened_at"] >= step.opened_at) & (bars["confirmed_at"] < step.known_at)
        bars.loc[waits, "confirmed_at"] = step.known_at
    return bars, mixed


def split_of(step: ScaleStep) -> Split:
    """The step as a split that takes effect with its bar."""
    return Split(step.ticker, step.opened_at, step.factor, step.is_volume_scaled)


def to_stored_scale(connection: Connection, context: Context, bars: pd.DataFrame, steps: Sequence[ScaleStep]) -> Scaled:
    """Brings the bars and the stored series to one scale; stores changes of scale, and questions.

    If the response shows a change of scale, the stored series is moved to the new scale. Two cases leave it: a replay
    of an hour before the change, and a cached response from before it, without a newer bar. In these the response is
    brought to the stored scale.
    """
    found = {split_of(step): step.evidence.to_dict() for step in steps if step.verdict is Verdict.SCALE}
    result = Scaled(bars, bars.iloc[:0], {})
    shifted: set[str] = set()
    boundaries = _boundaries([*found, *context.announced, *_doubted(context)])
    for shift in splits.shifts(context.stored, bars, boundaries):
        shifted.add(shift.ticker)
        result = _move(connection, context, result, shift, _Known.of(context, found, shift.ticker))
    for split, evidence in found.items():
        if split.ticker not in shifted and _is_unseen(context, bars, split):
            result = _store_change(connection, context, result, split, evidence)
    _store_questions(connection, context, bars, steps)
    return result


@dataclass(frozen=True)
class _Known:
    """One ticker's changes of scale that may explain a shift, by how they are known.

    ``announced`` by the source; ``stepped``: found in the bars, with their evidence; ``doubted``: open questions;
    ``undone``: what a copy from before a stored change would show.
    """

    announced: list[Split]
    stepped: dict[Split, dict[str, Any]]
    doubted: list[Split]
    undone: list[Split]

    @classmethod
    def of(cls, context: Context, found: Mapping[Split, dict[str, Any]], ticker: str) -> _Known:
        return cls(
            announced=[split for split in context.announced if split.ticker == ticker],
            stepped={split: evidence for split, evidence in found.items() if split.ticker == ticker},
            doubted=[split for split in _doubted(context) if split.ticker == ticker],
            undone=[replace(split, factor=1 / split.factor) for split in context.recorded if split.ticker == ticker],
        )

    def explain(self, shift: splits.Shift) -> float | None:
        """The factor of the shift, as ``splits.factor_of`` finds it."""
        return splits.factor_of(shift, [*self.announced, *self.stepped, *self.doubted, *self.undone])

    def is_old_copy(self, split: Split) -> bool:
        """Whether a copy from before a stored change would show this split."""
        return any(splits.is_same(split, other) for other in self.undone)

    def dated(self, shift: splits.Shift, factor: float, otherwise_at: datetime) -> tuple[Split, dict[str, Any] | None]:
        """The split of this factor, and what it was found from: None if the source announced it."""
        known = [*self.announced, *self.stepped, *self.doubted]
        effective_at, is_known = splits.effective_from(shift.ticker, factor, known, otherwise_at)
        split = Split(shift.ticker, effective_at, factor)
        same = [other for other in (*self.stepped, *self.doubted, *self.undone) if splits.is_same(split, other)]
        split = replace(split, is_volume_scaled=all(other.is_volume_scaled for other in same))
        if is_known and any(other.effective_at == effective_at for other in self.announced):
            return split, None
        return split, self.stepped.get(split) or _evidence_of(shift, shift.log_ratio)


def _move(connection: Connection, context: Context, result: Scaled, shift: splits.Shift, known: _Known) -> Scaled:
    """Handles one ticker whose given bars differ from the stored ones."""
    factor = known.explain(shift)
    rows = result.bars[result.bars["ticker"] == shift.ticker]
    if factor is not None and math.isnan(factor):
        return Scaled(result.bars.drop(rows.index), pd.concat([result.unclear, rows]), result.factors)
    _question_of_shift(connection, context, rows, shift, splits.residual_of(shift, factor))
    if factor is None:
        return result
    later = rows.loc[rows["opened_at"] > shift.newest_overlap_at, "opened_at"]
    split, evidence = known.dated(shift, factor, later.iloc[0].to_pydatetime() if len(later) else context.as_of)
    if not shift.has_newer and known.is_old_copy(split):
        return _to_old_scale(result, split)
    for other in known.doubted:
        if splits.is_same(split, other):
            question_store.settle(connection, shift.ticker, other.effective_at, context.as_of, "scale", "source")
    return _store_change(connection, context, result, split, evidence)


def _evidence_of(shift: splits.Shift, log_ratio: float) -> dict[str, Any]:
    """What a shift was found from, as JSON values."""
    return {
        "log_ratio": log_ratio,
        "overlap_count": shift.overlap_count,
        "agreeing_ratio": shift.agreeing_ratio,
    }


def _store_change(
    connection: Connection, context: Context, result: Scaled, split: Split, evidence: dict[str, Any] | None
) -> Scaled:
    """Moves the stored series to the new scale, or the response to the old one where that would change the past."""
    rows = result.bars[result.bars["ticker"] == split.ticker]
    if split_store.move_to_scale(connection, split, context.as_of, rows, evidence):
        return result
    return _to_old_scale(result, split)


def _to_old_scale(result: Scaled, split: Split) -> Scaled:
    rows = result.bars.index[result.bars["ticker"] == split.ticker]
    scaled = splits.rescale(result.bars, rows, 1 / split.factor, 1 / split.volume_factor)
    factors = result.factors | {split.ticker: result.factors.get(split.ticker, 1.0) * split.factor}
    return Scaled(scaled, result.unclear, factors)


def _store_questions(connection: Connection, context: Context, bars: pd.DataFrame, steps: Sequence[ScaleStep]) -> None:
    """Opens a question for each unclear step, and settles those that later bars or a second reading have answered."""
    opened = {(question.ticker, question.opened_at): question for question in context.questions}
    for step in steps:
        is_open = (step.ticker, step.opened_at) in opened
        if step.verdict is Verdict.UNCLEAR and not is_open:
            question = ScaleQuestion(step.ticker, step.opened_at, STEP, step.factor, _evidence_in_doubt(step))
            question_store.open_question(connection, question, context.as_of)
            if step.opened_at < context.as_of - HOLD_AGE:
                question_store.settle(connection, step.ticker, step.opened_at, context.as_of, "move", "age")
        elif step.verdict is not Verdict.UNCLEAR and is_open:
            question_store.settle(connection, step.ticker, step.opened_at, context.as_of, step.verdict, "bars")
    first = bars.groupby("ticker")["opened_at"].min()
    for question in context.questions:
        if question.kind == SHIFT and question.ticker in first and first[question.ticker] < question.opened_at:
            question_store.settle(
                connection, question.ticker, question.opened_at, context.as_of, "read again", "source"
            )


def _evidence_in_doubt(step: ScaleStep) -> dict[str, Any]:
    """The evidence of an unclear step, and whether it would change the volumes; JSON values."""
    return step.evidence.to_dict() | {"is_volume_scaled": step.is_volume_scaled}


def _question_of_shift(
    connection: Connection, context: Context, rows: pd.DataFrame, shift: splits.Shift, residual: float | None
) -> None:
    """Opens a question where all bars were read again with a new ratio and older stored bars were not."""
    first = rows["opened_at"].min().to_pydatetime()
    stored = context.stored
    has_older = ((stored["ticker"] == shift.ticker) & (stored["opened_at"] < first)).any()
    if residual is None or not has_older or first < context.as_of - _DEEPEST:
        return
    question = ScaleQuestion(shift.ticker, first, SHIFT, math.exp(residual), _evidence_of(shift, residual))
    question_store.open_question(connection, question, context.as_of)


def _doubted(context: Context) -> list[Split]:
    """The open questions about steps, as the splits that they may be."""
    return [
        Split(question.ticker, question.opened_at, question.factor, question.is_volume_scaled)
        for question in context.questions
        if question.kind == STEP
    ]


def _boundaries(changes: Sequence[Split]) -> dict[str, datetime]:
    """By ticker, when the first of these changes took effect."""
    found: dict[str, datetime] = {}
    for change in changes:
        found[change.ticker] = min(change.effective_at, found.get(change.ticker, change.effective_at))
    return found


def _is_unseen(context: Context, bars: pd.DataFrame, split: Split) -> bool:
    """Whether no bar before the change is both given and stored, so that no ratio shows it."""
    stored, given = context.stored, bars
    older = stored[(stored["ticker"] == split.ticker) & (stored["opened_at"] < split.effective_at)]
    return not older["opened_at"].isin(given.loc[given["ticker"] == split.ticker, "opened_at"]).any()
