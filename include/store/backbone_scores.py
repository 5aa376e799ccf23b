"""How a new backbone did against others, market by market: the rows that its promotion is decided from.

Where next: ``backbones.py`` for the requests, ``evaluation/judgement.py`` for the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.store.drift import Market
from include.store.engine import Connection, execute, fetch_rows

_NUMBERS = """
    compared_with, ticker_count, day_count, crps_skill_ratio, other_crps_skill_ratio, crps_difference_ratio,
    standard_error_ratio, is_drifted, verdict
"""


@dataclass(frozen=True)
class BackboneScore:
    """A new backbone against one forecaster in one market; columns as in ``forecast.backbone_score``."""

    market: Market
    compared_with: str
    ticker_count: int
    day_count: int
    crps_skill_ratio: float | None
    other_crps_skill_ratio: float | None
    crps_difference_ratio: float | None
    standard_error_ratio: float | None
    is_drifted: bool
    verdict: str


def save_backbone_scores(connection: Connection, request_id: str, scores: Sequence[BackboneScore]) -> None:
    """Stores the scores of a request's weights in the place of those that it had."""
    scored = {"request_id": request_id}
    execute(connection, "delete from forecast.backbone_score where request_id = :request_id", scored)
    for score in scores:
        numbers = {name: value for name, value in vars(score).items() if name != "market"}
        execute(
            connection,
            f"""
            insert into forecast.backbone_score (request_id, is_simulated, calendar, {_NUMBERS})
            values (:request_id, :is_simulated, :calendar, :compared_with, :ticker_count, :day_count,
                :crps_skill_ratio, :other_crps_skill_ratio, :crps_difference_ratio, :standard_error_ratio,
                :is_drifted, :verdict)
            """,  # noqa: S608  # a constant
            {**scored, **score.market._asdict(), **numbers},
        )


def load_backbone_scores(connection: Connection, request_id: str) -> list[BackboneScore]:
    """The scores of a request, by market and compared forecaster; empty before it is scored."""
    rows = fetch_rows(
        connection,
        f"""
        select is_simulated, calendar, {_NUMBERS} from forecast.backbone_score
        where request_id = :request_id order by is_simulated, calendar, compared_with
        """,  # noqa: S608  # a constant
        {"request_id": request_id},
    )
    return [BackboneScore(Market(row.pop("is_simulated"), row.pop("calendar")), **row) for row in rows]
