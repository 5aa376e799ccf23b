"""`python -m research.renewal_trial BARS`: what a backbone gains that is trained again each quarter; see docs/model.md.

``BARS``: a folder of hourly bars, one file for each ticker. One backbone is trained on the bars before ``--since`` and
never again. The other is trained again before each quarter, on all bars that closed before it. Both forecast the
quarter, without calibration and without fine-tuning. The first quarter shows no gain, because both are the same network
there, and is not part of the means.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from include.errors import HourcastError, InvalidRequestError
from include.evaluation.gain import Gain, mean_gain, skill_gain
from include.evaluation.history import History
from include.evaluation.leaderboard import BASELINE, Forecaster, Leaderboard, evaluate
from include.evaluation.naive import random_walk
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT
from include.model.config import model_config
from include.model.predict import predict_windows
from include.model.pretrain import PretrainConfig
from include.model.shard import ShardState
from include.model.transformer import reference_quantiles
from include.pipeline.data.histories import load_histories
from include.pipeline.pretraining.method_forecaster import MethodForecaster, SharedSeries, WindowForecaster
from include.pipeline.pretraining.pretrain import train_backbone
from include.settings import ModelSettings

NEVER, RENEWED, SCALE = "never renewed", "renewed", "scale"
QUARTER_DAYS = 91

_FIRST = datetime(2023, 11, 28, tzinfo=UTC)
_LAST = datetime(2025, 2, 28, tzinfo=UTC)
_COLUMNS = (
    ("renewed over never renewed", RENEWED, NEVER),
    ("never renewed over the scale alone", NEVER, SCALE),
    ("renewed over the scale alone", RENEWED, SCALE),
)


class Backbone:
    """A network as a ``WindowForecaster``."""

    def __init__(self, state: ShardState) -> None:
        self._state = state

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """``[N, H, Q]``: its forecasts in scaled units."""
        return predict_windows(self._state, x, ends)


class ScaleAlone:
    """The reference distribution as a ``WindowForecaster``: what a network forecasts that says nothing."""

    def __init__(self, state: ShardState) -> None:
        self._config = state.config

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:  # noqa: ARG002  # the form of a forecaster
        """``[N, H, Q]``: the same at every row."""
        reference = np.array(reference_quantiles(self._config.quantile_levels))
        return np.broadcast_to(reference, (len(ends), self._config.horizon_count, len(reference)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, a row a quarter; the exit status: 0, or 1 with the reason on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        histories = load_histories(chosen.bars, chosen.until, chosen.tickers)
        for line in lines(histories, chosen.since, chosen.until, chosen.seed, chosen.steps, chosen.every):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def lines(
    histories: Mapping[str, History], since: datetime, until: datetime, seed: int, steps: int, every: int
) -> Iterator[str]:
    """The table as lines of Markdown: gains in CRPS skill, one bar ahead / mean of all horizons, in percent.

    ``seconds`` are those of CPU time for training and for scoring.

    Raises:
        InvalidRequestError: no quarter lies between ``since`` and ``until``.
        DataContractError: no ticker has enough bars before ``since``.
    """
    starts = quarters(since, until)
    config = model_config(ModelSettings(), MODEL_INPUT_COUNT)
    training = replace(PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT), steps=steps)
    yield f"| quarter | seconds | {' | '.join(title for title, _, _ in _COLUMNS)} |"
    yield "|---|---|" + "---|" * len(_COLUMNS)
    never: ShardState | None = None
    found: list[list[tuple[Gain, Gain]]] = []
    for start in starts:
        times = [time.process_time()]
        renewed = train_backbone(histories, start, config, training, seed)
        times.append(time.process_time())
        never = renewed if never is None else never
        end = min(start + timedelta(days=QUARTER_DAYS), until)
        found.append(gains(board_of(histories, never, renewed, start, end, every)))
        times.append(time.process_time())
        yield _row([f"{start:%Y-%m-%d}", f"{times[1] - times[0]:.0f} + {times[2] - times[1]:.0f}"], found[-1])
    if later := found[1:]:
        means = [(mean_gain([row[k][0] for row in later]), mean_gain([row[k][1] for row in later])) for k in range(3)]
        yield _row([f"mean of {len(later)}", ""], means)


def quarters(since: datetime, until: datetime) -> list[datetime]:
    """The first instants of the quarters of 91 days that begin at least a week before ``until``.

    Raises:
        InvalidRequestError: there is none.
    """
    quarter = timedelta(days=QUARTER_DAYS)
    starts = [since]
    while starts[-1] + quarter + timedelta(days=7) <= until:
        starts.append(starts[-1] + quarter)
    if since + timedelta(days=7) > until:
        message = f"No week lies between {since.isoformat()} and {until.isoformat()}; give a later --until."
        raise InvalidRequestError(message)
    return starts


def board_of(
    histories: Mapping[str, History],
    never: ShardState,
    renewed: ShardState,
    since: datetime,
    until: datetime,
    every: int,
) -> Leaderboard:
    """The scores of both backbones, of the scale alone and of the random walk at each ``every``-th bar of a quarter."""
    shared = SharedSeries(never.config.context_bars)
    methods: dict[str, WindowForecaster] = {
        SCALE: ScaleAlone(never),
        NEVER: Backbone(never),
        RENEWED: Backbone(renewed),
    }
    forecasters = {name: MethodForecaster(method, shared, every) for name, method in methods.items()}
    if renewed is never:
        forecasters[RENEWED] = forecasters[NEVER]
    walking: dict[str, Forecaster] = {BASELINE: random_walk, **forecasters}
    return evaluate(walking, histories, since, until, fold_days=QUARTER_DAYS)


def gains(board: Leaderboard) -> list[tuple[Gain, Gain]]:
    """For each column of the table: the gain one bar ahead, and that of all horizons."""
    return [
        (skill_gain(board, name, against, horizons=(1,)), skill_gain(board, name, against))
        for _, name, against in _COLUMNS
    ]


def _row(cells: Sequence[str], pairs: Sequence[tuple[Gain, Gain]]) -> str:
    return "| " + " | ".join([*cells, *(f"{_text(first)} / {_text(every)}" for first, every in pairs)]) + " |"


def _text(gain: Gain) -> str:
    return f"{100.0 * gain.mean:+.2f} ± {100.0 * gain.error:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m research.renewal_trial", description=__doc__)
    parser.add_argument("bars", type=Path, help="folder of Parquet or CSV files of hourly bars")
    parser.add_argument("--since", type=_instant, default=_FIRST, help="end of the first training (default 2023-11-28)")
    parser.add_argument("--until", type=_instant, default=_LAST, help="end of the last quarter (default 2025-02-28)")
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    parser.add_argument("--steps", type=int, default=PretrainConfig().steps, help="training steps of each network")
    parser.add_argument("--every", type=int, default=1, help="forecast only every n-th bar, to save time")
    parser.add_argument("--seed", type=int, default=ModelSettings().seed, help="seed of every training")
    return parser


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
