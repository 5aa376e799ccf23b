"""What hourly fine-tuning is worth: every hour of a quarter again, ticker by ticker, as the product would have gone on.

From the project's folder, with a backbone that had seen nothing of the quarter:

    make pretrain BARS=folder UNTIL=2024-11-28 ARGS="--quarters 0 --out .local/earlier"
    .venv/bin/python -m bench.fine_tuning folder .local/earlier --since 2024-11-28 --until 2025-02-28 --policy always

prints, as JSON: the share of ticker-hours that trained and in which something fine-tuned served; the change of CRPS
against the backbone alone, in percent, of what served and of the lines whether they might serve or not; how many
tickers were significantly better or worse (Diebold-Mariano); seconds spent on training. `--set name=value` changes a
setting of the model, such as `hourly_learning_rate=1e-4`. No database: an hour is a bar, and forecasts are compared
before calibration. Nothing that closed at or after `--until` is read.
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

from include.evaluation.har import har
from include.evaluation.history import History
from include.evaluation.metrics import BASIS_POINTS, crps, is_inside
from include.evaluation.promotion import Evidence
from include.evaluation.significance import diebold_mariano
from include.evaluation.walkforward import instant, make_folds
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import load_backbone, start_from
from include.model.config import hourly_training, model_config
from include.model.predict import predict_windows
from include.model.shard import ShardState
from include.model.train import TrainingArrays, fine_tune
from include.pipeline.histories import load_histories
from include.pipeline.lines import count_matured
from include.pipeline.own import OwnForecaster, series_of
from include.pipeline.policy import RECORD_FORECASTS, WHEN_DRIFTING, is_drifting
from include.pipeline.services import seed_of
from include.pipeline.training import STEP_TOLERANCE
from include.settings import ModelSettings, load_settings
from include.store.forecasts import Record

LEAST_BARS = 500
"""Bars that a ticker must have had when the quarter began."""


class TickerReplay:
    """One ticker's hours: what its line was, whether it served, and what each forecast was worth."""

    def __init__(self, history: History, backbone: ShardState, settings: ModelSettings, since: datetime) -> None:
        self.history, self.settings = history, settings
        self.series = series_of(history)
        self.origin = start_from(backbone, [history.ticker])
        self.rows = np.flatnonzero(self.series.closed_at >= instant(since))
        shape = (len(self.rows), self.origin.config.horizon_count)
        self.line_loss, self.origin_loss = np.full(shape, np.nan), np.full(shape, np.nan)
        self.is_serving, self.is_trained = np.zeros((2, len(self.rows)), dtype=np.bool_)
        self.restarts = 0
        self.seconds = 0.0

    def run(self, is_wanted: np.ndarray[Any, Any]) -> None:
        """Goes through the hours; ``is_wanted [hours]``: what the policy says of a line that does not serve."""
        line, evidence = self.origin, Evidence("backbone", _as_utc(self.series.closed_at[self.rows[0] - 1]))
        for hour, row in enumerate(self.rows):
            if evidence.may_serve or is_wanted[hour]:
                began = time.perf_counter()
                line, evidence = self._hour(line, evidence, int(row))
                self.seconds += time.perf_counter() - began
                self.is_trained[hour] = True
            self.is_serving[hour] = evidence.may_serve
            self._score(line, hour, int(row))

    def _hour(self, line: ShardState, evidence: Evidence, row: int) -> tuple[ShardState, Evidence]:
        known = self._known(row)
        evidence = count_matured(evidence, line, self.origin, known)
        if not evidence.is_lost:
            config = hourly_training(self.settings, SIGNED_INPUT_COUNT)
            arrays = TrainingArrays(known.x, known.y, known.has_target, window_ends(known, line.config.context_bars))
            as_of = _as_utc(self.series.closed_at[row])
            seed = seed_of(self.settings.seed, self.history.ticker, as_of)
            trained, (report,) = fine_tune(line, [arrays], config, [seed], self.origin)
            before, after = report.loss_before, report.loss_after
            has_stumbled = before is not None and after is not None and after > before * (1.0 + STEP_TOLERANCE)
            if report.is_finite and not has_stumbled:
                return trained, evidence
            if not report.is_finite:
                return line, evidence
        self.restarts += 1
        return self.origin, Evidence("backbone", _as_utc(self.series.closed_at[row]), line=evidence.line + 1)

    def _known(self, row: int) -> Series:
        """The newest rows as an hour reads them when the bar of ``row`` has closed: later outcomes are unknown."""
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

    def _score(self, line: ShardState, hour: int, row: int) -> None:
        ends = np.asarray([row])
        outcome = np.where(self.series.has_target[ends], self.series.y[ends], np.nan).astype(np.float64)
        scale = self.series.scale[ends]
        for state, losses in ((line, self.line_loss), (self.origin, self.origin_loss)):
            losses[hour] = (crps(outcome, predict_windows(state, self.series.x, ends)) * scale)[0]

    def report(self) -> dict[str, Any]:
        """The ticker's figures; changes of CRPS in percent of the backbone's, one bar ahead and the mean over all."""
        served = np.where(self.is_serving[:, np.newaxis], self.line_loss, self.origin_loss)
        figures: dict[str, Any] = {
            "ticker": self.history.ticker,
            "hours": len(self.rows),
            "trained": int(self.is_trained.sum()),
            "promoted": int(self.is_serving.sum()),
            "restarts": self.restarts,
            "seconds": round(self.seconds, 2),
        }
        for name, losses in (("served", served), ("line", self.line_loss)):
            for label, columns, horizon in (("1", slice(0, 1), 1), ("mean", slice(None), losses.shape[1])):
                own, other = losses[:, columns].mean(axis=1), self.origin_loss[:, columns].mean(axis=1)
                test = diebold_mariano(own, other, horizon)
                figures[f"{name}_{label}"] = 100.0 * test.mean / float(np.nanmean(other))
                figures[f"{name}_{label}_sign"] = int(test.is_worse) - int(test.is_better)
        return figures


def drifting_hours(
    histories: Mapping[str, History], backbone: ShardState, since: datetime, until: datetime
) -> dict[str, np.ndarray[Any, Any]]:
    """Whether each bar from ``since`` on finds its ticker drifting, by the backbone's calibrated forecasts so far."""
    forecaster = OwnForecaster(backbone)
    parts: dict[str, list[tuple[Any, Any, Any]]] = {ticker: [] for ticker in histories}
    for fold in make_folds(since - timedelta(days=70), until):
        own, twins = forecaster(histories, fold), har(histories, fold)
        for ticker, history in histories.items():
            rows = fold.test_rows(history)
            outcome = history.outcome[rows, 0]
            inside = np.where(np.isfinite(outcome), is_inside(outcome, own[ticker][:, 0], 80), np.nan)
            difference = (crps(outcome, own[ticker][:, 0]) - crps(outcome, twins[ticker][:, 0])) * BASIS_POINTS
            parts[ticker].append((history.closed_at[rows], inside, difference))
    return {ticker: _drifts(own, instant(since)) for ticker, own in parts.items()}


def _drifts(parts: list[tuple[Any, Any, Any]], since: np.datetime64) -> np.ndarray[Any, Any]:
    closed_at, inside, difference = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = []
    for row in np.flatnonzero(closed_at >= since):
        past = slice(max(row - RECORD_FORECASTS, 0), row)  # the newest of them has matured with this very bar
        known, twins = inside[past][np.isfinite(inside[past])], difference[past][np.isfinite(difference[past])]
        mean, deviation = (float(twins.mean()), float(twins.std(ddof=1))) if len(twins) > 1 else (None, None)
        ratio = float(known.mean()) if len(known) else 0.0
        found.append(is_drifting(Record(len(known), ratio, len(twins), mean, deviation)))
    return np.asarray(found, dtype=np.bool_)


def summary(tickers: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over tickers: shares of hours, mean changes with their standard errors, significant ones counted."""
    hours = sum(own["hours"] for own in tickers)
    result: dict[str, Any] = {
        "tickers": len(tickers),
        "ticker_hours": hours,
        "trained_ratio": sum(own["trained"] for own in tickers) / hours,
        "promoted_ratio": sum(own["promoted"] for own in tickers) / hours,
        "tickers_ever_promoted": sum(own["promoted"] > 0 for own in tickers),
        "restarts": sum(own["restarts"] for own in tickers),
        "seconds": sum(own["seconds"] for own in tickers),
    }
    for name in ("served_1", "served_mean", "line_1", "line_mean"):
        values = np.asarray([own[name] for own in tickers])
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        result[name] = {
            "change_percent": round(float(values.mean()), 4),
            "standard_error": round(error, 4),
            "worst_ticker": round(float(values.max()), 4),
            "significantly_worse": sum(own[f"{name}_sign"] > 0 for own in tickers),
            "significantly_better": sum(own[f"{name}_sign"] < 0 for own in tickers),
        }
    return result


def main() -> None:
    """Replays the quarter and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bars", type=Path)
    parser.add_argument("backbone", type=Path, help="folder of a backbone that ends where the quarter begins")
    parser.add_argument("--since", type=_instant, required=True)
    parser.add_argument("--until", type=_instant, required=True)
    parser.add_argument("--policy", choices=["always", WHEN_DRIFTING], default="always")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the model")
    parser.add_argument("--tickers", nargs="+", help="these alone")
    chosen = parser.parse_args()
    given = {f"HOURCAST_{name.upper()}": value for name, _, value in (each.partition("=") for each in chosen.set)}
    settings = load_settings(given).model
    backbone = load_backbone(model_config(settings, MODEL_INPUT_COUNT), chosen.backbone)
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
