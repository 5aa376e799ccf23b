"""Writes the small network and its forecast in ``tests/golden`` again: ``python -m tests.model.make_golden``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from include.artefacts.store import FolderStore
from include.contracts import ModelRef
from include.model.checkpoint import save_shard
from include.model.config import ModelConfig, TrainConfig
from include.model.predict import predict
from include.model.shard import initial_state
from include.model.train import fine_tune
from tests.model.made_up import made_up_series

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "model"
CONFIG = ModelConfig(input_count=3, context_bars=8, width=8, layers=1, heads=2, horizon_count=2)
TICKERS = ("ONE.SIM", "TWO.SIM")


def golden_windows(config: ModelConfig) -> np.ndarray:
    """Inputs without random numbers: a sine wave."""
    places = np.arange(len(TICKERS) * config.context_bars * config.input_count, dtype=np.float64)
    shape = (len(TICKERS), config.context_bars, config.input_count)
    return np.sin(0.7 * places).reshape(shape).astype(np.float32)


def golden_refs(forecast: dict[str, Any]) -> list[ModelRef]:
    return [ModelRef(**ref) for ref in forecast["refs"]]


def main() -> None:
    for old in FOLDER.glob("*"):
        old.unlink()
    series = [made_up_series(seed, config=CONFIG, strength=0.4) for seed in (1, 2)]
    state, _ = fine_tune(
        initial_state(TICKERS, CONFIG, (1, 2)), series, TrainConfig(steps=60, learning_rate=2e-3), [1, 2]
    )
    provenance = {"as_of": "2025-01-01T00:00:00+00:00", "kind": "first_training", "parent_version": None}
    refs = save_shard(
        FolderStore(FOLDER), state, {ticker: {**provenance, "seed": k} for k, ticker in enumerate(TICKERS)}
    )
    forecast = {
        "config": CONFIG.to_dict(),
        "refs": [vars(ref) for ref in refs],
        "quantiles": predict(state, golden_windows(CONFIG)).round(7).tolist(),
    }
    (FOLDER / "forecast.json").write_text(json.dumps(forecast, indent=1) + "\n")


if __name__ == "__main__":
    main()
