"""How the methods of a compared pre-training did on its held-out days: the rows of its leaderboard.

Where next: ``backbones.py`` for the requests, ``backbone_scores.py`` for what decides a promotion.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows

_COLUMNS = """
    method, model_version, weight_count, ticker_count, day_count, crps_skill_ratio, skill_error_ratio,
    crps_skill_1_ratio, backbone_gain_ratio, gain_error_ratio, coverage_90_ratio, scores
"""


@dataclass(frozen=True)
class MethodScore:
    """A forecaster on the held-out days of a request; columns as in ``forecast.method_score``."""

    method: str
    model_version: str | None
    weight_count: int | None
    ticker_count: int
    day_count: int
    crps_skill_ratio: float | None
    skill_error_ratio: float | None
    crps_skill_1_ratio: float | None
    backbone_gain_ratio: float | None
    gain_error_ratio: float | None
    coverage_90_ratio: float | None
    scores: Mapping[str, Any]


def save_method_scores(connection: Connection, request_id: str, scores: Sequence[MethodScore]) -> None:
    """Stores the leaderboard of a request in the place of the one that it had."""
    compared = {"request_id": request_id}
    execute(connection, "delete from forecast.method_score where request_id = :request_id", compared)
    for score in scores:
        execute(
            connection,
            f"""
            insert into forecast.method_score (request_id, {_COLUMNS})
            values (:request_id, :method, :model_version, :weight_count, :ticker_count, :day_count,
                :crps_skill_ratio, :skill_error_ratio, :crps_skill_1_ratio, :backbone_gain_ratio, :gain_error_ratio,
                :coverage_90_ratio, cast(:scores as jsonb))
            """,  # noqa: S608  # a constant
            {**compared, **vars(score), "scores": json.dumps(score.scores)},
        )


def load_method_scores(connection: Connection, request_id: str) -> list[MethodScore]:
    """The leaderboard of a request, best first; empty if it was not compared."""
    rows = fetch_rows(
        connection,
        f"""
        select {_COLUMNS} from forecast.method_score
        where request_id = :request_id order by crps_skill_ratio desc nulls last, method
        """,  # noqa: S608  # a constant
        {"request_id": request_id},
    )
    return [MethodScore(**row) for row in rows]


def newest_compared(connection: Connection, as_of: datetime) -> str | None:
    """The newest request of at most ``as_of`` (UTC) that was compared; None if none was."""
    rows = fetch_rows(
        connection,
        """
        select request_id from forecast.backbone
        where as_of <= :as_of
            and exists (select 1 from forecast.method_score where method_score.request_id = backbone.request_id)
        order by as_of desc, request_id desc
        limit 1
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return str(rows[0]["request_id"]) if rows else None
