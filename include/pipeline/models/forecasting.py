"""One shard's forecasts: each ticker's newest window through its model, calibrated, as prices, beside the baselines.

If a model cannot be read, or was not renewed for too long, an older model or the backbone serves, and the outcome says
so. Three kinds of tickers get a fallback, the random walk's quantiles with the reason: one without any model, one whose
context is too short, and one whose model's output fails the checks of ``_problem_of``. One ticker's problem does not
affect the others. The forecasts of up to ``PORTION_TICKERS`` tickers and their baselines are stored in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.contracts import OutcomeStatus, TickerProfile
from include.errors import DataContractError
from include.evaluation.har import PRODUCT_BARS
from include.features.windows import Series, latest_window
from include.model.calibration import widen_calm
from include.model.checkpoint import Backbone
from include.model.predict import predict as predict_shard
from include.pipeline.data import nights, scale_notes
from include.pipeline.data.featuring import load_series, portions
from include.pipeline.data.reports import ReportNight, report_nights
from include.pipeline.models import networks, unreadable
from include.pipeline.models.anchors import Anchor, Array, ModelForecast
from include.pipeline.models.serving import NO_MODEL, Models, Serving, models_of
from include.pipeline.models.young import why_no_model
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import forecasts as forecast_store
from include.store import models as model_store
from include.store.engine import transaction

BASELINE_BARS = PRODUCT_BARS
"""Bars read for the baselines: HAR is fitted on all of them, the random walk on the newest 1,000."""
CALIBRATION_ANCHORS = 400
"""Matured forecasts of a ticker from which its width factors are computed."""
HELD_WIDTH = 2.0
"""What the widths of a held ticker's fallback are multiplied by: after a price move so large, volatility is higher."""
LARGEST_LOG_RETURN = 1.0
"""Largest absolute log return that a model's quantile may have; beyond it the output counts as invalid."""

Results = dict[str, tuple[OutcomeStatus, str | None]]


@dataclass(frozen=True)
class Forecasts:
    """Rows for the store, one frame a ticker (the database adds ``made_at``), each ticker's outcome, and its model."""

    predictions: list[pd.DataFrame]
    baselines: list[pd.DataFrame]
    results: Results
    loaded: networks.LoadedModels = field(default_factory=networks.LoadedModels)


@dataclass(frozen=True)
class _Known:
    """What is known at an instant beside the models, by ticker.

    ``bars``: the newest ones; ``past``: matured forecasts; ``held``: why a ticker is held; ``prices``: of the night;
    ``reports``: nights in which one is due.
    """

    bars: Mapping[str, pd.DataFrame]
    past: Mapping[str, pd.DataFrame]
    held: Mapping[str, str]
    prices: Mapping[str, nights.NightPrice]
    reports: Mapping[str, Sequence[ReportNight]]

    def anchor_of(self, profile: TickerProfile, as_of: datetime) -> Anchor:
        """The ticker's anchor. Raises DataContractError with fewer than two bars."""
        ticker = profile.ticker
        return Anchor.of(profile, self.bars.get(ticker), as_of, self.reports.get(ticker, ()), self.prices.get(ticker))


def _known(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> _Known:
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        bars = bar_store.load_bars(connection, tickers, as_of, bar_limit=BASELINE_BARS)
        past = forecast_store.calibration_history(connection, tickers, as_of, limit=CALIBRATION_ANCHORS)
        held = scale_notes.held(connection, tickers, as_of)
        newest = {str(ticker): at.to_pydatetime() for ticker, at in bars.groupby("ticker")["closed_at"].max().items()}
        waking = [profile for profile in profiles if profile.ticker not in held]
        prices = nights.believed_at(services, connection, waking, newest, as_of)
        reports = report_nights(connection, profiles, as_of)
    by_ticker = [{str(ticker): rows for ticker, rows in frame.groupby("ticker")} for frame in (bars, past)]
    return _Known(by_ticker[0], by_ticker[1], held, prices, reports)


def forecast(services: Services, profiles: Sequence[TickerProfile], as_of: datetime, *, written_by: str) -> Results:
    """Stores each ticker's forecasts as of ``as_of``; the outcome by ticker, with the reason of a fallback.

    Stored forecasts whose model was pruned since are left unchanged, and have no outcome here.
    """
    with transaction(services.engine) as connection:
        serving = model_store.serving_versions(connection, [profile.ticker for profile in profiles], as_of)
        pruned = [ticker for ticker, versions in serving.items() if versions[0].is_pruned]
        settled = forecast_store.forecast_tickers(connection, pruned, as_of) if pruned else set()
    waiting = [profile for profile in profiles if profile.ticker not in settled]
    results: Results = {}
    for portion in portions(waiting):
        forecasts = make_forecasts(services, portion, as_of, written_by=written_by, serving=serving)
        _save(services, forecasts)
        passed_over = unreadable.notes(services, list(forecasts.results), as_of)
        unreadable.mark(services, forecasts.loaded, as_of)
        for ticker, (status, reason) in forecasts.results.items():
            results[ticker] = status, "; ".join(filter(None, (reason, passed_over.get(ticker)))) or None
    return results


def make_forecasts(
    services: Services,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
    *,
    written_by: str,
    serving: Serving,
    stand_in: Backbone | None = None,
) -> Forecasts:
    """Each ticker's forecasts as of ``as_of`` by the first of its ``serving`` models that can be read; stores nothing.

    ``stand_in`` is for replays: the backbone that served, for tickers without ``serving`` models.
    """
    tickers = [profile.ticker for profile in profiles]
    if not tickers:
        return Forecasts([], [], {})
    known = _known(services, profiles, as_of)
    models = models_of(services, tickers, as_of, serving, stand_in)
    model_forecasts, problems = _model_forecasts(services, profiles, as_of, models)
    predictions: list[pd.DataFrame] = []
    baselines: list[pd.DataFrame] = []
    results: Results = {}
    for profile in profiles:
        ticker = profile.ticker
        try:
            anchor = known.anchor_of(profile, as_of)
        except DataContractError as error:
            results[ticker] = (OutcomeStatus.FAILED, str(error))
            continue
        held = known.held.get(ticker)
        problem = held or problems.get(ticker) or _problem_of(model_forecasts.get(ticker), anchor)
        rows = (
            anchor.fallback_rows(HELD_WIDTH if held else 1.0)
            if problem
            else anchor.model_rows(model_forecasts[ticker], known.past.get(ticker))
        )
        predictions.append(rows.assign(source=profile.source, written_by=written_by, fallback_reason=problem))
        baselines += anchor.baselines()
        made = OutcomeStatus.REFRESHED if anchor.ahead.is_refresh else OutcomeStatus.FORECAST
        results[ticker] = (OutcomeStatus.FALLBACK, problem) if problem else (made, models.notes.get(ticker))
    without = {ticker: len(known.bars[ticker]) for ticker, (_, reason) in results.items() if reason == NO_MODEL}
    for ticker, reason in why_no_model(services, without, as_of).items():
        results[ticker] = (OutcomeStatus.FALLBACK, reason)
    return Forecasts(predictions, baselines, results, models.loaded)


def _model_forecasts(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, models: Models
) -> tuple[dict[str, ModelForecast], dict[str, str]]:
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
        ticker: ModelForecast(
            _unscale(scaled[row], series[ticker]),
            models.refs[ticker],
            series[ticker].closed_at[-1],
            series[ticker].scale[-1].astype(np.float64),
        )
        for row, ticker in enumerate(state.tickers)
    }
    return forecasts, {ticker: reason for ticker, reason in problems.items() if ticker not in forecasts}


def _unscale(scaled: Array, series: Series) -> Array:
    """Quantiles [H, Q] in units of the causal scale, as log returns; wider in a calm hour."""
    return widen_calm(scaled * series.scale[-1:].astype(np.float64).T, series.level[-1])


def _problem_of(forecast: ModelForecast | None, anchor: Anchor) -> str | None:
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


def _save(services: Services, forecasts: Forecasts) -> None:
    if not forecasts.predictions:
        return
    with transaction(services.engine) as connection:
        forecast_store.save_predictions(connection, pd.concat(forecasts.predictions, ignore_index=True))
        forecast_store.save_baselines(connection, pd.concat(forecasts.baselines, ignore_index=True))
