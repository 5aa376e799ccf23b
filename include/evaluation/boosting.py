"""LightGBM quantiles: one set of boosted trees a level, for all tickers and horizons, on returns over their HAR scale.

Pure but for its memory: trees are grown anew every few folds. Only this module knows ``lightgbm``. Where next:
``har.py`` for the scale that the trees correct.

Source: Ke and others, LightGBM, NeurIPS (2017), with the pinball loss of each level as its objective.
"""

from __future__ import annotations

from collections.abc import Mapping

import lightgbm as lgb
import numpy as np

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.har import WARM_UP_SESSIONS
from include.evaluation.history import FloatArray, History
from include.evaluation.inputs import RivalInputs, rival_inputs
from include.evaluation.walkforward import Fold

TEACHING_ROWS = 100_000
"""Rows (a bar and a horizon) drawn to teach; more of them overlap ever more."""

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
"""Small trees, slowly: the signal is weak, and rows of a day resemble each other."""

_MEDIAN = QUANTILE_LEVELS.index(0.5)


class BoostedQuantiles:
    """A ``leaderboard.Forecaster``; grows its trees every ``refit_folds`` folds, at the first one in any case."""

    def __init__(self, refit_folds: int = 4, seed: int = 0) -> None:
        self._refit_folds = refit_folds
        self._seed = seed
        self._boosters: list[lgb.Booster] = []
        self._cutoff: np.datetime64 | None = None

    def __call__(self, histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        """Quantiles at the fold's bars: sorted, since trees of different levels may cross, about a median of 0.

        Left where the trees put it, the median costs 0.1 % of CRPS on recorded bars.
        """
        tables = {ticker: rival_inputs(history, fold) for ticker, history in histories.items() if len(history) > 1}
        if self._is_due(fold):
            self._boosters = _grow(histories, tables, fold, self._seed)
            self._cutoff = fold.cutoff
        answers = {}
        for ticker, table in tables.items():
            rows = fold.test_rows(histories[ticker])
            asked = _flat(table)[rows].reshape(-1, table.width)
            if not self._boosters or not len(asked):
                continue
            levels = [np.asarray(booster.predict(asked), dtype=np.float64) for booster in self._boosters]
            unit = np.sort(np.stack(levels, axis=-1), axis=-1).reshape(-1, HORIZON_COUNT, len(QUANTILE_LEVELS))
            answers[ticker] = (unit - unit[..., _MEDIAN, np.newaxis]) * table.scale[rows, :, np.newaxis]
        return answers

    def _is_due(self, fold: Fold) -> bool:
        """Trees of a later cutoff than the fold's would tell of the future; those of an earlier walk are of no use."""
        is_other_walk = self._cutoff is None or self._cutoff > fold.cutoff
        return bool(not self._boosters or is_other_walk or fold.index % self._refit_folds == 0)


def _grow(
    histories: Mapping[str, History], tables: Mapping[str, RivalInputs], fold: Fold, seed: int
) -> list[lgb.Booster]:
    """One booster a level, from rows drawn of all tickers; none if there is too little to learn from."""
    inputs, targets = _teaching_rows(histories, tables, fold, seed)
    if len(targets) < 10 * PARAMETERS["min_data_in_leaf"]:  # type: ignore[operator]  # a number among words
        return []
    data = lgb.Dataset(inputs, targets, free_raw_data=False)
    return [
        lgb.train({**PARAMETERS, "alpha": level, "seed": seed}, data, num_boost_round=ROUNDS)
        for level in QUANTILE_LEVELS
    ]


def _flat(table: RivalInputs) -> FloatArray:
    """What is known of a bar beside what is known of each path ahead of it. [n, H, inputs]."""
    of_bar = np.repeat(table.of_bar[:, np.newaxis], HORIZON_COUNT, axis=1)
    return np.concatenate([of_bar, table.of_path], axis=2)


def _teaching_rows(
    histories: Mapping[str, History], tables: Mapping[str, RivalInputs], fold: Fold, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Rows that may teach, as many of each ticker at most: inputs [rows, inputs] and scaled returns [rows]."""
    random = np.random.default_rng(seed)
    share = TEACHING_ROWS // max(len(tables), 1)
    parts: list[tuple[FloatArray, FloatArray]] = []
    for ticker, table in tables.items():
        history = histories[ticker]
        is_warm = np.arange(len(history)) >= WARM_UP_SESSIONS * history.session_bars
        bar, column = np.nonzero(fold.is_teaching(history) & is_warm[:, np.newaxis])
        drawn = random.permutation(len(bar))[:share]
        bar, column = bar[drawn], column[drawn]
        parts.append((_flat(table)[bar, column], history.outcome[bar, column] / table.scale[bar, column]))
    if not parts:
        return np.empty((0, 0)), np.empty(0)
    return np.concatenate([part for part, _ in parts]), np.concatenate([part for _, part in parts])
