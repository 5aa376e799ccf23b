"""Saving and loading a shard's networks: one stacked file, compared with one file for each ticker."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench import machine
from bench.results import Row, Section
from include.artefacts.store import FolderStore
from include.contracts import ModelRef
from include.errors import CheckpointError
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import load_backbone, start_from
from include.model.checkpoint import load_tickers, save_shard
from include.model.config import ModelConfig, model_config
from include.model.shard import ShardState
from include.settings import load_settings


def measure(ticker_count: int) -> Section:
    """Seconds and megabytes for both, in a temporary folder."""
    config = model_config(load_settings({}).model, MODEL_INPUT_COUNT)
    state = start_from(load_backbone(config).state, [f"T{k}" for k in range(ticker_count)])
    return Section(
        [_row("stacked", [state]), _row("one file for each ticker", state.split(1))],
        ["Loading includes the check of each ticker's hash. The files are probably still in the page cache."],
    )


def _row(how: str, parts: list[ShardState]) -> Row:
    refs: list[ModelRef] = []
    config = parts[0].config
    with tempfile.TemporaryDirectory(prefix="hourcast-bench-") as name:
        folder = Path(name)
        saving = machine.cost_of(
            lambda: refs.extend(
                ref for part in parts for ref in save_shard(FolderStore(folder), part, _provenance(part))
            )
        )
        loading = machine.cost_of(lambda: _load(folder, refs, config))
        size = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "how": how,
        "tickers": len(refs),
        "megabytes": size / 1e6,
        "save_s": saving.wall_s,
        "load_s": loading.wall_s,
    }


def _load(folder: Path, refs: list[ModelRef], config: ModelConfig) -> None:
    _, failures = load_tickers(FolderStore(folder), refs, config)
    if failures:
        raise CheckpointError(next(iter(failures.values())))


def _provenance(state: ShardState) -> dict[str, dict[str, Any]]:
    return {ticker: {"as_of": "2025-03-31T15:35:00+00:00", "kind": "fine_tune", "seed": 1} for ticker in state.tickers}
