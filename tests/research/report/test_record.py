"""The record of an evaluation: one for each content, with its report beside it."""

import json
from pathlib import Path

from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.volatility import ewma
from research.report.record import write_record
from tests.evaluation.fakes import day, made_up

HISTORIES = {"AAA": made_up(1500, 1, "AAA")}
BOARD = evaluate({BASELINE: random_walk, "EWMA": ewma}, HISTORIES, day(150), day(160))


def test_the_record_of_an_evaluation_can_be_read_and_is_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "deep"

    first = write_record(folder, BOARD, HISTORIES, (day(150), day(160)), "<p>report</p>")
    again = write_record(folder, BOARD, HISTORIES, (day(150), day(160)), "<p>report</p>")
    other = write_record(folder, BOARD, HISTORIES, (day(150), day(161)), "<p>report</p>")

    record = json.loads(first.read_text())
    assert first == again != other
    assert record["data"]["row_count"] == 1500
    assert len(record["scores"]["EWMA"]["skill"]) == 7
    assert record["until"] == day(160).isoformat()
    assert first.with_suffix(".html").read_text() == "<p>report</p>"
    assert len(list(folder.iterdir())) == 4
