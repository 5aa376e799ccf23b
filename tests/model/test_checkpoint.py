import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from include.artefacts.store import FolderStore
from include.contracts import ModelRef
from include.errors import CheckpointError
from include.model.checkpoint import Backbone, is_intact, keep_backbone, load_tickers, model_versions, save_shard
from include.model.config import ModelConfig
from include.model.shard import ShardState
from tests.model.made_up import SMALL, bytes_of, stirred_state

TICKERS = ("AAPL", "BTC-USD", "2330.TW")
IDENTITY = {"as_of": "2025-04-01T14:00:00+00:00", "kind": "fine_tune", "parent_version": None, "seed": 5}
PROVENANCE = {ticker: {**IDENTITY, "created_at": "today", "loss_after": 0.5} for ticker in TICKERS}


def _saved(folder: Path) -> list[ModelRef]:
    return save_shard(FolderStore(folder), stirred_state(TICKERS), PROVENANCE)


def _listing(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.iterdir())}


def _backbone(folder: Path) -> Backbone:
    """A backbone from another folder, copied into this one."""
    elsewhere = folder / "elsewhere"
    state = stirred_state(("*",))
    (ref,) = save_shard(FolderStore(elsewhere), state, {"*": IDENTITY})
    return keep_backbone(FolderStore(folder), Backbone(ref, state, FolderStore(elsewhere)))


def _heads_moved(backbone: Backbone) -> ShardState:
    """Three networks: the first equals the backbone, the second differs in the head, the third in every tensor."""
    parameters = {name: value.repeat(3, *[1] * (value.ndim - 1)) for name, value in backbone.state.parameters.items()}
    parameters["output.weight"][1] += 1e-5
    parameters["output.bias"][1, 0] = -0.0
    for value in parameters.values():
        value[2] += 0.5
    return ShardState(TICKERS, parameters, SMALL)


def test_with_a_backbone_only_different_tensors_are_stored_and_all_are_loaded(tmp_path):
    backbone = _backbone(tmp_path)
    state = _heads_moved(backbone)
    refs = save_shard(FolderStore(tmp_path), state, PROVENANCE, backbone)
    assert [ref.model_version for ref in refs] == model_versions(state, PROVENANCE)
    with safe_open(tmp_path / refs[0].artefact, framework="pt") as file:
        rows = {name: file.get_tensor(name).shape[0] for name in file.keys()}  # noqa: SIM118  # not a dict
    assert {name for name, count in rows.items() if count == 2} == {"output.weight", "output.bias"}
    assert set(rows.values()) == {1, 2}
    loaded, failures = load_tickers(FolderStore(tmp_path), refs[::-1], SMALL)
    assert failures == {}
    for k in range(3):
        assert bytes_of(loaded, k) == bytes_of(state, 2 - k)


def test_a_shard_that_equals_its_backbone_is_a_file_without_tensors(tmp_path):
    backbone = _backbone(tmp_path)
    refs = save_shard(FolderStore(tmp_path), _heads_moved(backbone).select([0]), PROVENANCE, backbone)
    assert (tmp_path / refs[0].artefact).stat().st_size < 2000
    loaded, _ = load_tickers(FolderStore(tmp_path), refs, SMALL)
    assert bytes_of(loaded, 0) == bytes_of(backbone.state, 0)


def test_a_file_whose_backbone_is_missing_or_damaged_cannot_be_loaded(tmp_path):
    backbone = _backbone(tmp_path)
    refs = save_shard(FolderStore(tmp_path), _heads_moved(backbone), PROVENANCE, backbone)
    path = tmp_path / backbone.ref.artefact
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "needs a base file that cannot be read" in load_tickers(FolderStore(tmp_path), refs, SMALL)[1]["AAPL"]
    path.unlink()
    _, failures = load_tickers(FolderStore(tmp_path), refs, SMALL)
    assert set(failures) == set(TICKERS)
    assert f"{backbone.ref.artefact} is missing" in failures["AAPL"]
    with pytest.raises(CheckpointError, match="cannot be read"):
        keep_backbone(FolderStore(tmp_path), dataclasses.replace(backbone, store=FolderStore(tmp_path / "nowhere")))


def test_a_file_with_a_base_cannot_be_the_base_of_another(tmp_path):
    backbone = _backbone(tmp_path)
    (second,) = save_shard(FolderStore(tmp_path), _heads_moved(backbone).select([1]), PROVENANCE, backbone)
    state, _ = load_tickers(FolderStore(tmp_path), [second], SMALL)
    refs = save_shard(
        FolderStore(tmp_path), _heads_moved(backbone), PROVENANCE, Backbone(second, state, FolderStore(tmp_path))
    )
    assert "such a file cannot be the base of a third" in load_tickers(FolderStore(tmp_path), refs, SMALL)[1]["AAPL"]


def test_a_checkpoint_is_loaded_bit_for_bit_in_the_order_of_the_refs(tmp_path):
    state = stirred_state(TICKERS)
    state.parameters["output.bias"][0, 0] = -0.0
    refs = save_shard(FolderStore(tmp_path), state, PROVENANCE)
    loaded, failures = load_tickers(FolderStore(tmp_path), refs[::-1], SMALL)
    assert failures == {}
    assert loaded.tickers == TICKERS[::-1]
    for k in range(3):
        assert bytes_of(loaded, k) == bytes_of(state, 2 - k)


def test_model_versions_equal_those_of_saving_alone_or_in_a_shard(tmp_path):
    names = [ref.model_version for ref in _saved(tmp_path)]
    state = stirred_state(TICKERS)
    assert model_versions(state, PROVENANCE) == names
    assert model_versions(state.select([1]), PROVENANCE) == names[1:2]


def test_saving_twice_changes_no_file(tmp_path):
    refs = _saved(tmp_path)
    before = _listing(tmp_path)
    later = {ticker: {**values, "created_at": "tomorrow"} for ticker, values in PROVENANCE.items()}
    assert save_shard(FolderStore(tmp_path), stirred_state(TICKERS), later) == refs
    assert _listing(tmp_path) == before
    assert [Path(name).suffix for name in before] == [".json", ".safetensors"]


def test_a_version_depends_on_weights_and_provenance(tmp_path):
    refs = _saved(tmp_path)
    assert len({ref.model_version for ref in refs}) == 3
    other_hour = {ticker: {**IDENTITY, "as_of": "2025-04-01T15:00:00+00:00"} for ticker in TICKERS}
    later = save_shard(FolderStore(tmp_path), stirred_state(TICKERS), other_hour)
    assert not {ref.model_version for ref in refs} & {ref.model_version for ref in later}
    alone = save_shard(FolderStore(tmp_path), stirred_state(TICKERS).select([1]), PROVENANCE)
    assert alone[0].model_version == refs[1].model_version
    assert alone[0].artefact != refs[1].artefact


def test_the_json_beside_a_checkpoint_has_config_and_provenance(tmp_path):
    refs = _saved(tmp_path)
    readable = json.loads((tmp_path / refs[0].artefact).with_suffix(".json").read_text())
    assert readable["config"] == SMALL.to_dict()
    assert [row["model_version"] for row in readable["rows"]] == [ref.model_version for ref in refs]
    assert readable["rows"][1]["loss_after"] == 0.5


def test_another_config_is_refused(tmp_path):
    refs = _saved(tmp_path)
    for other in (dataclasses.replace(SMALL, context_bars=13), dataclasses.replace(SMALL, version="decoder-0")):
        loaded, failures = load_tickers(FolderStore(tmp_path), refs, other)
        assert loaded.tickers == ()
        assert set(failures) == set(TICKERS)
        assert all("another model config" in reason for reason in failures.values())


def test_a_changed_byte_fails_only_the_ticker_whose_weight_it_is(tmp_path):
    refs = _saved(tmp_path)
    path = tmp_path / refs[0].artefact
    content = bytearray(path.read_bytes())
    width = stirred_state(TICKERS).parameters["output.weight"][1].numpy().tobytes()
    content[bytes(content).index(width) + 3] ^= 1
    path.write_bytes(content)
    loaded, failures = load_tickers(FolderStore(tmp_path), refs, SMALL)
    assert loaded.tickers == ("AAPL", "2330.TW")
    assert "the weights of BTC-USD are not those of model version" in failures["BTC-USD"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _scribble(path: Path) -> None:
    path.write_bytes(b"not a checkpoint at all" * 10)


def _foreign(path: Path) -> None:
    save_file({"w": torch.ones(2)}, path)


def _foreign_metadata(path: Path) -> None:
    save_file({"w": torch.ones(2)}, path, metadata={"hourcast": '{"format": 99}'})


def _other_tensors(path: Path) -> None:
    rows = [{"ticker": ticker, "identity": {}} for ticker in TICKERS]
    description = {"format": 1, "config": SMALL.to_dict(), "rows": rows}
    save_file({"w": torch.ones(2)}, path, metadata={"hourcast": json.dumps(description)})


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil", [Path.unlink, _cut, _empty, _scribble, _foreign, _foreign_metadata, _other_tensors, _folder]
)
def test_a_damaged_file_fails_its_tickers_and_no_others(tmp_path, spoil):
    refs = _saved(tmp_path)
    other = save_shard(FolderStore(tmp_path), stirred_state(("MSFT",)), {"MSFT": IDENTITY})
    spoil(tmp_path / refs[0].artefact)
    loaded, failures = load_tickers(FolderStore(tmp_path), [refs[0], *other, refs[2]], SMALL)
    assert loaded.tickers == ("MSFT",)
    assert set(failures) == {"AAPL", "2330.TW"}
    assert all(refs[0].artefact in reason for reason in failures.values())


def test_saving_again_repairs_a_damaged_file(tmp_path):
    refs = _saved(tmp_path)
    _cut(tmp_path / refs[0].artefact)
    assert _saved(tmp_path) == refs
    assert load_tickers(FolderStore(tmp_path), refs, SMALL)[1] == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"row": 1}, "row 1 does not belong to AAPL"),
        ({"row": 9}, "row 9 does not belong to AAPL"),
        ({"row": -3}, "row -3 does not belong to AAPL"),
        ({"model_version": "0" * 64}, "are not those of model version 000"),
        ({"artefact": "../elsewhere.safetensors"}, "without a path"),
    ],
)
def test_a_wrong_ref_is_refused(tmp_path, change, reason):
    refs = _saved(tmp_path)
    _, failures = load_tickers(FolderStore(tmp_path), [dataclasses.replace(refs[0], **change)], SMALL)
    assert reason in failures["AAPL"]


def test_a_ticker_without_provenance_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="BTC-USD: no provenance"):
        save_shard(FolderStore(tmp_path), stirred_state(("AAPL", "BTC-USD")), {"AAPL": IDENTITY})


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_shard(FolderStore(tmp_path / "models"), stirred_state(("AAPL",)), {"AAPL": IDENTITY})


def test_an_empty_shard_is_saved_and_loaded_without_a_file(tmp_path):
    assert save_shard(FolderStore(tmp_path), stirred_state(TICKERS).select([]), {}) == []
    loaded, failures = load_tickers(FolderStore(tmp_path), [], SMALL)
    assert (loaded.tickers, failures, list(tmp_path.iterdir())) == ((), {}, [])


def test_nan_weights_are_loaded_as_nan(tmp_path):
    state = stirred_state(("AAPL",))
    state.parameters["output.bias"][0, 0] = float("nan")
    refs = save_shard(FolderStore(tmp_path), state, {"AAPL": IDENTITY})
    loaded, _ = load_tickers(FolderStore(tmp_path), refs, ModelConfig.from_dict(SMALL.to_dict()))
    assert np.isnan(loaded.parameters["output.bias"][0, 0].item())


def test_the_names_of_a_shard_and_of_a_backbone_prove_their_content(tmp_path):
    backbone = _backbone(tmp_path)
    (shard,) = save_shard(FolderStore(tmp_path), _heads_moved(backbone).select([1]), PROVENANCE, backbone)
    for name in (shard.artefact, backbone.ref.artefact):
        content = (tmp_path / name).read_bytes()
        flipped = content[:-1] + bytes([content[-1] ^ 1])
        assert is_intact(name, content)
        for damaged in (flipped, content[:-10], b"", b"not a checkpoint at all" * 10):
            assert is_intact(name, damaged) is False
    assert is_intact("base-" + "0" * 64 + ".safetensors", (tmp_path / backbone.ref.artefact).read_bytes()) is False
    assert is_intact("backbone.json", b"{}") is None
