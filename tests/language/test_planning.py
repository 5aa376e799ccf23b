"""What a run is to do, before anything heavy is loaded."""

from collections import Counter
from pathlib import Path

import pytest

from include.errors import InvalidRequestError
from include.settings import load_settings
from language.examples import Kind
from language.planning import choose, home_of, read_wanted
from language.runs import Home
from tests.language.made_up import example
from tests.language.test_run_settings import LEAST


def test_the_folder_is_the_settings_or_below_the_local_one(tmp_path: Path):
    assert home_of(load_settings({"HOURCAST_LOCAL_DIR": str(tmp_path)})).folder == tmp_path / "language"
    assert home_of(load_settings({"HOURCAST_LANGUAGE_DIR": str(tmp_path)})).folder == tmp_path


def test_settings_are_named_by_their_file(tmp_path: Path):
    home = Home(tmp_path)
    home.settings.mkdir()
    (home.settings / "mine.yaml").write_text(LEAST)
    assert read_wanted(home, "mine.yaml").base_model == "org/model"
    for name in ("other.yaml", "../settings/mine.yaml"):
        with pytest.raises(InvalidRequestError, match=r"there are: mine\.yaml"):
            read_wanted(home, name)


def test_the_questions_that_are_asked_are_of_all_kinds_and_the_same_each_time():
    test = [example(f"Question {number}?", kind=Kind.CELL) for number in range(50)]
    test += [example(f"Growth {number}?", kind=Kind.GROWTH) for number in range(5)]
    chosen = choose(test, 20)
    assert Counter(each.kind for each in chosen) == {Kind.CELL: 15, Kind.GROWTH: 5}
    assert choose(test[::-1], 20) == chosen
    assert len(choose(test, 1000)) == 55
