"""Whether a new backbone serves: its scores against others, market by market, and the decision.

``score`` compares the request's network with the present backbone, with the scale alone and with HAR on the bars since
the cut-off, which trained none of them. ``judge`` applies the rule of ``evaluation/judgement.py`` and rejects what does
not pass. ``promote`` lets the rest serve, with ``HOURCAST_PROMOTION=approval`` only if a person has approved it. The
decision is stored as an operation that people can read, and it is final: running a stage again changes nothing. Where
next: ``champions.py`` for the two weeks after a promotion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from include.errors import DataContractError, RetryableError
from include.evaluation import judgement
from include.evaluation.har import har
from include.evaluation.judgement import ALL_MARKETS, HAR, PRESENT, SCALE, Judgement, MarketScore
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.records import scores_of
from include.evaluation.trial import Comparison, compare
from include.model.backbone import read_certificate, write_certificate
from include.model.checkpoint import Backbone
from include.pipeline.models import backbones
from include.pipeline.pretraining.pretrain import compare_backbones
from include.pipeline.pretraining.stored import finite_or_none, known_histories, trained_request
from include.pipeline.services import Services
from include.store import backbone_scores as score_store
from include.store import backbones as backbone_store
from include.store import drift as drift_store
from include.store import model_operations
from include.store.backbone_scores import BackboneScore
from include.store.backbones import BackboneRow
from include.store.drift import Market
from include.store.engine import Connection, transaction
from include.store.model_operations import Operation

PROMOTE: Final = "promote"
REJECT: Final = "reject"
JUDGE: Final = "pretrain_backbone"
"""Who decided, where the rule did."""
NOBODY: Final = "nobody"
"""Who decided, where no answer came in time."""
_NAMES: Final[Mapping[str, str]] = {PRESENT: "present", SCALE: "scale", HAR: "har"}
"""Compared forecaster -> its name on the leaderboard."""
_NEW: Final = "backbone"


def score(services: Services, request_id: str) -> dict[str, float]:
    """Scores the request's network on the bars since its cut-off, for each market; the skills over all markets.

    Simulated tickers are scored only if no other is tracked. The scores are also added to the certificate.

    Raises:
        CheckpointError: its weights, or those of the present backbone, cannot be read.
        DataContractError: no bar since the cut-off can be scored.
        RetryableError: it is not trained yet.
    """
    row, version = trained_request(services, request_id)
    present = present_backbone(services, row)
    states = {_NEW: backbones.trained_backbone(services, version).state}
    if present is not None:
        states[_NAMES[PRESENT]] = present.state
    markets = _scored_markets(services, row)
    histories = known_histories(services, [ticker for tickers in markets.values() for ticker in tickers], row.as_of)
    others = {_NAMES[HAR]: har}
    board = compare_backbones(histories, states, row.cutoff_at, row.as_of, is_calibrated=False, others=others)
    scores = _skills(board)
    if not all(math.isfinite(value) for value in scores.values()):
        message = f"{request_id}: no bar from {row.cutoff_at} to {row.as_of} can be scored; hold out more days."
        raise DataContractError(message)
    store = backbones.backbone_store_of(services, version)
    write_certificate(store, read_certificate(store) | {"scores": scores, "board": scores_of(board)})
    with transaction(services.engine) as connection:
        drifted = _drifted_markets(connection, row, present)
        score_store.save_backbone_scores(connection, request_id, _market_scores(board, markets, drifted))
        backbone_store.set_scores(connection, request_id, scores)
    return scores


@dataclass(frozen=True)
class Answer:
    """What a person decided about a new backbone. ``decided_by`` is None if no answer came in time."""

    is_approved: bool
    decided_by: str | None
    reason: str = ""


def judge(services: Services, request_id: str) -> dict[str, Any]:
    """Rejects the request's network if it does not pass the rule; the decision, ``is_open`` if there is none yet.

    Raises:
        RetryableError: it is not trained or not scored yet.
    """
    row, _ = trained_request(services, request_id)
    if row.reason is None:
        found = judgement_of(services, row)
        if found.is_passed:
            return _result(row, found.reason, is_open=True)
        _decide(services, row, is_promoted=False, reason=found.reason, decided_by=JUDGE)
    return _decided(services, request_id)


def promote(services: Services, request_id: str, answer: Answer | None = None) -> dict[str, Any]:
    """Lets the request's network serve from its instant on, if it passes the rule; the decision as of ``judge``.

    With ``HOURCAST_PROMOTION=approval`` it serves only by a person's ``answer``; without one it stays open. Otherwise
    the answer does not count.

    Raises:
        RetryableError: it is not trained or not scored yet.
    """
    judged = judge(services, request_id)
    needs_answer = services.settings.schedule.promotion == "approval"
    if not judged["is_open"] or (needs_answer and answer is None):
        return judged
    row, _ = trained_request(services, request_id)
    if needs_answer and answer is not None:
        reason = f"{_in_words(answer, services.settings.schedule.approval_hours)}; {judged['reason']}"
        decided_by = answer.decided_by or NOBODY
        _decide(services, row, is_promoted=answer.is_approved, reason=reason, decided_by=decided_by)
    else:
        _decide(services, row, is_promoted=True, reason=judged["reason"], decided_by=JUDGE)
    return _decided(services, request_id)


def judgement_of(services: Services, row: BackboneRow) -> Judgement:
    """What the rule says about a request's network.

    Raises:
        RetryableError: it is not scored yet.
    """
    with transaction(services.engine) as connection:
        stored = score_store.load_backbone_scores(connection, row.request_id)
    if row.scores is None or not stored:
        message = f"{row.request_id} is not scored; clear its task `score`."
        raise RetryableError(message)
    return judgement.judge([_read(each) for each in stored])


def present_backbone(services: Services, row: BackboneRow) -> Backbone | None:
    """The backbone that the request is compared with; None where none fits the settings."""
    if row.present_version is not None:
        return backbones.trained_backbone(services, row.present_version)
    return backbones.shipped_backbone(services, row.as_of)


def _decided(services: Services, request_id: str) -> dict[str, Any]:
    row, _ = trained_request(services, request_id)
    return _result(row, str(row.reason), is_open=False)


def _result(row: BackboneRow, reason: str, *, is_open: bool) -> dict[str, Any]:
    return {"model_version": row.model_version, "is_promoted": row.is_promoted, "is_open": is_open, "reason": reason}


def _in_words(answer: Answer, hours: float) -> str:
    if answer.decided_by is None:
        return f"no answer came within {hours:g} hours"
    given = f": {answer.reason.strip()}" if answer.reason.strip() else ""
    return f"{'approved' if answer.is_approved else 'rejected'} by {answer.decided_by}{given}"


def _decide(services: Services, row: BackboneRow, *, is_promoted: bool, reason: str, decided_by: str) -> None:
    present = present_backbone(services, row)
    operation = Operation(
        as_of=row.as_of,
        operation=PROMOTE if is_promoted else REJECT,
        reason=reason,
        decided_by=decided_by,
        model_version=row.model_version,
        other_version=None if present is None else present.version,
        request_id=row.request_id,
    )
    with transaction(services.engine) as connection:
        backbone_store.decide(connection, row.request_id, reason, is_promoted=is_promoted)
        model_operations.save_operation(connection, operation)


def _scored_markets(services: Services, row: BackboneRow) -> dict[Market, list[str]]:
    """The request's tickers by market; the simulated ones only if there is no other."""
    with transaction(services.engine) as connection:
        tracked = drift_store.tracked_tickers(connection, row.as_of)
    wanted = set(row.tickers)
    found = {market: [ticker for ticker in tickers if ticker in wanted] for market, tickers in tracked.items()}
    found = {market: tickers for market, tickers in found.items() if tickers}
    return {market: tickers for market, tickers in found.items() if not market.is_simulated} or found


def _drifted_markets(connection: Connection, row: BackboneRow, present: Backbone | None) -> set[Market]:
    """The markets in which the newest look before the request has proven drift of the present backbone's forecasts."""
    look = drift_store.find_look(connection, row.as_of) or drift_store.find_look(connection, row.as_of, is_before=True)
    if look is None or present is None or look.backbone_version != present.version:
        return set()
    found = drift_store.load_drift(connection, look.as_of)
    return {each.market for each in found if each.is_drifted and each.kind in drift_store.OUTCOME_KINDS}


def _market_scores(
    board: Leaderboard, markets: Mapping[Market, Sequence[str]], drifted: set[Market]
) -> list[BackboneScore]:
    is_simulated = next(iter(markets)).is_simulated
    everything = {Market(is_simulated, ALL_MARKETS): list(board.rows)}
    scored = {market: [ticker for ticker in tickers if ticker in board.rows] for market, tickers in markets.items()}
    others = [name for name, column in _NAMES.items() if column in board.names]
    return [
        _market_score(board, market, tickers, name, is_drifted=market in drifted)
        for market, tickers in (everything | scored).items()
        if tickers
        for name in others
    ]


def _market_score(
    board: Leaderboard, market: Market, tickers: list[str], compared_with: str, *, is_drifted: bool
) -> BackboneScore:
    name = _NAMES[compared_with]
    found = compare(board, _NEW, name, tickers)
    skill = partial(board.mean_skill, tickers=tickers)
    return BackboneScore(
        market=market,
        compared_with=compared_with,
        ticker_count=len(tickers),
        day_count=found.day_count,
        crps_skill_ratio=finite_or_none(float(skill(_NEW).mean())),
        other_crps_skill_ratio=finite_or_none(float(skill(name).mean())),
        crps_difference_ratio=found.difference if math.isfinite(found.error) else None,
        standard_error_ratio=finite_or_none(found.error),
        is_drifted=is_drifted,
        verdict=MarketScore(market.calendar, compared_with, found, is_drifted).verdict,
    )


def _read(stored: BackboneScore) -> MarketScore:
    difference, error = stored.crps_difference_ratio, stored.standard_error_ratio
    comparison = Comparison(
        0.0 if difference is None else difference, math.inf if error is None else error, stored.day_count
    )
    return MarketScore(stored.market.calendar, stored.compared_with, comparison, stored.is_drifted)


def _skills(board: Leaderboard) -> dict[str, float]:
    """Skills against the random walk one bar ahead and as the mean of the horizons, as ratios, and one coverage."""
    scores = {"coverage_90": float(board.coverage(_NEW, 90).mean())}
    for name in board.names:
        if name != board.baseline:
            skill = board.mean_skill(name)
            scores |= {f"{name}_skill_1": float(skill[0]), f"{name}_skill": float(skill.mean())}
    return scores
