"""The value of hourly fine-tuning: all hours of a quarter are simulated, ticker by ticker, as the product runs them.

From the project's folder, with a backbone that was trained on earlier bars only:

    make pretrain BARS=folder UNTIL=2024-11-28 ARGS="--quarters 0 --out .local/earlier"
    .venv/bin/python -m bench.fine_tuning folder .local/earlier --since 2024-11-28 --until 2025-02-28 --policy always

prints, as JSON: the share of ticker-hours with training and with a serving challenger; the change of the CRPS against
the backbone in percent, for the serving forecasts and for all challengers' forecasts; the numbers of tickers that are
significantly better or worse (Diebold-Mariano); the seconds of training. `--set name=value` changes a setting of the
model, for example `hourly_learning_rate=1e-4`. There is no database: an hour is a bar, and forecasts are compared
before calibration. Bars that closed at or after `--until` are not read.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from include.artefacts.store import FolderStore
from include.evaluation.har import har
from include.evaluation.history import History
from include.evaluation.metrics import BASIS_POINTS, crps, is_inside
from include.evaluation.promotion import SequentialTest
from include.evaluation.walkforward import instant, make_folds
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import load_backbone, start_from
from include.model.config import hourly_training, model_config
from include.model.predict import predict_windows
from include.model.shard import ShardState
from include.model.train import TrainingArrays, fine_tune
from include.pipeline.data.histories import load_histories
from include.pipeline.models.challengers import count_matured
from include.pipeline.models.policy import RECORD_FORECASTS, WHEN_DRIFTING, is_drifting
from include.pipeline.models.training import STEP_TOLERANCE
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster, series_of
from include.pipeline.services import seed_of
from include.settings import ModelSettings, load_settings
from include.store.forecasts import Record
from research.report.significance import diebold_mariano

LEAST_BARS = 500
"""Bars before ``--since`` that a ticker needs."""


class TickerReplay:
    """One ticker's hours: its challenger, whether it serves, and the losses of both models' forecasts."""

    def __init__(self, history: History, backbone: ShardState, settings: ModelSettings, since: datetime) -> None:
        self.history, self.settings = history, settings
        self.series = series_of(history)
        self.reference = start_from(backbone, [history.ticker])
        self.rows = np.flatnonzero(self.series.closed_at >= instant(since))
        shape = (len(self.rows), self.reference.config.horizon_count)
        self.challenger_loss, self.reference_loss = np.full(shape, np.nan), np.full(shape, np.nan)
        self.is_serving, self.is_trained = np.zeros((2, len(self.rows)), dtype=np.bool_)
        self.restarts = 0
        self.seconds = 0.0

    def run(self, is_wanted: np.ndarray[Any, Any]) -> None:
        """Simulates the hours. ``is_wanted [hours]``: whether the policy trains a challenger that does not serve."""
        challenger, test = self.reference, SequentialTest("backbone", _as_utc(self.series.closed_at[self.rows[0] - 1]))
        for hour, row in enumerate(self.rows):
            if test.may_serve or is_wanted[hour]:
                began = time.perf_counter()
                challenger, test = self._hour(challenger, test, int(row))
                self.seconds += time.perf_counter() - began
                self.is_trained[hour] = True
            self.is_serving[hour] = test.may_serve
            self._score(challenger, hour, int(row))

    def _hour(self, challenger: ShardState, test: SequentialTest, row: int) -> tuple[ShardState, SequentialTest]:
        known = self._known(row)
        test = count_matured(test, challenger, self.reference, known)
        if not test.is_rejected:
            config = hourly_training(self.settings, SIGNED_INPUT_COUNT)
            arrays = TrainingArrays(
                known.x, known.y, known.has_target, window_ends(known, challenger.config.context_bars)
            )
            as_of = _as_utc(self.series.closed_at[row])
            seed = seed_of(self.settings.seed, self.history.ticker, as_of)
            trained, (report,) = fine_tune(challenger, [arrays], config, [seed], self.reference)
            before, after = report.loss_before, report.loss_after
            is_worse = before is not None and after is not None and after > before * (1.0 + STEP_TOLERANCE)
            if report.is_finite and not is_worse:
                return trained, test
            if not report.is_finite:
                return challenger, test
        self.restarts += 1
        return self.reference, SequentialTest(
            "backbone", _as_utc(self.series.closed_at[row]), challenger_number=test.challenger_number + 1
        )

    def _known(self, row: int) -> Series:
        """The newest rows as an hour reads them after the bar of ``row`` closed; later outcomes are unknown."""
        part = slice(max(row + 1 - self.settings.hourly_training_bars, 0), row + 1)
        place = np.searchsorted(self.history.closed_at, self.series.closed_at[part])
        has_target = self.series.has_target[part] & (self.history.target_at[place] <= self.series.closed_at[row])
        return replace(
            self.series,
            x=self.series.x[part],
            y=np.where(has_target, self.series.y[part], 0.0).astype(np.float32),
            has_target=has_target,
            scale=self.series.scale[part],
            close=self.series.close[part],
            closed_at=self.series.closed_at[part],
        )

    def _score(self, challenger: ShardState, hour: int, row: int) -> None:
        ends = np.asarray([row])
        outcome = np.where(self.series.has_target[ends], self.series.y[ends], np.nan).astype(np.float64)
        scale = self.series.scale[ends]
        for state, losses in ((challenger, self.challenger_loss), (self.reference, self.reference_loss)):
            losses[hour] = (crps(outcome, predict_windows(state, self.series.x, ends)) * scale)[0]

    def report(self) -> dict[str, Any]:
        """The ticker's figures. Changes are in percent of the backbone's CRPS, one bar ahead and mean over horizons."""
        served = np.where(self.is_serving[:, np.newaxis], self.challenger_loss, self.reference_loss)
        figures: dict[str, Any] = {
            "ticker": self.history.ticker,
            "hours": len(self.rows),
            "trained": int(self.is_trained.sum()),
            "promoted": int(self.is_serving.sum()),
            "restarts": self.restarts,
            "seconds": round(self.seconds, 2),
        }
        for name, losses in (("served", served), ("challenger", self.challenger_loss)):
            for label, columns, horizon in (("1", slice(0, 1), 1), ("mean", slice(None), losses.shape[1])):
                reference = self.reference_loss[:, columns].mean(axis=1)
                test = diebold_mariano(losses[:, columns].mean(axis=1), reference, horizon)
                figures[f"{name}_{label}"] = 100.0 * test.mean / float(np.nanmean(reference))
                figures[f"{name}_{label}_sign"] = int(test.is_worse) - int(test.is_better)
        return figures


def drifting_hours(
    histories: Mapping[str, History], backbone: ShardState, since: datetime, until: datetime
) -> dict[str, np.ndarray[Any, Any]]:
    """Whether each ticker is drifting at each bar from ``since`` on, by the backbone's calibrated past forecasts."""
    forecaster = BackboneForecaster(backbone)
    parts: dict[str, list[tuple[Any, Any, Any]]] = {ticker: [] for ticker in histories}
    for fold in make_folds(since - timedelta(days=70), until):
        forecasts, baselines = forecaster(histories, fold), har(histories, fold)
        for ticker, history in histories.items():
            rows = fold.test_rows(history)
            outcome = history.outcome[rows, 0]
            inside = np.where(np.isfinite(outcome), is_inside(outcome, forecasts[ticker][:, 0], 80), np.nan)
            loss, baseline_loss = crps(outcome, forecasts[ticker][:, 0]), crps(outcome, baselines[ticker][:, 0])
            difference = (loss - baseline_loss) * BASIS_POINTS
            parts[ticker].append((history.closed_at[rows], inside, difference))
    return {ticker: _drifts(by_fold, instant(since)) for ticker, by_fold in parts.items()}


def _drifts(parts: list[tuple[Any, Any, Any]], since: np.datetime64) -> np.ndarray[Any, Any]:
    closed_at, inside, difference = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = []
    for row in np.flatnonzero(closed_at >= since):
        past = slice(max(row - RECORD_FORECASTS, 0), row)  # the newest of these outcomes is known since this bar closed
        hits, losses = inside[past][np.isfinite(inside[past])], difference[past][np.isfinite(difference[past])]
        mean, deviation = (float(losses.mean()), float(losses.std(ddof=1))) if len(losses) > 1 else (None, None)
        ratio = float(hits.mean()) if len(hits) else 0.0
        found.append(is_drifting(Record(len(hits), ratio, len(losses), mean, deviation)))
    return np.asarray(found, dtype=np.bool_)


def summary(tickers: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over tickers: shares of hours, mean changes with standard errors, numbers of significant changes."""
    hours = sum(one["hours"] for one in tickers)
    result: dict[str, Any] = {
        "tickers": len(tickers),
        "ticker_hours": hours,
        "trained_ratio": sum(one["trained"] for one in tickers) / hours,
        "promoted_ratio": sum(one["promoted"] for one in tickers) / hours,
        "tickers_ever_promoted": sum(one["promoted"] > 0 for one in tickers),
        "restarts": sum(one["restarts"] for one in tickers),
        "seconds": sum(one["seconds"] for one in tickers),
    }
    for name in ("served_1", "served_mean", "challenger_1", "challenger_mean"):
        values = np.asarray([one[name] for one in tickers])
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        result[name] = {
            "change_percent": round(float(values.mean()), 4),
            "standard_error": round(error, 4),
            "worst_ticker": round(float(values.max()), 4),
            "significantly_worse": sum(one[f"{name}_sign"] > 0 for one in tickers),
            "significantly_better": sum(one[f"{name}_sign"] < 0 for one in tickers),
        }
    return result


def main() -> None:
    """Simulates the quarter and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bars", type=Path)
    parser.add_argument("backbone", type=Path, help="folder of a backbone that was trained on bars before the quarter")
    parser.add_argument("--since", type=_instant, required=True)
    parser.add_argument("--until", type=_instant, required=True)
    parser.add_argument("--policy", choices=["always", WHEN_DRIFTING], default="always")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the model")
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    chosen = parser.parse_args()
    given = {f"HOURCAST_{name.upper()}": value for name, _, value in (each.partition("=") for each in chosen.set)}
    settings = load_settings(given).model
    backbone = load_backbone(model_config(settings, MODEL_INPUT_COUNT), FolderStore(chosen.backbone)).state
    histories = {
        ticker: history
        for ticker, history in load_histories(chosen.bars, chosen.until, chosen.tickers).items()
        if int(np.searchsorted(history.closed_at, instant(chosen.since))) > LEAST_BARS
    }
    is_choosing = chosen.policy == WHEN_DRIFTING
    drifting = drifting_hours(histories, backbone, chosen.since, chosen.until) if is_choosing else {}
    reports = []
    for ticker, history in sorted(histories.items()):
        replay = TickerReplay(history, backbone, settings, chosen.since)
        hours = len(replay.rows)
        replay.run(drifting[ticker][-hours:] if is_choosing else np.ones(hours, dtype=np.bool_))
        reports.append(replay.report())
        sys.stderr.write(f"{json.dumps(reports[-1])}\n")
    sys.stdout.write(json.dumps({**summary(reports), "by_ticker": reports}, indent=2) + "\n")


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _as_utc(value: np.datetime64) -> datetime:
    moment: datetime = value.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
