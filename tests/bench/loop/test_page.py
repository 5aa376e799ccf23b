"""The page of a trial, and what it says of steps that were not seen."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.loop.__main__ import main
from bench.loop.page import missing, page_of


def event(what: str, day: int, **more: Any) -> dict[str, Any]:
    return {"as_of": f"2025-03-{day:02d}T03:15:00+00:00", "what": what, "seconds": None, **more}


def period(name: str, ratio: float) -> dict[str, Any]:
    skill = {"ratio": ratio, "error": 0.01, "coverage_90": 0.9, "day_count": 12}
    return {"name": name, "since": "", "until": "", "one": skill, "seven": skill}


def invented() -> dict[str, Any]:
    """A record in which every step was seen."""
    return {
        "facts": {"hours": 70, "hour_seconds": 35.0, "minutes": 9.0, "rolled_back_to_the_one_before": True},
        "periods": [
            period("before the change", 0.10),
            period("the four weeks before it serves", -0.15),
            period("the two weeks in which it serves", 0.09),
        ],
        "events": [
            event("promote", 1, run_id="loop_first", reason="not worse"),
            event("reject", 2, run_id="loop_bad", reason="worse | by far"),
            event("confirm", 3),
            event("the regime changes", 4),
            event("retrain", 14),
            event("promote", 14),
            event("confirm", 30),
            event("roll back", 31, reason="it lost"),
        ],
    }


def test_nothing_is_missing_where_every_step_was_seen() -> None:
    record = invented()
    assert missing(record) == []
    page = page_of(record)
    assert "| before the change | 12 | +10.0 ± 1.0 % | +10.0 ± 1.0 % | 90.0 % |" in page
    assert "| 2025-03-14 03:15 | 10 | retrain |" in page
    assert "worse / by far" in page
    assert "0.50 s an hour" in page
    assert "Not shown" not in page


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("reject", "the bad backbone was not rejected"),
        ("retrain", "drift was not proven, or no training followed"),
        ("promote", "no new backbone was promoted after the change"),
        ("confirm", "the promoted backbone was not confirmed after its two weeks"),
        ("roll back", "the backbone that turned bad was not rolled back"),
    ],
)
def test_a_step_that_was_not_seen_is_named(kind: str, sentence: str) -> None:
    record = invented()
    place = next(number for number, each in enumerate(record["events"]) if each["what"] == kind)
    del record["events"][place]
    assert missing(record) == [sentence]
    assert f"Not shown: {sentence}." in page_of(record)


def test_skill_that_did_not_come_back_is_named() -> None:
    record = invented()
    record["periods"][-1] = period("the two weeks in which it serves", 0.04)
    assert missing(record) == ["the skill did not come back"]


def test_the_command_writes_the_page_from_a_record_and_ends_with_1_if_something_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(invented()))
    chosen = ["--only-page", "--record", str(path), "--out", str(tmp_path)]
    assert main(chosen) == 0
    assert (tmp_path / "loop.md").read_text().startswith("# The loop of drift, end to end")
    path.write_text(json.dumps(invented() | {"facts": {}}))
    assert main(chosen) == 1
