"""One shard's forecasts: each ticker's newest window through its model, calibrated, as prices, beside the baselines.

If a model cannot be read, or was not renewed for too long, an older model or the backbone serves, and the outcome says
so. A ticker gets the random walk's quantiles, labelled as a fallback with the reason, if it has no model at all, if its
context is too short, or if the model's output fails the checks of ``_problem_of``. One ticker's problem does not affect
the others. Forecasts and their baselines are stored in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.contracts import (
    HORIZON_COUNT,
    QUANTILE_COLUMNS,
    ModelRef,
    OutcomeStatus,
    TickerProfile,
)
from include.errors import DataContractError
from include.evaluation.baselines import random_walk_quantiles
from include.evaluation.har import PRODUCT_BARS, har_quantiles
from include.features.windows import Series, latest_window
from include.market import sessions
from include.model.backbone import start_from
from include.model.calibration import calibrate, width_factors
from include.model.checkpoint import Backbone
from include.model.predict import predict as predict_shard
from include.model.shard import ShardState, concat
from include.pipeline.data import scale_notes
from include.pipeline.data.featuring import load_series
from include.pipeline.data.histories import history_of
from include.pipeline.models import backbones, networks
from include.pipeline.models.young import too_young
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import forecasts as forecast_store
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import FINE_TUNE, ModelVersion

BASELINE_BARS = PRODUCT_BARS
"""Bars read for the baselines: HAR is fitted on all of them, the random walk on the newest 1,000."""
CALIBRATION_ANCHORS = 400
"""Matured forecasts of a ticker from which its width factors are computed."""
HELD_WIDTH = 2.0
"""What the widths of a held ticker's fallback are multiplied by: after a price move so large, volatility is higher."""
LARGEST_LOG_RETURN = 1.0
"""Largest absolute log return that a model's quantile may have; beyond it the output counts as invalid."""

UNREADABLE = "no model could be read: "
"""Start of the reason of a fallback whose cause is an unreadable file, not the data."""
NO_MODEL = "no model yet: too little history, or its training diverged"

Serving = Mapping[str, Sequence[ModelVersion]]
"""Each ticker's newest versions that may serve, newest first."""
Results = dict[str, tuple[OutcomeStatus, str | None]]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class _ModelForecast:
    """A model's quantiles of log returns [H, Q] before calibration, its ref, and when the newest bar it read closed."""

    quantiles: Array
    ref: ModelRef
    read_until: np.datetime64


@dataclass(frozen=True)
class Forecasts:
    """Rows for the store, one frame a ticker (the database adds ``made_at``), and each ticker's outcome."""

    predictions: list[pd.DataFrame]
    baselines: list[pd.DataFrame]
    results: Results


def forecast(services: Services, profiles: Sequence[TickerProfile], as_of: datetime, *, written_by: str) -> Results:
    """Stores each ticker's forecasts as of ``as_of``; the outcome by ticker, with the reason of a fallback.

    Stored forecasts whose model was pruned since are left unchanged, and have no outcome here.
    """
    with transaction(services.engine) as connection:
        serving = model_store.serving_versions(connection, [profile.ticker for profile in profiles], as_of)
        pruned = [ticker for ticker, versions in serving.items() if versions[0].is_pruned]
        settled = forecast_store.forecast_tickers(connection, pruned, as_of) if pruned else set()
    waiting = [profile for profile in profiles if profile.ticker not in settled]
    forecasts = make_forecasts(services, waiting, as_of, written_by=written_by, serving=serving)
    _save(services, forecasts)
    return forecasts.results


def make_forecasts(
    services: Services,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
    *,
    written_by: str,
    serving: Serving,
    latest_made_at: datetime | None = None,
    stand_in: Backbone | None = None,
) -> Forecasts:
    """Each ticker's forecasts as of ``as_of`` by the first of its ``serving`` models that can be read; stores nothing.

    Two arguments are for replays. ``latest_made_at`` leaves out past forecasts that were stored after that instant, by
    hours that ran late. ``stand_in`` is the backbone that served, for tickers without ``serving`` models.
    """
    tickers = [profile.ticker for profile in profiles]
    if not tickers:
        return Forecasts([], [], {})
    with transaction(services.engine) as connection:
        bars = bar_store.load_bars(connection, tickers, as_of, bar_limit=BASELINE_BARS)
        past = forecast_store.calibration_history(
            connection, tickers, as_of, limit=CALIBRATION_ANCHORS, latest_made_at=latest_made_at
        )
        held = scale_notes.held(connection, tickers, as_of)
    models = _models(services, tickers, as_of, serving, stand_in)
    model_forecasts, problems = _model_forecasts(services, profiles, as_of, models)
    bars_by_ticker = {str(ticker): rows for ticker, rows in bars.groupby("ticker")}
    past_by_ticker = {str(ticker): rows for ticker, rows in past.groupby("ticker")}
    predictions: list[pd.DataFrame] = []
    baselines: list[pd.DataFrame] = []
    results: Results = {}
    for profile in profiles:
        ticker = profile.ticker
        try:
            anchor = _Anchor.of(profile, bars_by_ticker.get(ticker, bars.iloc[:0]), as_of)
        except DataContractError as error:
            results[ticker] = (OutcomeStatus.FAILED, str(error))
            continue
        problem = held.get(ticker) or problems.get(ticker) or _problem_of(model_forecasts.get(ticker), anchor)
        rows = (
            anchor.fallback_rows(HELD_WIDTH if ticker in held else 1.0)
            if problem
            else anchor.model_rows(model_forecasts[ticker], past_by_ticker.get(ticker))
        )
        predictions.append(rows.assign(source=profile.source, written_by=written_by, fallback_reason=problem))
        baselines += anchor.baselines()
        results[ticker] = (
            (OutcomeStatus.FALLBACK, problem) if problem else (OutcomeStatus.FORECAST, models.notes.get(ticker))
        )
    without = {ticker: len(bars_by_ticker[ticker]) for ticker, (_, reason) in results.items() if reason == NO_MODEL}
    for ticker, reason in too_young(services, without, as_of).items():
        results[ticker] = (OutcomeStatus.FALLBACK, reason)
    return Forecasts(predictions, baselines, results)


@dataclass(frozen=True)
class _Anchor:
    """The bar that a forecast starts from, its target instants, and the baselines' quantiles of log returns [H, Q]."""

    ticker: str
    as_of: datetime
    closed_at: datetime
    close: float
    targets: list[datetime]
    walk: Array
    har: Array

    @classmethod
    def of(cls, profile: TickerProfile, bars: pd.DataFrame, as_of: datetime) -> _Anchor:
        if len(bars) < 2:
            message = f"{profile.ticker}: fewer than 2 bars are known at {as_of.isoformat()}; nothing to forecast from."
            raise DataContractError(message)
        newest = bars.iloc[-1]
        closed_at = newest["closed_at"].to_pydatetime()
        targets = sessions.next_closes(profile.calendar, closed_at, HORIZON_COUNT)
        history = history_of(bars.reset_index(drop=True), profile)
        walk = random_walk_quantiles(history.close, history.bar_number)
        return cls(profile.ticker, as_of, closed_at, history.close[-1], targets, walk, har_quantiles(history))

    def rows(self, quantiles: Array) -> pd.DataFrame:
        """Log-return quantiles [H, Q] as price rows, one a horizon."""
        prices = pd.DataFrame(self.close * np.exp(quantiles), columns=list(QUANTILE_COLUMNS))
        prices.insert(0, "ticker", self.ticker)
        prices.insert(1, "as_of", self.as_of)
        prices.insert(2, "horizon", range(1, HORIZON_COUNT + 1))
        return prices

    def model_rows(self, forecast: _ModelForecast, past: pd.DataFrame | None) -> pd.DataFrame:
        """The model's forecast, its widths calibrated on the ticker's matured forecasts ``past``."""
        factors = _factors(past)
        rows = self._dated(calibrate(forecast.quantiles, factors))
        return rows.assign(
            model_version=forecast.ref.model_version,
            width_factor=factors[:, 0],
            tail_width_factor=factors[:, 1],
            is_fallback=False,
        )

    def fallback_rows(self, width_factor: float) -> pd.DataFrame:
        """The random walk as a labelled fallback, its log returns multiplied by ``width_factor``."""
        rows = self._dated(self.walk * width_factor)
        return rows.assign(
            model_version=None, width_factor=width_factor, tail_width_factor=width_factor, is_fallback=True
        )

    def baselines(self) -> list[pd.DataFrame]:
        """The baselines' forecasts of the same bars; without HAR's where there is too little history for it."""
        walk = self.rows(self.walk).assign(baseline="random_walk")
        return [walk, self.rows(self.har).assign(baseline="seasonal_har")] if np.isfinite(self.har).all() else [walk]

    def _dated(self, quantiles: Array) -> pd.DataFrame:
        rows = self.rows(quantiles)
        return rows.assign(target_at=self.targets, anchored_at=self.closed_at, last_close=self.close)


@dataclass(frozen=True)
class _Models:
    """The models that serve: the stacked networks (None: none), their refs, and by ticker notes or the problem."""

    state: ShardState | None
    refs: dict[str, ModelRef]
    notes: dict[str, str]
    problems: dict[str, str]


def _models(
    services: Services, tickers: Sequence[str], as_of: datetime, serving: Serving, stand_in: Backbone | None
) -> _Models:
    """Each ticker's newest model that is not too old and can be read; without one, the backbone if it fits."""
    versions = {ticker: serving[ticker] for ticker in tickers if ticker in serving}
    max_age = timedelta(hours=services.settings.model.model_max_age_hours)
    loaded = networks.load_models(services, _candidates(versions, as_of, max_age))
    unreadable = {ticker: f"{UNREADABLE}{reason}" for ticker, reason in loaded.problems.items()}
    reasons = unreadable | _reasons_of_age(versions, as_of, max_age)
    without = [ticker for ticker in tickers if ticker not in loaded.refs and (ticker in versions or stand_in)]
    replaced = _stand_ins(services, without, as_of, stand_in)
    notes = {ticker: f"an older model serves: {reason}" for ticker, reason in reasons.items() if ticker in loaded.refs}
    notes |= {ticker: f"the backbone serves: {reasons.get(ticker, 'as it did')}" for ticker in replaced.refs}
    refs = loaded.refs | replaced.refs
    problems = {ticker: reasons.get(ticker, NO_MODEL) for ticker in tickers if ticker not in refs}
    return _Models(_joined([loaded.state, replaced.state]), refs, notes, problems)


def _candidates(versions: Serving, as_of: datetime, max_age: timedelta) -> dict[str, list[ModelRef]]:
    """The models of each ticker that are not too old, newest first."""
    return {
        ticker: [version.ref for version in found if not _is_too_old(version, as_of, max_age)]
        for ticker, found in versions.items()
    }


def _joined(states: Sequence[ShardState | None]) -> ShardState | None:
    found = [state for state in states if state is not None]
    return concat(found) if found else None


def _is_too_old(version: ModelVersion, as_of: datetime, max_age: timedelta) -> bool:
    """Whether a fine-tuned model may not serve any more; first trainings and restarts have no greatest age."""
    return version.kind == FINE_TUNE and as_of - version.as_of > max_age


def _reasons_of_age(versions: Serving, as_of: datetime, max_age: timedelta) -> dict[str, str]:
    return {
        ticker: f"the fine-tuned model of {found[0].as_of.isoformat()} was not renewed for more than {max_age}"
        for ticker, found in versions.items()
        if _is_too_old(found[0], as_of, max_age)
    }


def _stand_ins(
    services: Services, tickers: Sequence[str], as_of: datetime, stand_in: Backbone | None
) -> networks.LoadedModels:
    """The backbone in the place of these tickers' models: the one given, else the one in use at ``as_of``."""
    backbone = stand_in or (backbones.backbone_at(services, as_of) if tickers else None)
    if not tickers or backbone is None:
        return networks.LoadedModels()
    version = backbones.keep_backbone(services, backbone).version
    refs = {ticker: ModelRef(ticker, version, "", 0) for ticker in tickers}
    return networks.LoadedModels(start_from(backbone.state, tickers), refs)


def _model_forecasts(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, models: _Models
) -> tuple[dict[str, _ModelForecast], dict[str, str]]:
    """Each ticker's forecast by its model, and for the other tickers the reason why there is none."""
    settings = services.settings.model
    problems = dict(models.problems)
    if models.state is None:
        return {}, problems
    series = load_series(services.engine, profiles, as_of, row_limit=settings.context_bars + 8)
    windows: dict[str, NDArray[np.float32]] = {}
    for ticker in sorted(models.refs):
        try:
            windows[ticker] = latest_window(series[ticker], settings.context_bars)
        except (KeyError, DataContractError):
            problems[ticker] = f"fewer than {settings.context_bars} bars with features are known"
    if not windows:
        return {}, problems
    state = networks.only(models.state, list(windows))
    scaled = predict_shard(state, np.stack(list(windows.values())))
    forecasts = {
        ticker: _ModelForecast(_unscale(scaled[row], series[ticker]), models.refs[ticker], series[ticker].closed_at[-1])
        for row, ticker in enumerate(state.tickers)
    }
    return forecasts, {ticker: reason for ticker, reason in problems.items() if ticker not in forecasts}


def _unscale(scaled: Array, series: Series) -> Array:
    """Quantiles [H, Q] in units of the causal scale, as log returns."""
    return scaled * series.scale[-1:].astype(np.float64).T


def _problem_of(forecast: _ModelForecast | None, anchor: _Anchor) -> str | None:
    """Why a model's forecast cannot be used; None if it can.

    It must exist, its newest bar must be the anchor, and its quantiles must be finite log returns of at most
    ``LARGEST_LOG_RETURN`` in absolute value.
    """
    if forecast is None:
        return "no model gave a forecast"
    if forecast.read_until != np.datetime64(anchor.closed_at.replace(tzinfo=None), "us"):
        return f"the newest bar, closed at {anchor.closed_at.isoformat()}, has no features"
    if not np.isfinite(forecast.quantiles).all() or np.abs(forecast.quantiles).max() > LARGEST_LOG_RETURN:
        model = forecast.ref.model_version[:12]
        return f"the model {model} gave quantiles that are no plausible log returns at {anchor.closed_at.isoformat()}"
    return None


def _factors(past: pd.DataFrame | None) -> Array:
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


def _save(services: Services, forecasts: Forecasts) -> None:
    if not forecasts.predictions:
        return
    with transaction(services.engine) as connection:
        forecast_store.save_predictions(connection, pd.concat(forecasts.predictions, ignore_index=True))
        forecast_store.save_baselines(connection, pd.concat(forecasts.baselines, ignore_index=True))
