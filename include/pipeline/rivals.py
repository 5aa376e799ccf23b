"""LSTM and TCN as forecasters that evaluation can score: the inputs are evaluation's, the networks the model's.

Where next: ``model/rivals.py`` for the networks, ``evaluation/inputs.py`` for what they read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from include.evaluation.har import WARM_UP_SESSIONS
from include.evaluation.history import FloatArray, History
from include.evaluation.inputs import RivalInputs, rival_inputs
from include.evaluation.walkforward import Fold
from include.model.rivals import Rival, RivalConfig, RivalSeries, ask_rival, fit_rival


class NetworkForecaster:
    """A ``leaderboard.Forecaster``: one network for all tickers, trained anew every ``refit_folds`` folds."""

    def __init__(self, config: RivalConfig, refit_folds: int = 4) -> None:
        self._config = config
        self._refit_folds = refit_folds
        self._rival: Rival | None = None
        self._cutoff: np.datetime64 | None = None

    def __call__(self, histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        """Quantiles at the fold's bars; no answer for a ticker of a single bar, or where nothing may teach."""
        tables = {ticker: rival_inputs(history, fold) for ticker, history in histories.items() if len(history) > 1}
        if self._is_due(fold) and tables:
            lessons = [_lesson(histories[ticker], table, fold) for ticker, table in tables.items()]
            is_signed = next(iter(tables.values())).is_signed
            self._rival = fit_rival(lessons, is_signed, replace(self._config, seed=self._config.seed + fold.index))
            self._cutoff = fold.cutoff
        if self._rival is None:
            return {}
        answers = {}
        for ticker, table in tables.items():
            rows = np.arange(*fold.test_rows(histories[ticker]).indices(len(table.scale)), dtype=np.int64)
            unit = ask_rival(self._rival, table.of_bar, table.of_path, rows)
            answers[ticker] = unit * table.scale[rows, :, np.newaxis]
        return answers

    def _is_due(self, fold: Fold) -> bool:
        """A network of a later cutoff than the fold's would tell of the future."""
        is_later = self._cutoff is not None and bool(self._cutoff > fold.cutoff)
        return self._rival is None or is_later or fold.index % self._refit_folds == 0


def _lesson(history: History, table: RivalInputs, fold: Fold) -> RivalSeries:
    is_warm = np.arange(len(history)) >= WARM_UP_SESSIONS * history.session_bars
    return RivalSeries(
        of_bar=table.of_bar,
        of_path=table.of_path,
        y=history.outcome / table.scale,
        is_teaching=fold.is_teaching(history) & is_warm[:, np.newaxis],
    )
