"""One shard's forecasts: the newest window through the model that serves, calibrated, as prices, beside its baseline.

Where a model cannot be read, or has not been renewed for too long, an older one or the backbone serves, and the outcome
says so. A ticker without any of these, with too short a context, or whose network answers nonsense gets the random
walk's quantiles instead, labelled as a fallback with the reason; never silence, and never its neighbours' concern.
Forecasts, their baseline twins and nothing else are written in one transaction.
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
from include.model.predict import predict as predict_shard
from include.model.shard import ShardState, concat
from include.pipeline import networks
from include.pipeline.featuring import load_series
from include.pipeline.histories import history_of
from include.pipeline.networks import Backbone
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import forecasts as forecast_store
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import FINE_TUNE, ModelVersion

BASELINE_BARS = PRODUCT_BARS
"""Bars read for the baseline twins: what HAR learns from; the random walk takes the newest 1,000 of them."""
CALIBRATION_ANCHORS = 400
"""Matured forecasts of a ticker that its width factors are learnt from."""

UNREADABLE = "no model could be read: "
"""How the reason begins of a fallback that the disk is to blame for, and not the data."""

Serving = Mapping[str, Sequence[ModelVersion]]
"""Each ticker's newest versions that may serve, newest first."""
Results = dict[str, tuple[OutcomeStatus, str | None]]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Answer:
    """A network's log returns [H, Q] before calibration, the model that gave them, and when its newest bar closed."""

    quantiles: Array
    ref: ModelRef
    read_until: np.datetime64


@dataclass(frozen=True)
class Forecasts:
    """Rows for the store, one frame a ticker (``made_at`` is the database's), and what became of each ticker."""

    predictions: list[pd.DataFrame]
    baselines: list[pd.DataFrame]
    results: Results


def forecast(services: Services, profiles: Sequence[TickerProfile], as_of: datetime, *, origin: str) -> Results:
    """Writes each ticker's forecasts as of ``as_of``; what became of each ticker, with the reason of a fallback.

    Forecasts whose model has been pruned since stay as they are stored, and say nothing again.
    """
    with transaction(services.engine) as connection:
        serving = model_store.serving_versions(connection, [profile.ticker for profile in profiles], as_of)
        pruned = [ticker for ticker, versions in serving.items() if versions[0].is_pruned]
        settled = forecast_store.forecast_tickers(connection, pruned, as_of) if pruned else set()
    waiting = [profile for profile in profiles if profile.ticker not in settled]
    made = make_forecasts(services, waiting, as_of, origin=origin, serving=serving)
    _save(services, made)
    return made.results


def make_forecasts(
    services: Services,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
    *,
    origin: str,
    serving: Serving,
    latest_made_at: datetime | None = None,
    stand_in: Backbone | None = None,
) -> Forecasts:
    """Each ticker's forecasts as of ``as_of`` by the first of its ``serving`` models that can be read; writes no row.

    For a replay, ``latest_made_at`` leaves out what hours that were caught up on later have added to the past, and
    ``stand_in`` is the backbone that served, for tickers without ``serving`` models.
    """
    tickers = [profile.ticker for profile in profiles]
    if not tickers:
        return Forecasts([], [], {})
    with transaction(services.engine) as connection:
        bars = bar_store.load_bars(connection, tickers, as_of, bar_limit=BASELINE_BARS)
        history = forecast_store.calibration_history(
            connection, tickers, as_of, limit=CALIBRATION_ANCHORS, latest_made_at=latest_made_at
        )
    models = _models(services, profiles, as_of, serving, stand_in)
    answers, problems = _ask_models(services, profiles, as_of, models)
    bars_of = {str(ticker): own for ticker, own in bars.groupby("ticker")}
    history_of = {str(ticker): own for ticker, own in history.groupby("ticker")}
    predictions: list[pd.DataFrame] = []
    baselines: list[pd.DataFrame] = []
    results: Results = {}
    for profile in profiles:
        ticker = profile.ticker
        try:
            anchor = _Anchor.of(profile, bars_of.get(ticker, bars.iloc[:0]), as_of)
        except DataContractError as error:
            results[ticker] = (OutcomeStatus.FAILED, str(error))
            continue
        problem = problems.get(ticker) or _problem_of(answers.get(ticker), anchor)
        own = anchor.baseline_rows() if problem else anchor.model_rows(answers[ticker], history_of.get(ticker))
        predictions.append(own.assign(source=profile.source, origin=origin, fallback_reason=problem))
        baselines += anchor.twins()
        results[ticker] = (
            (OutcomeStatus.FALLBACK, problem) if problem else (OutcomeStatus.FORECAST, models.notes.get(ticker))
        )
    return Forecasts(predictions, baselines, results)


@dataclass(frozen=True)
class _Anchor:
    """The bar a forecast starts from, the instants it is about, and the baselines' log returns [H, Q] from there."""

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

    def model_rows(self, answer: _Answer, history: pd.DataFrame | None) -> pd.DataFrame:
        """The model's forecast, its widths calibrated on the ticker's own matured forecasts."""
        factors = _factors(history)
        rows = self._dated(calibrate(answer.quantiles, factors))
        return rows.assign(
            model_version=answer.ref.model_version,
            width_factor=factors[:, 0],
            tail_width_factor=factors[:, 1],
            is_fallback=False,
        )

    def baseline_rows(self) -> pd.DataFrame:
        """The random walk as a labelled fallback."""
        rows = self._dated(self.walk)
        return rows.assign(model_version=None, width_factor=1.0, tail_width_factor=1.0, is_fallback=True)

    def twins(self) -> list[pd.DataFrame]:
        """The baselines' forecasts of the same bars; none of HAR's where there is too little history for it."""
        walk = self.rows(self.walk).assign(baseline="random_walk")
        return [walk, self.rows(self.har).assign(baseline="seasonal_har")] if np.isfinite(self.har).all() else [walk]

    def _dated(self, quantiles: Array) -> pd.DataFrame:
        rows = self.rows(quantiles)
        return rows.assign(target_at=self.targets, anchored_at=self.closed_at, last_close=self.close)


@dataclass(frozen=True)
class _Models:
    """What serves: the stacked networks (None: none), which they are, notes on stand-ins, and who has none and why."""

    state: ShardState | None
    refs: dict[str, ModelRef]
    notes: dict[str, str]
    problems: dict[str, str]


def _models(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, serving: Serving, stand_in: Backbone | None
) -> _Models:
    """Each ticker's newest model that is not too old and can be read; in want of one, the backbone if it fits."""
    limit = timedelta(hours=services.settings.model.model_max_age_hours)
    tickers = [profile.ticker for profile in profiles]
    versions = {ticker: serving[ticker] for ticker in tickers if ticker in serving}
    aged = {
        ticker: f"the fine-tuned model of {own[0].as_of.isoformat()} was not renewed for more than {limit}"
        for ticker, own in versions.items()
        if own[0].kind == FINE_TUNE and as_of - own[0].as_of > limit
    }
    candidates = {
        ticker: [each.ref for each in own if each.kind != FINE_TUNE or as_of - each.as_of <= limit]
        for ticker, own in versions.items()
    }
    loaded = networks.load_models(services, candidates)
    reasons = {ticker: f"{UNREADABLE}{reason}" for ticker, reason in loaded.problems.items()} | aged
    notes = {t: f"an older model serves: {reason}" for t, reason in reasons.items() if t in loaded.refs}
    bare = [ticker for ticker in tickers if ticker not in loaded.refs and (ticker in versions or stand_in)]
    backbone = stand_in or (networks.backbone(services, as_of) if bare else None)
    parts = [loaded.state] if loaded.state else []
    if bare and backbone:
        version = networks.keep_backbone(services, backbone).ref.model_version
        parts.append(start_from(backbone.base.state, bare))
        loaded.refs |= {ticker: ModelRef(ticker, version, "", 0) for ticker in bare}
        notes |= {ticker: f"the backbone serves: {reasons.get(ticker, 'as it did')}" for ticker in bare}
    missing = dict.fromkeys(tickers, "no model yet: too little history, or its training diverged") | reasons
    problems = {ticker: reason for ticker, reason in missing.items() if ticker not in loaded.refs}
    return _Models(concat(parts) if parts else None, loaded.refs, notes, problems)


def _ask_models(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, models: _Models
) -> tuple[dict[str, _Answer], dict[str, str]]:
    """Each ticker's answer, and for the others the reason why there is none."""
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
    answers = {
        ticker: _Answer(_unscale(scaled[row], series[ticker]), models.refs[ticker], series[ticker].closed_at[-1])
        for row, ticker in enumerate(state.tickers)
    }
    return answers, {ticker: reason for ticker, reason in problems.items() if ticker not in answers}


def _unscale(scaled: Array, series: Series) -> Array:
    """Quantiles [H, Q] in units of the causal scale, as log returns."""
    return scaled * series.scale[-1:].astype(np.float64).T


def _problem_of(answer: _Answer | None, anchor: _Anchor) -> str | None:
    if answer is None:
        return "no model answered"
    if answer.read_until != np.datetime64(anchor.closed_at.replace(tzinfo=None), "us"):
        return f"the newest bar, closed at {anchor.closed_at.isoformat()}, has no features"
    if not np.isfinite(answer.quantiles).all() or np.abs(answer.quantiles).max() > 1.0:
        return f"the model {answer.ref.model_version[:12]} answered nonsense for {anchor.closed_at.isoformat()}"
    return None


def _factors(history: pd.DataFrame | None) -> Array:
    """Both width factors of each horizon [H, 2], from the ticker's own matured forecasts; 1 where there are none."""
    if history is None or history.empty:
        return np.ones((HORIZON_COUNT, 2))
    anchors = {as_of: row for row, as_of in enumerate(sorted(history["as_of"].unique()))}
    quantiles = np.full((len(anchors), HORIZON_COUNT, len(QUANTILE_COLUMNS)), np.nan)
    outcomes = np.full((len(anchors), HORIZON_COUNT), np.nan)
    rows = history["as_of"].map(anchors).to_numpy(dtype=np.int64)
    columns = history["horizon"].to_numpy(dtype=np.int64) - 1
    quantiles[rows, columns] = history[list(QUANTILE_COLUMNS)].to_numpy(dtype=np.float64)
    outcomes[rows, columns] = history["outcome"].to_numpy(dtype=np.float64)
    return width_factors(quantiles, outcomes)


def _save(services: Services, made: Forecasts) -> None:
    if not made.predictions:
        return
    with transaction(services.engine) as connection:
        forecast_store.save_predictions(connection, pd.concat(made.predictions, ignore_index=True))
        forecast_store.save_baselines(connection, pd.concat(made.baselines, ignore_index=True))
