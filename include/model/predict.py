"""Forecasting: the quantiles that each ticker's network gives for its newest window.

It knows nothing of prices; the pipeline multiplies by the scale. Where next: ``calibration.py``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from include.errors import DataContractError
from include.model.shard import ShardState, groups, reproducible_torch
from include.model.transformer import forward


@torch.no_grad()
def predict(state: ShardState, x: npt.NDArray[np.float32], group_tickers: int = 1) -> npt.NDArray[np.float64]:
    """``[K, H, Q]`` quantiles of the log returns ahead in scaled units, ascending along Q.

    ``x [K, T, F]``: row k is the window of ``state.tickers[k]`` that ends at its newest bar. A network or a window
    that is not finite gives NaN for its ticker alone. With ``group_tickers=1`` a ticker's bytes do not depend on its
    neighbours.

    Raises:
        DataContractError: ``x`` does not fit the shard.
    """
    config = state.config
    if x.shape != (len(state.tickers), config.context_bars, config.input_count):
        message = f"windows of shape {x.shape} do not fit {len(state.tickers)} tickers of {config}."
        raise DataContractError(message)
    result = np.empty((len(state.tickers), config.horizon_count, len(config.quantile_levels)))
    dtype = state.parameters["input.weight"].dtype
    with reproducible_torch():
        for group in groups(len(state.tickers), group_tickers):
            part = state.select(group)
            windows = torch.tensor(x[group.start : group.stop], dtype=dtype).unsqueeze(1)
            result[group.start : group.stop] = forward(part.parameters, windows, config)[:, 0, -1].double().numpy()
    return result
