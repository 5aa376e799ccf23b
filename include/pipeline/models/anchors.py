"""The bar that a ticker's forecast starts from, and the rows of the forecast and of its baselines.

Log-return quantiles become prices here. Where next: ``forecasting.py``, which has the quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS, ModelRef, TickerProfile
from include.errors import DataContractError
from include.evaluation.baselines import random_walk_quantiles
from include.evaluation.har import har_quantiles
from include.market import sessions
from include.model.calibration import calibrate, width_factors
from include.pipeline.data.histories import history_of
from include.pipeline.data.nights import NightPrice
from include.pipeline.data.reports import ReportNight
from include.pipeline.models.ahead import Ahead, look_ahead

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ModelForecast:
    """A model's quantiles of log returns [H, Q] before calibration, its ref, and when the newest bar it read closed.

    ``scale`` [H]: the expected size of the log return to each target.
    """

    quantiles: Array
    ref: ModelRef
    read_until: np.datetime64
    scale: Array


@dataclass(frozen=True)
class Anchor:
    """The bar that a forecast starts from, its target instants, and the baselines' quantiles of log returns [H, Q].

    ``ahead``: what is known of the bars ahead. The baselines' quantiles do not have it yet.
    """

    ticker: str
    as_of: datetime
    closed_at: datetime
    close: float
    targets: list[datetime]
    walk: Array
    har: Array
    ahead: Ahead

    @classmethod
    def of(
        cls,
        profile: TickerProfile,
        bars: pd.DataFrame | None,
        as_of: datetime,
        reports: Sequence[ReportNight] = (),
        price: NightPrice | None = None,
    ) -> Anchor:
        """The anchor of a ticker's newest bars known at ``as_of``, with what is known of the bars ahead.

        Raises:
            DataContractError: there are fewer than two bars.
        """
        if bars is None or len(bars) < 2:
            message = f"{profile.ticker}: fewer than 2 bars are known at {as_of.isoformat()}; nothing to forecast from."
            raise DataContractError(message)
        newest = bars.iloc[-1]
        closed_at = newest["closed_at"].to_pydatetime()
        targets = sessions.next_closes(profile.calendar, closed_at, HORIZON_COUNT)
        history = history_of(bars.reset_index(drop=True), profile)
        walk = random_walk_quantiles(history.close, history.bar_number)
        ahead = look_ahead(profile, history, targets, as_of, reports, price)
        return cls(profile.ticker, as_of, closed_at, history.close[-1], targets, walk, har_quantiles(history), ahead)

    def rows(self, quantiles: Array) -> pd.DataFrame:
        """Log-return quantiles [H, Q] as price rows, one a horizon."""
        prices = pd.DataFrame(self.close * np.exp(quantiles), columns=list(QUANTILE_COLUMNS))
        prices.insert(0, "ticker", self.ticker)
        prices.insert(1, "as_of", self.as_of)
        prices.insert(2, "horizon", range(1, HORIZON_COUNT + 1))
        return prices

    def model_rows(self, forecast: ModelForecast, past: pd.DataFrame | None) -> pd.DataFrame:
        """The model's forecast with what is ahead, its widths calibrated on the ticker's matured forecasts ``past``."""
        factors = factors_of_history(past)
        rows = self._dated(self.ahead.applied(calibrate(forecast.quantiles, factors), forecast.scale))
        return rows.assign(
            model_version=forecast.ref.model_version,
            width_factor=factors[:, 0],
            tail_width_factor=factors[:, 1],
            is_fallback=False,
        )

    def fallback_rows(self, width_factor: float) -> pd.DataFrame:
        """The random walk as a labelled fallback, its log returns multiplied by ``width_factor``."""
        rows = self._dated(self.ahead.applied_to_walk(self.walk * width_factor))
        return rows.assign(
            model_version=None, width_factor=width_factor, tail_width_factor=width_factor, is_fallback=True
        )

    def baselines(self) -> list[pd.DataFrame]:
        """The baselines' forecasts of the same bars; without HAR's where there is too little history for it."""
        walk = self.rows(self.ahead.applied_to_walk(self.walk)).assign(baseline="random_walk")
        if not np.isfinite(self.har).all():
            return [walk]
        return [walk, self.rows(self.ahead.applied_to_har(self.har)).assign(baseline="seasonal_har")]

    def _dated(self, quantiles: Array) -> pd.DataFrame:
        rows = self.rows(quantiles).assign(target_at=self.targets, anchored_at=self.closed_at, last_close=self.close)
        ahead, count = self.ahead, len(self.targets)
        return rows.assign(
            is_refresh=ahead.is_refresh,
            # as objects: a column of numbers would store NaN where there is no price
            believed_price=pd.Series([ahead.price] * count, dtype="object"),
            believed_at=pd.Series([ahead.priced_at] * count, dtype="object"),
            reasons=pd.Series([list(reasons) or None for reasons in ahead.reasons], dtype="object"),
        )


def factors_of_history(past: pd.DataFrame | None) -> Array:
    """Both width factors of each horizon [H, 2], from the ticker's matured forecasts; 1 where there are none."""
    if past is None or past.empty:
        return np.ones((HORIZON_COUNT, 2))
    anchors = {as_of: row for row, as_of in enumerate(sorted(past["as_of"].unique()))}
    quantiles = np.full((len(anchors), HORIZON_COUNT, len(QUANTILE_COLUMNS)), np.nan)
    outcomes = np.full((len(anchors), HORIZON_COUNT), np.nan)
    rows = past["as_of"].map(anchors).to_numpy(dtype=np.int64)
    columns = past["horizon"].to_numpy(dtype=np.int64) - 1
    quantiles[rows, columns] = past[list(QUANTILE_COLUMNS)].to_numpy(dtype=np.float64)
    outcomes[rows, columns] = past["outcome"].to_numpy(dtype=np.float64)
    return width_factors(quantiles, outcomes)
