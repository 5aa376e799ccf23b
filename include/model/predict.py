"""Forecasting: the quantiles of each ticker's network for its newest window.

The quantiles are in scaled units; the pipeline multiplies them by the scale. Where next: ``calibration.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from include.errors import DataContractError
from include.model.config import ModelConfig
from include.model.shard import ShardState, groups, reproducible_torch
from include.model.transformer import forward


@torch.no_grad()
def predict(state: ShardState, x: npt.NDArray[np.float32], group_tickers: int = 1) -> npt.NDArray[np.float64]:
    """``[K, H, Q]``: quantiles of the log returns ahead in scaled units, ascending along Q.

    ``x [K, T, F]``: row k is the window of ``state.tickers[k]`` that ends at its newest bar. If a ticker's network or
    window is not finite, its result is NaN; the other tickers' results are not affected. With ``group_tickers=1`` the
    bytes of a ticker's result do not depend on the other tickers.

    Raises:
        DataContractError: ``x`` does not fit the shard.
    """
    config = state.config
    if x.shape != (len(state.tickers), config.context_bars, config.input_count):
        message = f"Windows of shape {x.shape} do not fit {len(state.tickers)} tickers of {config}."
        raise DataContractError(message)
    result = np.empty((len(state.tickers), config.horizon_count, len(config.quantile_levels)))
    dtype = state.parameters["input.weight"].dtype
    with reproducible_torch():
        for group in groups(len(state.tickers), group_tickers):
            part = state.select(group)
            windows = torch.tensor(x[group.start : group.stop], dtype=dtype).unsqueeze(1)
            result[group.start : group.stop] = forward(part.parameters, windows, config)[:, 0, -1].double().numpy()
    return result


@torch.no_grad()
def predict_windows(
    state: ShardState, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64], batch_windows: int = 256
) -> npt.NDArray[np.float64]:
    """``[N, H, Q]``: forecasts of the shard's only network at the rows ``ends [N]`` of one series ``x [n, F]``.

    Each row is forecast from the window that ends there, as ``predict`` does for the newest row. Rows without a full
    window give NaN.

    Raises:
        DataContractError: the shard has several networks, or the series does not fit them.
    """
    config = state.config
    if len(state.tickers) != 1 or x.ndim != 2 or x.shape[1] != config.input_count:
        message = (
            f"A series of shape {x.shape} and {len(state.tickers)} networks of {config} do not fit; one is needed."
        )
        raise DataContractError(message)
    network = partial(forward, state.parameters, config=config)
    series = torch.tensor(x, dtype=state.parameters["input.weight"].dtype)
    return quantiles_at(network, config, series, ends, batch_windows)


@torch.no_grad()
def quantiles_at(
    network: Callable[[Tensor], Tensor],
    config: ModelConfig,
    series: Tensor,
    ends: npt.NDArray[np.int64],
    batch_windows: int = 256,
) -> npt.NDArray[np.float64]:
    """``[N, H, Q]``: what a network of any architecture forecasts from the windows of ``series [n, F]`` that end there.

    ``network`` maps inputs ``[1, B, T, F]`` to quantiles ``[1, B, T, H, Q]``. Rows without a full window give NaN.
    """
    result = np.full((len(ends), config.horizon_count, len(config.quantile_levels)), np.nan)
    full = np.flatnonzero(ends >= config.context_bars - 1)
    with reproducible_torch():
        for group in groups(len(full), batch_windows):
            chosen = full[group.start : group.stop]
            rows = torch.from_numpy(ends[chosen][:, np.newaxis] + np.arange(1 - config.context_bars, 1))
            result[chosen] = network(series[rows].unsqueeze(0))[0, :, -1].double().numpy()
    return result
