"""The hashes that file names hold are computed again without torch."""

import json

import pytest

from include.local.doctor.artefacts import hash_of
from tests.architecture.project import PROJECT_DIR

FILE = next((PROJECT_DIR / "include" / "model" / "pretrained").glob("shard-*.safetensors"))


def test_the_name_of_a_shard_is_the_hash_of_its_bytes() -> None:
    assert f"shard-{hash_of(FILE.name, FILE.read_bytes())}" == FILE.stem


def test_the_name_of_a_backbone_is_the_version_that_the_model_computes() -> None:
    from include.model.checkpoint import BACKBONE, backbone_ref

    rows = json.loads(FILE.with_suffix(".json").read_text())["rows"]
    name = backbone_ref(BACKBONE, rows[0]["model_version"]).artefact

    assert f"base-{hash_of(name, FILE.read_bytes())}.safetensors" == name


@pytest.mark.parametrize("content", [b"", b"text", b"\xff" * 40], ids=["empty", "text", "header of another size"])
def test_what_is_no_checkpoint_has_no_hash(content: bytes) -> None:
    assert hash_of("base-1.safetensors", content) == ""
