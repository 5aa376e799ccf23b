"""LightGBM as a method for comparison: gradient-boosted trees for each quantile, with the inputs of the Transformer.

The trees read what the Transformer reads of a window, in a form that trees can use: each input's newest value and its
means over the newest 8 bars and over the whole window. The horizon is one more input. As many windows are drawn as the
Transformer's training draws, with the same probabilities, and half of them are mirrored. A row of the training set is a
window and a horizon. The trees start from the quantiles of the reference distribution and end, as the networks do, with
a share of ``output_ratio`` of what they have learned. Only this module imports ``lightgbm``, and only a comparison that
names it imports this module. Where next: ``networks.py`` for LSTM and TCN.

Source: Ke and others, LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS (2017).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from include.errors import DataContractError
from include.model.config import ModelConfig
from include.model.pretrain import PretrainConfig
from include.model.train import TrainingSeries
from include.model.transformer import reference_quantiles

METHOD = "lightgbm"
MODEL = "trees.json"
ROUNDS = 80
SHORT_BARS = 8
LEAF_ROWS = 300
"""Least rows of a leaf."""

PARAMETERS = {
    "objective": "quantile",
    "boost_from_average": False,
    "learning_rate": 0.05,
    "num_leaves": 12,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
"""Those of ``research/forecasters/boosting.py``: small trees and a low learning rate, since the signal is weak."""

_LEAST_SHARE = 0.01
"""Least rows of a leaf as a share of all rows, where that is fewer: a small training set has leaves, too."""


@dataclass(frozen=True)
class TrainedTrees:
    """The trees of each quantile level, as LightGBM writes them; ``output_ratio`` is the share that counts."""

    texts: Sequence[str]
    config: ModelConfig
    output_ratio: float

    @property
    def weight_count(self) -> int:
        """The number of leaves."""
        return sum(int(tree["num_leaves"]) for text in self.texts for tree in _booster(text).dump_model()["tree_info"])

    @property
    def version(self) -> str:
        """SHA-256 in hex of its file."""
        return hashlib.sha256(self.files()[MODEL]).hexdigest()

    def files(self) -> dict[str, bytes]:
        """The file of the trees."""
        content = {"config": self.config.to_dict(), "output_ratio": self.output_ratio, "trees": list(self.texts)}
        return {MODEL: json.dumps(content, sort_keys=True).encode()}

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """``[N, H, Q]``: forecasts in scaled units at the rows ``ends`` of ``x [n, F]``; NaN without a full window.

        They are sorted, because the quantiles of different trees may cross, and the median is 0: a predicted one makes
        the CRPS worse.
        """
        horizons = self.config.horizon_count
        result = np.full((len(ends), horizons, len(self.config.quantile_levels)), np.nan)
        is_full = ends >= self.config.context_bars - 1
        if not is_full.any():
            return result
        rows = with_horizons(window_inputs(x, ends[is_full], self.config.context_bars), horizons)
        learned = np.stack([np.asarray(_booster(text).predict(rows)) for text in self.texts], axis=-1)
        reference = np.array(reference_quantiles(self.config.quantile_levels))
        found = np.sort(reference + self.output_ratio * learned, axis=-1).reshape(-1, *result.shape[1:])
        median = self.config.median_index
        result[is_full] = found - found[..., median : median + 1]
        return result


def train(
    series: Mapping[str, TrainingSeries], config: ModelConfig, training: PretrainConfig, seed: int
) -> TrainedTrees:
    """Trees for each quantile level, trained on as many windows as a network's training draws.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    rows, targets, weights = training_rows(series, config, training, seed)
    least = max(1, min(LEAF_ROWS, int(_LEAST_SHARE * len(targets))))
    data = lgb.Dataset(rows, targets, weight=weights, free_raw_data=False, params={"verbosity": -1})
    texts = []
    for level, reference in zip(config.quantile_levels, reference_quantiles(config.quantile_levels), strict=True):
        data.set_label(targets - reference)
        chosen = {**PARAMETERS, "alpha": level, "seed": seed % 2**31, "min_data_in_leaf": least}
        texts.append(lgb.train(chosen, data, num_boost_round=ROUNDS).model_to_string())
    return TrainedTrees(texts, config, training.output_ratio)


def training_rows(
    series: Mapping[str, TrainingSeries], config: ModelConfig, training: PretrainConfig, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Inputs ``[rows, 3 * F + 1]``, scaled returns ``[rows]`` and weights ``[rows]`` of the drawn windows.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    kept = [one for _, one in sorted(series.items()) if len(one.window_ends) >= training.minimum_windows]
    if not kept:
        message = f"None of {len(series)} tickers has {training.minimum_windows} windows; pass longer histories."
        raise DataContractError(message)
    generator = np.random.default_rng(seed)
    shares = np.array([len(one.window_ends) for one in kept]) ** training.ticker_power
    counts = generator.multinomial(training.steps * training.batch_windows, shares / shares.sum())
    parts = [_drawn(one, count, config, training, generator) for one, count in zip(kept, counts, strict=True)]
    inputs, targets, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return inputs, targets, weights


def _drawn(
    one: TrainingSeries, count: int, config: ModelConfig, training: PretrainConfig, generator: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """``training_rows`` of one ticker, from ``count`` windows; outcomes that are not known are left out."""
    ends = generator.choice(np.asarray(one.window_ends), count)
    inputs = window_inputs(one.x, ends, config.context_bars)
    sign = np.where(generator.random(count) < 0.5, -1.0, 1.0) if training.mirrored_inputs else np.ones(count)
    for start in range(0, inputs.shape[1], config.input_count):
        inputs[:, start : start + training.mirrored_inputs] *= sign[:, np.newaxis]
    targets = one.y[ends].astype(np.float64) * sign[:, np.newaxis]
    is_known = one.has_target[ends].ravel()
    weights = np.tile(np.arange(1.0, config.horizon_count + 1.0) ** -training.horizon_power, count)
    return with_horizons(inputs, config.horizon_count)[is_known], targets.ravel()[is_known], weights[is_known]


def window_inputs(
    x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64], context_bars: int
) -> npt.NDArray[np.float64]:
    """``[N, 3 * F]``: newest value, mean of the newest ``SHORT_BARS`` and of all bars of the windows that end there."""
    sums = np.vstack([np.zeros(x.shape[1]), np.cumsum(x, axis=0, dtype=np.float64)])
    means = [(sums[ends + 1] - sums[ends + 1 - bars]) / bars for bars in (min(SHORT_BARS, context_bars), context_bars)]
    return np.concatenate([x[ends].astype(np.float64), *means], axis=1)


def with_horizons(inputs: npt.NDArray[np.float64], horizon_count: int) -> npt.NDArray[np.float64]:
    """``[N * H, I + 1]``: each row once for each horizon, with the horizon as its last input."""
    horizons = np.tile(np.arange(1.0, horizon_count + 1.0), len(inputs))
    return np.column_stack([np.repeat(inputs, horizon_count, axis=0), horizons])


def _booster(text: str) -> lgb.Booster:
    return lgb.Booster(model_str=text)
