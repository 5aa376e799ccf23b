"""LSTM and TCN as forecasters: one network for all tickers, trained on windows of bars. Not part of the product.

The network gives factors for the distances between the pooled quantiles of scaled returns. So an untrained network
forecasts the pooled quantiles, multiplied by the HAR scale. Where next: ``lstm.py`` and ``tcn.py`` for the encoders,
``inputs.py`` for the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS
from include.evaluation.har import WARM_UP_SESSIONS
from include.evaluation.history import BoolArray, FloatArray, History
from include.evaluation.walkforward import Fold
from include.model.shard import reproducible_torch
from research.forecasters.inputs import ForecasterInputs, forecaster_inputs
from research.forecasters.lstm import Lstm
from research.forecasters.tcn import Tcn

LSTM = "lstm"
TCN = "tcn"

_MEDIAN = QUANTILE_LEVELS.index(0.5)
_UNIT_SPACING = math.log(math.e - 1.0)  # its softplus is 1


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a network and its training. ``kind``: ``LSTM`` or ``TCN``."""

    kind: str = LSTM
    context_bars: int = 32
    width: int = 32
    steps: int = 300
    batch_windows: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    dropout: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class NetworkSeries:
    """One ticker's rows, oldest first: ``of_bar`` [n, I], ``of_path`` [n, H, P], scaled returns ``y`` [n, H].

    ``training_mask`` [n, H]: which values of y are in the training set. The others are not used.
    """

    of_bar: FloatArray
    of_path: FloatArray
    y: FloatArray
    training_mask: BoolArray


class QuantileNetwork(nn.Module):
    """An encoder of the bars, and a head that gives factors for the distances between the ``pooled`` quantiles.

    ``pooled`` [H, Q]: quantiles of the scaled returns of all tickers.
    """

    def __init__(self, config: NetworkConfig, bar_width: int, path_width: int, pooled: FloatArray) -> None:
        super().__init__()
        self.config = config
        encoder = Lstm if config.kind == LSTM else Tcn
        self.body = encoder(bar_width, config.width, config.dropout)
        self.joint = nn.Linear(config.width + path_width, config.width)
        self.head = nn.Linear(config.width, len(QUANTILE_LEVELS) - 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("spacings", torch.tensor(np.diff(pooled, axis=1), dtype=torch.float32))  # [H, Q - 1]

    def forward(self, bars: Tensor, paths: Tensor) -> Tensor:
        """Quantiles of scaled returns with a median of 0: ``[B, T, I]``, ``[B, H, P]`` -> ``[B, H, Q]``."""
        state = self.body(bars).unsqueeze(1).expand(-1, paths.shape[1], -1)
        hidden = torch.relu(self.joint(torch.cat((state, paths), dim=-1)))
        spacings = softplus(self.head(hidden) + _UNIT_SPACING) * self.get_buffer("spacings")
        below = -spacings[..., :_MEDIAN].flip(-1).cumsum(-1).flip(-1)
        above = spacings[..., _MEDIAN:].cumsum(-1)
        return torch.cat((below, torch.zeros_like(below[..., :1]), above), dim=-1)


class NetworkForecaster:
    """A ``leaderboard.Forecaster``: one network for all tickers, trained anew every ``refit_folds`` folds."""

    def __init__(self, config: NetworkConfig, refit_folds: int = 4) -> None:
        self._config = config
        self._refit_folds = refit_folds
        self._network: QuantileNetwork | None = None
        self._cutoff: np.datetime64 | None = None

    def __call__(self, histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        """Quantiles [m, H, Q] at the fold's bars, by ticker.

        There is no forecast for a ticker with a single bar, and none at all if the training set is too small.
        """
        tables = {ticker: forecaster_inputs(history, fold) for ticker, history in histories.items() if len(history) > 1}
        if self._is_due(fold) and tables:
            series = [_series(histories[ticker], table, fold) for ticker, table in tables.items()]
            is_signed = next(iter(tables.values())).is_signed
            self._network = fit(series, is_signed, replace(self._config, seed=self._config.seed + fold.index))
            self._cutoff = fold.cutoff
        if self._network is None:
            return {}
        forecasts = {}
        for ticker, table in tables.items():
            rows = np.arange(*fold.test_rows(histories[ticker]).indices(len(table.scale)), dtype=np.int64)
            unit = forecast(self._network, table.of_bar, table.of_path, rows)
            forecasts[ticker] = unit * table.scale[rows, :, np.newaxis]
        return forecasts

    def _is_due(self, fold: Fold) -> bool:
        """Whether a new network is needed. A network with a later cutoff than the fold's would leak the future."""
        is_later = self._cutoff is not None and bool(self._cutoff > fold.cutoff)
        return self._network is None or is_later or fold.index % self._refit_folds == 0


def fit(series: Sequence[NetworkSeries], is_signed: BoolArray, config: NetworkConfig) -> QuantileNetwork | None:
    """A network trained on all series; None if no series has training rows at every horizon.

    In a random half of each step's windows the signs of all returns are reversed: the targets and the inputs that
    ``is_signed`` [I] marks. Otherwise the network would overfit the direction of the market.
    """
    rows = [_training_ends(one, config.context_bars) for one in series]
    pooled = _pooled_quantiles(series)
    if not sum(len(ends) for ends in rows) or pooled is None:
        return None
    random = np.random.default_rng(config.seed)
    with reproducible_torch(), torch.random.fork_rng():
        torch.manual_seed(config.seed)
        network = QuantileNetwork(config, series[0].of_bar.shape[1], series[0].of_path.shape[2], pooled)
        optimiser = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
        network.train()
        for _ in range(config.steps):
            loss = _loss(network, _draw(series, rows, is_signed, config, random))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def forecast(
    network: QuantileNetwork, of_bar: FloatArray, of_path: FloatArray, rows: npt.NDArray[np.int64]
) -> FloatArray:
    """Quantiles of scaled returns at these rows of a ticker; NaN before the first full window. [m, H, Q]."""
    bars = network.config.context_bars
    quantiles = np.full((len(rows), of_path.shape[1], len(QUANTILE_LEVELS)), np.nan)
    is_full = rows >= bars - 1
    if is_full.any():
        with reproducible_torch():
            windows = of_bar[rows[is_full, None] + np.arange(1 - bars, 1)]
            quantiles[is_full] = network(_tensor(windows), _tensor(of_path[rows[is_full]])).double().numpy()
    return quantiles


def _series(history: History, table: ForecasterInputs, fold: Fold) -> NetworkSeries:
    is_warm = np.arange(len(history)) >= WARM_UP_SESSIONS * history.session_bars
    return NetworkSeries(
        of_bar=table.of_bar,
        of_path=table.of_path,
        y=history.outcome / table.scale,
        training_mask=fold.training_mask(history) & is_warm[:, np.newaxis],
    )


def _training_ends(series: NetworkSeries, bars: int) -> npt.NDArray[np.int64]:
    """Last rows of the full windows with at least one training target."""
    ends = np.flatnonzero(series.training_mask.any(axis=1))
    return ends[ends >= bars - 1].astype(np.int64)


def _pooled_quantiles(series: Sequence[NetworkSeries]) -> FloatArray | None:
    """Empirical quantiles of scaled returns by horizon: the mean over tickers. [H, Q]. None without training rows."""
    by_ticker = [
        [np.quantile(one.y[mask, column], QUANTILE_LEVELS) for column, mask in enumerate(one.training_mask.T)]
        for one in series
        if one.training_mask.any(axis=0).all()
    ]
    return np.asarray(np.mean(by_ticker, axis=0), dtype=np.float64) if by_ticker else None


def _draw(
    series: Sequence[NetworkSeries],
    rows: Sequence[npt.NDArray[np.int64]],
    is_signed: BoolArray,
    config: NetworkConfig,
    random: np.random.Generator,
) -> tuple[Tensor, ...]:
    """The windows of one step: bars, paths, y and mask. Every ticker has the same probability."""
    able = [place for place, ends in enumerate(rows) if len(ends)]
    chosen = random.choice(able, config.batch_windows)
    parts: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = []
    for place in np.unique(chosen):
        one = series[place]
        ends = random.choice(rows[place], int((chosen == place).sum()))
        bars = one.of_bar[ends[:, None] + np.arange(1 - config.context_bars, 1)]
        flip = random.choice([-1.0, 1.0], (len(ends), 1))
        bars = np.where(is_signed, flip[..., None] * bars, bars)
        y = np.where(one.training_mask[ends], one.y[ends], 0.0)
        parts.append((bars, one.of_path[ends], flip * y, one.training_mask[ends]))
    return tuple(_tensor(np.concatenate(column)) for column in zip(*parts, strict=True))


def _loss(network: QuantileNetwork, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean CRPS of the windows' scaled returns, over the training targets. A scalar."""
    bars, paths, y, mask = batch
    levels, weights = torch.tensor(QUANTILE_LEVELS), torch.tensor(CRPS_WEIGHTS)
    error = y.unsqueeze(-1) - network(bars, paths)
    losses = torch.maximum(levels * error, (levels - 1.0) * error) @ weights
    return 2.0 * (losses * mask).sum() / mask.sum()


def _tensor(values: npt.NDArray[np.generic]) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float32))
