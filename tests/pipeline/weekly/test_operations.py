"""The sections about the week's operation: what is said of rows, and of none."""

from datetime import UTC, datetime
from typing import Any

from include.pipeline.weekly.operations import data_quality, drift, incidents, trainings

AT = datetime(2026, 11, 30, 3, 15, tzinfo=UTC)
HOSTILE = '<IMG SRC=X ONERROR="ALERT(1)">'


def looked(**changes: Any) -> dict[str, Any]:
    row = {"is_simulated": False, "calendar": "XNYS", "kind": "coverage", "as_of": AT, "is_drifted": False}
    return {**row, "status": "steady", "reason": "as usual", **changes}


def quiet() -> dict[str, list[dict[str, Any]]]:
    counts = ("hour_count", "failed_count", "unfinished_count", "late_count")
    return {
        "hours": [dict.fromkeys(counts, 0)],
        "missing_hours": [{"hour_count": 0}],
        "reasons": [],
        "unreadable": [{"version_count": 0}],
        "held": [],
        "lists": [],
        "trainings": [],
        "backbones": [],
        "operations": [],
    }


def test_a_quiet_week_has_no_incident() -> None:
    assert incidents(quiet()) == "<h2>Incidents</h2><p>None was recorded.</p>"
    assert "No model was trained." in trainings(quiet())


def test_each_kind_of_incident_is_named() -> None:
    facts = quiet() | {
        "hours": [
            {"hour_count": 168, "failed_count": 2, "unfinished_count": 1, "late_count": 3, "longest_seconds": 9000.0}
        ],
        "missing_hours": [{"hour_count": 4, "first_at": AT, "last_at": AT}],
        "reasons": [
            {
                "status": "failed",
                "reason": HOSTILE,
                "outcome_count": 5,
                "ticker_count": 1,
                "ticker": "AAPL",
                "last_at": AT,
            }
        ],
        "unreadable": [{"version_count": 2, "ticker_count": 1, "reason": "shard-1 is missing"}],
        "held": [{"ticker": "EZJ.L", "since_at": AT}],
        "lists": [
            {"kind": "announcement", "name": "jobs_report", "known_days": 4},
            {"kind": "calendar", "name": "XTAI", "known_days": -2},
        ],
    }

    said = incidents(facts)

    for part in (
        "4 hours never ran",
        "In 2 of 168 hours a ticker failed.",
        "1 hour did not finish.",
        "the longest took 2.5 hours.",
        "5 times failed, 1 ticker such as AAPL",
        "Weights of 1 ticker could not be read",
        "A price step of EZJ.L is in doubt",
        "The list jobs_report (announcement) ends in 4 days.",
        "The list XTAI (calendar) ended 2 days ago.",
    ):
        assert part in said
    assert HOSTILE not in said


def test_drift_that_is_proven_and_inputs_that_have_shifted_are_listed_and_the_rest_is_counted() -> None:
    rows = [
        looked(is_drifted=True, status="drifted", reason=HOSTILE),
        looked(kind="inputs", status="shifted", reason="the tails are heavier"),
        looked(kind="pit"),
    ]

    said = drift({"drift": rows})

    assert "3 tests, 2 of which show drift or shifted inputs." in said
    assert "the tails are heavier" in said
    assert "as usual" not in said
    assert HOSTILE not in said


def test_a_look_that_found_nothing_and_no_look_at_all_differ() -> None:
    assert "1 test, none of which shows drift." in drift({"drift": [looked()]})
    assert "No look for drift is stored" in drift({"drift": []})


def test_decisions_about_backbones_are_listed_and_days_without_one_are_counted() -> None:
    decided = {"as_of": AT, "model_version": "a" * 64, "decided_by": "watch_models", "happened_at": AT}
    operations = [
        {**decided, "operation": "retrain", "reason": "drift of coverage in XNYS"},
        {**decided, "operation": "keep", "reason": "no drift"},
        {**decided, "operation": "keep", "reason": "no drift"},
    ]

    said = trainings(quiet() | {"operations": operations})

    assert "retrain (by watch_models): drift of coverage in XNYS" in said
    assert "2 times the present backbone was kept." in said
    assert "no drift" not in said


def test_a_week_in_which_no_bar_was_due_says_so() -> None:
    row = dict.fromkeys(("expected_count", "missing_count", "late_count", "revision_count", "rejection_count"))

    assert "No bar was due." in data_quality({"quality": [row]})
    assert "99.00 % are stored" in data_quality({"quality": [{**row, "expected_count": 100, "missing_count": 1}]})
