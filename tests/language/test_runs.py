"""Runs are named by what they are asked for, and found again."""

from pathlib import Path

import pytest

from include.errors import CheckpointError, InvalidRequestError
from language.folders import write_json
from language.run_settings import read_run_settings
from language.runs import Home, open_new, open_run, promoted, run_names
from tests.language.test_run_settings import EXAMPLE, LEAST

FULL = read_run_settings(
    EXAMPLE.replace("files: [] ", "files: [{path: a.csv, form: csv, licence: CC0, source: us}]"), "a"
)
SMALL = read_run_settings(LEAST, "a")


@pytest.mark.parametrize("settings", [FULL, SMALL])
def test_a_run_comes_back_with_its_settings(tmp_path: Path, settings):
    home = Home(tmp_path)
    made = open_new(home, settings, "v1", "ab" * 32, "2025-01-01T00:00:00+00:00")
    assert open_run(home, made.name) == made
    assert run_names(home) == [made.name]


def test_the_same_request_is_the_same_run_and_another_one_is_not(tmp_path: Path):
    home = Home(tmp_path)
    first = open_new(home, SMALL, "v1", "ab" * 32, "2025-01-01T00:00:00+00:00")
    assert open_new(home, SMALL, "v1", "ab" * 32, "2025-02-01T00:00:00+00:00") == first
    assert open_new(home, SMALL, "v2", "cd" * 32, "2025-02-01T00:00:00+00:00").name != first.name
    assert open_new(home, FULL, "v1", "ab" * 32, "2025-02-01T00:00:00+00:00").name.startswith("filings-")


@pytest.mark.parametrize("name", ["other-12345678", "../runs", ""])
def test_an_unknown_run_is_named(tmp_path: Path, name):
    home = Home(tmp_path)
    made = open_new(home, SMALL, "v1", "ab" * 32, "2025-01-01T00:00:00+00:00")
    with pytest.raises(InvalidRequestError, match=f"there are: {made.name}"):
        open_run(home, name)


def test_a_damaged_run_is_named(tmp_path: Path):
    made = open_new(Home(tmp_path), SMALL, "v1", "ab" * 32, "2025-01-01T00:00:00+00:00")
    (made.folder / "run.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"run\.json"):
        open_run(Home(tmp_path), made.name)


def test_nothing_is_promoted_until_a_file_says_so(tmp_path: Path):
    home = Home(tmp_path)
    assert promoted(home) is None
    write_json(home.champion, {"run": "a-12345678", "reason": "better"})
    assert promoted(home) == "a-12345678"
