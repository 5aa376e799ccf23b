"""LightGBM quantile regression of returns over their HAR scale: one model for each level, for all tickers and horizons.

The models are kept for some folds and then trained anew. Only this module imports ``lightgbm``. Where next:
``inputs.py`` for the inputs.

Source: Ke and others, LightGBM, NeurIPS (2017), with the pinball loss of each level as its objective.
"""

from __future__ import annotations

from collections.abc import Mapping

import lightgbm as lgb
import numpy as np

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.har import WARM_UP_SESSIONS
from include.evaluation.history import FloatArray, History
from include.evaluation.walkforward import Fold
from research.forecasters.inputs import ForecasterInputs, forecaster_inputs

TRAINING_ROWS = 100_000
"""Rows (a bar and a horizon) that are sampled for the training set. More rows would mostly overlap."""

ROUNDS = 80

PARAMETERS = {
    "objective": "quantile",
    "learning_rate": 0.05,
    "num_leaves": 12,
    "min_data_in_leaf": 300,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
"""Small trees and a low learning rate: the signal is weak, and rows of a day are similar."""

_MEDIAN = QUANTILE_LEVELS.index(0.5)


class BoostedQuantiles:
    """A ``leaderboard.Forecaster``. It trains at the first fold and then every ``refit_folds`` folds."""

    def __init__(self, refit_folds: int = 4, seed: int = 0) -> None:
        self._refit_folds = refit_folds
        self._seed = seed
        self._boosters: list[lgb.Booster] = []
        self._cutoff: np.datetime64 | None = None

    def __call__(self, histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        """Quantiles [m, H, Q] at the fold's bars, by ticker, with a median of 0.

        They are sorted, because the quantiles of different models may cross. With the predicted median instead of 0,
        the CRPS on recorded bars is 0.1 % higher.
        """
        tables = {ticker: forecaster_inputs(history, fold) for ticker, history in histories.items() if len(history) > 1}
        if self._is_due(fold):
            self._boosters = _grow(histories, tables, fold, self._seed)
            self._cutoff = fold.cutoff
        forecasts = {}
        for ticker, table in tables.items():
            rows = fold.test_rows(histories[ticker])
            inputs = _flat(table)[rows].reshape(-1, table.width)
            if not self._boosters or not len(inputs):
                continue
            levels = [np.asarray(booster.predict(inputs), dtype=np.float64) for booster in self._boosters]
            unit = np.sort(np.stack(levels, axis=-1), axis=-1).reshape(-1, HORIZON_COUNT, len(QUANTILE_LEVELS))
            forecasts[ticker] = (unit - unit[..., _MEDIAN, np.newaxis]) * table.scale[rows, :, np.newaxis]
        return forecasts

    def _is_due(self, fold: Fold) -> bool:
        """Whether to train anew. Models with a later cutoff than the fold's come from another walk and would leak."""
        is_other_walk = self._cutoff is None or self._cutoff > fold.cutoff
        return bool(not self._boosters or is_other_walk or fold.index % self._refit_folds == 0)


def _grow(
    histories: Mapping[str, History], tables: Mapping[str, ForecasterInputs], fold: Fold, seed: int
) -> list[lgb.Booster]:
    """One booster for each level, trained on sampled rows of all tickers; none if the training set is too small."""
    inputs, targets = _training_rows(histories, tables, fold, seed)
    if len(targets) < 10 * PARAMETERS["min_data_in_leaf"]:  # type: ignore[operator]  # a number among words
        return []
    data = lgb.Dataset(inputs, targets, free_raw_data=False)
    return [
        lgb.train({**PARAMETERS, "alpha": level, "seed": seed}, data, num_boost_round=ROUNDS)
        for level in QUANTILE_LEVELS
    ]


def _flat(table: ForecasterInputs) -> FloatArray:
    """The inputs of each bar, joined with those of each path ahead of it. [n, H, inputs]."""
    of_bar = np.repeat(table.of_bar[:, np.newaxis], HORIZON_COUNT, axis=1)
    return np.concatenate([of_bar, table.of_path], axis=2)


def _training_rows(
    histories: Mapping[str, History], tables: Mapping[str, ForecasterInputs], fold: Fold, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Sampled training rows: inputs [rows, inputs] and scaled returns [rows]. Each ticker has the same maximum."""
    random = np.random.default_rng(seed)
    share = TRAINING_ROWS // max(len(tables), 1)
    parts: list[tuple[FloatArray, FloatArray]] = []
    for ticker, table in tables.items():
        history = histories[ticker]
        is_warm = np.arange(len(history)) >= WARM_UP_SESSIONS * history.session_bars
        bar, column = np.nonzero(fold.training_mask(history) & is_warm[:, np.newaxis])
        drawn = random.permutation(len(bar))[:share]
        bar, column = bar[drawn], column[drawn]
        parts.append((_flat(table)[bar, column], history.outcome[bar, column] / table.scale[bar, column]))
    if not parts:
        return np.empty((0, 0)), np.empty(0)
    return np.concatenate([part for part, _ in parts]), np.concatenate([part for _, part in parts])
