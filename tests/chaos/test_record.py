"""A series of trials that was stopped goes on where it was, even if its last line was cut off."""

from pathlib import Path

import pytest

from tests.chaos.checker import LOST, Finding
from tests.chaos.record import Record
from tests.chaos.trials import Result

WHOLE = Result(4, "task killed", "hour", "after a retry", True, (), ("SIGKILL",), (), 1.5)
LOST_ONE = Result(2, "task killed", "night", "at once", True, (Finding(LOST, "NOVA has no outcome"),), (), ("E",), 2.0)


def test_results_are_read_back_by_number(tmp_path: Path) -> None:
    record = Record(tmp_path / "trials", seed=1)
    record.append(WHOLE)
    record.append(LOST_ONE)
    assert record.results() == [LOST_ONE, WHOLE]


def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "trials"
    record = Record(path, seed=1)
    record.append(WHOLE)
    path.write_text(path.read_text(encoding="utf-8") + '{"seed": 1, "numb', encoding="utf-8")
    record.append(LOST_ONE)
    assert record.results() == [LOST_ONE, WHOLE]


def test_trials_of_another_seed_are_refused(tmp_path: Path) -> None:
    Record(tmp_path / "trials", seed=1).append(WHOLE)
    with pytest.raises(SystemExit, match="of seed 1"):
        Record(tmp_path / "trials", seed=2).results()


def test_without_a_file_nothing_is_kept() -> None:
    record = Record(None, seed=1)
    record.append(WHOLE)
    assert record.results() == []
