"""Scores of matured forecasts and of their baselines, against the actual close."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from include.contracts import QUANTILE_COLUMNS
from include.evaluation.metrics import score_prices
from include.store import accuracy
from include.store import forecasts as forecast_store
from include.store import freshness as freshness_store
from include.store.engine import Connection, Engine, transaction

_KEY_COLUMNS = ["ticker", "as_of", "horizon", "method", "actual_close", "actual_known_at", "dividend_gap", "is_refresh"]
_ONE_HOUR = timedelta(hours=1)


def score_matured(engine: Engine, as_of: datetime) -> int:
    """Scores the forecasts and baselines whose target bar has become known by ``as_of``; the count of scores.

    An hour of a backfill that is followed by an hour which ran before is the last of its gap. It also scores what is
    known since, as of the newest hour. No other hour of the gap does: the ones after it would not read these scores.
    """
    with transaction(engine) as connection:
        count = _score(connection, as_of)
        newest_at = freshness_store.newest_hour_after(connection, as_of, _ONE_HOUR)
        if newest_at is not None:
            count += _score(connection, newest_at, latest_at=as_of)
    return count


def _score(connection: Connection, as_of: datetime, latest_at: datetime | None = None) -> int:
    reach = forecast_store.SCORING_REACH + (as_of - latest_at if latest_at else timedelta())
    matured = forecast_store.matured_unscored(connection, as_of, reach, latest_at)
    if not matured.empty:
        forecast_store.save_scores(connection, score_rows(matured).assign(scored_as_of=as_of))
    return len(matured)


def recount(engine: Engine) -> dict[str, int]:
    """Makes the sums of all scores again: how many scores they have, and how many rows of sums were wrong before."""
    with transaction(engine) as connection:
        found = accuracy.recount(connection)
    return {"scores": found.score_count, "corrected": found.changed_count}


def score_rows(matured: pd.DataFrame) -> pd.DataFrame:
    """The scores, one row for each (ticker, as_of, horizon, method); units as in ``score_prices``."""
    scores = score_prices(
        matured[list(QUANTILE_COLUMNS)].to_numpy(dtype=np.float64),
        matured["last_close"].to_numpy(dtype=np.float64),
        matured["actual_close"].to_numpy(dtype=np.float64),
    )
    return pd.concat([matured[_KEY_COLUMNS].reset_index(drop=True), scores], axis=1)
