"""`python -m research.method_trial BARS`: LSTM, TCN and LightGBM beside the Transformer; the table of docs/model.md.

``BARS``: a folder of hourly bars, one file for each ticker. It does without a database what the DAG
``pretrain_backbone`` does with ``compare_with``: all methods are trained on the bars that closed before the newest
``--held-out-days``, and scored on those days beside the scale alone and HAR.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.errors import HourcastError
from include.evaluation.gain import Gain, skill_gain
from include.evaluation.har import har
from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT
from include.model.config import model_config
from include.model.pretrain import PretrainConfig
from include.model.zoo.methods import LABELS, METHODS, train_method
from include.pipeline.data.histories import load_histories
from include.pipeline.pretraining.method_forecaster import MethodForecaster, SharedSeries
from include.pipeline.pretraining.pretrain import compare_backbones, train_backbone, training_arrays
from include.settings import ModelSettings

TRANSFORMER, HAR = "Transformer", "HAR"

_LAST = datetime(2025, 2, 28, tzinfo=UTC)
_BLOCK_DAYS = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was trained in how long, and the table; the exit status: 0, or 1 with the reason on stderr."""
    chosen = _parser().parse_args(arguments)
    try:
        histories = load_histories(chosen.bars, chosen.until, chosen.tickers)
        training = replace(PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT), steps=chosen.steps)
        for line in lines(histories, chosen.until, chosen.held_out_days, training, chosen.methods, chosen.seed):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def lines(
    histories: Mapping[str, History],
    until: datetime,
    held_out_days: int,
    training: PretrainConfig,
    methods: Sequence[str],
    seed: int,
) -> Iterator[str]:
    """A line for each trained method, with its seconds of CPU time, and then the table as Markdown.

    Raises:
        DataContractError: no ticker has enough windows.
        ImportError: the library of a method is not installed.
    """
    since = until - timedelta(days=held_out_days)
    config = model_config(ModelSettings(), MODEL_INPUT_COUNT)
    began = time.process_time()
    state = train_backbone(histories, since, config, training, seed)
    yield f"{TRANSFORMER}: {time.process_time() - began:.0f} s"
    series = training_arrays(histories, since, config)
    shared = SharedSeries(config.context_bars)
    others = {}
    for method in methods:
        began = time.process_time()
        trained = train_method(method, series, config, training, seed)
        others[LABELS[method]] = MethodForecaster(trained, shared)
        yield f"{LABELS[method]}: {time.process_time() - began:.0f} s, {trained.weight_count} weights or leaves"
    began = time.process_time()
    board = compare_backbones(
        histories, {TRANSFORMER: state}, since, until, is_calibrated=False, others={HAR: har, **others}
    )
    yield f"Scores: {time.process_time() - began:.0f} s; {len(board.rows)} tickers from {since:%Y-%m-%d}\n"
    yield from table(board)


def table(board: Leaderboard) -> Iterator[str]:
    """Each forecaster's CRPS skill against the random walk and the Transformer's gain over it, in percent, best first.

    One bar ahead / mean of all horizons; a ± is one standard error over days.
    """
    yield "| | skill | the Transformer's gain over it | 90 % covers |"
    yield "|---|---|---|---|"
    names = sorted(board.names, key=lambda name: -skill_gain(board, name).mean)
    for name in names:
        cells = [
            f"{_text(skill_gain(board, one, other, horizons=(1,), block_days=_BLOCK_DAYS))} / "
            f"{_text(skill_gain(board, one, other, block_days=_BLOCK_DAYS))}"
            for one, other in ((name, None), (TRANSFORMER, name))
        ]
        yield f"| {name} | {cells[0]} | {cells[1]} | {100.0 * board.coverage(name, 90).mean():.1f} |"


def _text(gain: Gain) -> str:
    return f"{100.0 * gain.mean:+.2f} ± {100.0 * gain.error:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m research.method_trial", description=__doc__)
    parser.add_argument("bars", type=Path, help="folder of Parquet or CSV files of hourly bars")
    parser.add_argument("--until", type=_instant, default=_LAST, help="end of the bars (default 2025-02-28)")
    parser.add_argument("--held-out-days", type=int, default=28, help="newest days, which score and do not train")
    parser.add_argument("--tickers", nargs="+", help="tickers (default: all of the folder)")
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS, help="default: all")
    parser.add_argument("--steps", type=int, default=PretrainConfig().steps, help="training steps of each network")
    parser.add_argument("--seed", type=int, default=ModelSettings().seed, help="seed of every training")
    return parser


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
