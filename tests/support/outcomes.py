"""Scored forecasts of one bar ahead with a chosen close and chosen losses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from include.store.engine import Connection
from include.store.forecasts import save_baselines, save_predictions, save_scores
from tests.support.rows import predictions, prices, scores

INSIDE, OUTSIDE = 100.0, 110.0
"""Closes in the middle of the forecast of ``rows.predictions``, and beyond its 95 % interval."""


def store_outcome(
    connection: Connection,
    as_of: datetime,
    ticker: str = "AAPL",
    close: float = INSIDE,
    crps: Sequence[float] = (10.0, 10.0),
    scored_as_of: datetime | None = None,
    **changes: Any,
) -> None:
    """Stores the forecasts of ``as_of`` with a score one bar ahead; ``crps`` is ours and HAR's, in basis points."""
    made = predictions(as_of, ticker, **changes)
    save_predictions(connection, made)
    save_baselines(connection, prices(as_of, ticker, 101.0).assign(baseline="seasonal_har"))
    first = made[made["horizon"] == 1]
    matured = first.assign(actual_close=close, actual_known_at=first["target_at"], dividend_gap=0.0)
    at = first["target_at"].iloc[0] if scored_as_of is None else scored_as_of
    methods = zip(("hourcast", "seasonal_har"), crps, strict=True)
    save_scores(connection, pd.concat([scores(matured.assign(method=name), at, loss) for name, loss in methods]))
