"""Days of scored forecasts up to this moment: ours and both baselines', with a chosen difference."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from include.store.engine import Connection
from include.store.forecasts import save_baselines, save_predictions, save_scores
from tests.support.rows import predictions, scores

CRPS = 10.0
"""Ours, in basis points of log return, on each day and at each horizon."""
BASELINES = ("random_walk", "seasonal_har")


def store_scored_days(
    connection: Connection, ticker: str, now: datetime, ahead: Sequence[float], is_refresh: bool = False
) -> None:
    """Stores a forecast and its scores for each day before ``now`` (UTC), oldest first.

    ``ahead`` says for each day by how much the random walk's CRPS is greater than ours; HAR's is the same as ours.
    """
    for number, difference in enumerate(ahead):
        as_of = (now - timedelta(days=len(ahead) - number)).replace(minute=35, second=0, microsecond=0)
        made = predictions(as_of, ticker, is_refresh=is_refresh)
        save_predictions(connection, made)
        save_baselines(connection, pd.concat([made.assign(baseline=name) for name in BASELINES]))
        matured = made.assign(
            method="hourcast", actual_close=made["q50"], actual_known_at=made["target_at"], dividend_gap=0.0
        )
        methods = [("hourcast", 0.0), ("random_walk", difference), ("seasonal_har", 0.0)]
        found = [scores(matured.assign(method=name), now, CRPS + more) for name, more in methods]
        save_scores(connection, pd.concat(found))
