import json

import numpy as np
import pytest

from include.artefacts.store import FolderStore
from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.errors import CheckpointError
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import (
    CERTIFICATE,
    SHIPPED_DIR,
    backbone_version,
    load_backbone,
    read_certificate,
    save_backbone,
    start_from,
    write_certificate,
)
from include.model.checkpoint import BACKBONE, load_tickers, save_shard
from include.model.config import model_config
from include.model.predict import predict
from include.settings import ModelSettings
from tests.model.made_up import SMALL, bytes_of, stirred_state

PROVENANCE = {"as_of": "2025-01-01T00:00:00+00:00", "kind": "backbone", "seed": 1, "code_version": "abc"}


def test_a_saved_backbone_comes_back_bit_for_bit_with_its_certificate(tmp_path):
    state = stirred_state((BACKBONE,))
    ref = save_backbone(FolderStore(tmp_path), state, PROVENANCE)
    loaded = load_backbone(SMALL, FolderStore(tmp_path)).state
    assert bytes_of(loaded, 0) == bytes_of(state, 0)
    assert read_certificate(FolderStore(tmp_path)) == {
        "model_version": ref.model_version,
        "artefact": ref.artefact,
        **PROVENANCE,
    }


def test_a_certificate_is_replaced_atomically(tmp_path):
    ref = save_backbone(FolderStore(tmp_path), stirred_state((BACKBONE,)), PROVENANCE)
    before = read_certificate(FolderStore(tmp_path))
    write_certificate(FolderStore(tmp_path), before | {"scores": {"backbone_skill": 0.05}})
    assert read_certificate(FolderStore(tmp_path)) == before | {"scores": {"backbone_skill": 0.05}}
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_certificate(FolderStore(tmp_path / ref.artefact), before)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [CERTIFICATE, ref.artefact, ref.artefact.replace(".safetensors", ".json")]
    )


def test_the_version_of_a_backbone_is_the_same_before_and_after_saving(tmp_path):
    state = stirred_state((BACKBONE,))
    assert backbone_version(state, PROVENANCE) == save_backbone(FolderStore(tmp_path), state, PROVENANCE).model_version


def test_every_ticker_starts_with_the_backbones_weights(tmp_path):
    state = stirred_state((BACKBONE,))
    started = start_from(state, ("A", "B", "C"))
    assert started.tickers == ("A", "B", "C")
    assert {bytes_of(started, k) for k in range(3)} == {bytes_of(state, 0)}
    assert start_from(state, ()).parameters["input.weight"].shape[0] == 0


def test_tickers_that_start_from_a_backbone_share_its_memory_and_are_saved_one_by_one(tmp_path):
    state = stirred_state((BACKBONE,))
    tickers = [f"T{k}" for k in range(50)]
    started = start_from(state, tickers)
    storage = {part.untyped_storage().data_ptr() for part in started.parameters.values()}
    assert storage == {part.untyped_storage().data_ptr() for part in state.parameters.values()}
    refs = save_shard(FolderStore(tmp_path), started, dict.fromkeys(tickers, PROVENANCE))
    loaded, failures = load_tickers(FolderStore(tmp_path), refs, SMALL)
    assert failures == {}
    assert {bytes_of(loaded, k) for k in range(50)} == {bytes_of(state, 0)}


def test_a_missing_a_damaged_and_a_foreign_backbone_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="is no readable backbone"):
        load_backbone(SMALL, FolderStore(tmp_path))
    ref = save_backbone(FolderStore(tmp_path), stirred_state((BACKBONE,)), PROVENANCE)
    with pytest.raises(CheckpointError, match="another model config"):
        load_backbone(model_config(ModelSettings(), MODEL_INPUT_COUNT), FolderStore(tmp_path))
    content = bytearray((tmp_path / ref.artefact).read_bytes())
    content[-5] ^= 1
    (tmp_path / ref.artefact).write_bytes(content)
    with pytest.raises(CheckpointError, match="not those of model version"):
        load_backbone(SMALL, FolderStore(tmp_path))
    (tmp_path / CERTIFICATE).write_text(json.dumps({"seed": 1}))
    with pytest.raises(CheckpointError, match="names no model version"):
        read_certificate(FolderStore(tmp_path))


def test_the_shipped_backbone_fits_the_default_settings_and_todays_inputs():
    config = model_config(ModelSettings(), MODEL_INPUT_COUNT)
    state = load_backbone(config).state
    windows = np.random.default_rng(0).standard_normal((1, config.context_bars, config.input_count)).astype(np.float32)
    quantiles = predict(state, windows)
    assert quantiles.shape == (1, HORIZON_COUNT, len(QUANTILE_LEVELS))
    assert (np.diff(quantiles, axis=-1) > 0.0).all()


def test_the_shipped_backbone_has_a_complete_certificate_and_is_small():
    certificate = read_certificate()
    assert {"as_of", "seed", "code_version", "tickers", "bar_count", "newest_bar_closed_at", "training"} <= set(
        certificate
    )
    assert certificate["newest_bar_closed_at"] < certificate["as_of"]
    assert sum(path.stat().st_size for path in SHIPPED_DIR.iterdir()) < 2_000_000
