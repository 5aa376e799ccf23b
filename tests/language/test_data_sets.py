"""Versions of question sets: found again, never changed, and checked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.errors import CheckpointError, InvalidRequestError
from language.data_sets import Origin, data_set_versions, load_data_set, save_data_set
from language.splitting import Split, split
from tests.language.test_splitting import MANY, company

AS_OF = datetime(2025, 1, 1, tzinfo=UTC)
ORIGINS = [Origin("0000000001-24-000001", "edgar", "public disclosure", "ab" * 32)]


def save(folder: Path, found: Split) -> str:
    return save_data_set(folder, found, ORIGINS, {"per_kind": 40}, AS_OF)


def test_other_questions_are_the_next_version_and_the_same_ones_are_the_same(tmp_path: Path):
    assert data_set_versions(tmp_path / "data") == []
    first, second = split(MANY, 0.2), split([*MANY, *company(77)], 0.2)
    assert [save(tmp_path, each) for each in (first, second, first, second)] == ["v1", "v2", "v1", "v2"]
    assert data_set_versions(tmp_path) == ["v1", "v2"]


def test_versions_are_in_the_order_of_their_numbers(tmp_path: Path):
    for number in range(11):
        save(tmp_path, split([*MANY, *company(100 + number)], 0.2))
    assert data_set_versions(tmp_path)[-2:] == ["v10", "v11"]


def test_a_version_comes_back_with_its_sources_and_counts(tmp_path: Path):
    found = split(MANY, 0.2)
    data = load_data_set(tmp_path, save(tmp_path, found))
    assert (data.train, data.test) == (found.train, found.test)
    assert data.manifest["origins"][0]["licence"] == "public disclosure"
    assert data.manifest["counts"]["train"]["questions"] == len(found.train)
    assert data.manifest["as_of"] == "2025-01-01T00:00:00+00:00"
    assert len(data.sha256) == 64


def test_a_version_that_was_changed_is_refused(tmp_path: Path):
    save(tmp_path, split(MANY, 0.2))
    path = tmp_path / "v1" / "test.jsonl"
    path.write_bytes(path.read_bytes().replace(b"company 1", b"company 2", 1))
    with pytest.raises(CheckpointError, match=r"test\.jsonl was changed"):
        load_data_set(tmp_path, "v1")
    path.unlink()
    with pytest.raises(CheckpointError, match=r"test\.jsonl cannot be read"):
        load_data_set(tmp_path, "v1")


def test_an_unknown_version_is_named_with_those_that_there_are(tmp_path: Path):
    save(tmp_path, split(MANY, 0.2))
    with pytest.raises(InvalidRequestError, match=r"no data set 'v9'.*there are: v1"):
        load_data_set(tmp_path, "v9")
