"""What Airflow's tasks see of the product: plain values, and errors for what failed upstream."""

from pathlib import Path

import pytest

from include.errors import InvalidRequestError, UnfinishedRunError
from include.pipeline import tasks
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, product_environment

NOVA = ROUND_THE_CLOCK[0]


def test_a_plan_that_failed_upstream_is_an_error_and_not_an_empty_hour() -> None:
    with pytest.raises(UnfinishedRunError, match="plan of 2025-03-31"):
        tasks.check_hour(AT, None, {"scored": 0})


def test_scores_that_failed_upstream_are_an_error() -> None:
    with pytest.raises(UnfinishedRunError, match="score of 2025-03-31"):
        tasks.check_hour(AT, [], None)


def test_a_request_that_could_not_be_validated_is_an_error() -> None:
    with pytest.raises(UnfinishedRunError, match="validating the request manual__1"):
        tasks.report("manual__1", None, None)


def test_a_request_that_was_refused_says_why_and_not_to_try_again() -> None:
    with pytest.raises(InvalidRequestError, match=r"^no ticker to onboard$"):
        tasks.report("manual__1", None, "no ticker to onboard")


@pytest.mark.integration
def test_the_tasks_of_onboarding_and_of_an_hour_pass_nothing_but_plain_values(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in product_environment(database_url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)
    form = {"tickers": [NOVA], "history_days": 90}
    (shard,) = tasks.validate("request", AT, form, "ada")
    assert shard == {"as_of": AT.isoformat(), "index": 0, "count": 1}
    assert tasks.backfill_history("request", shard) == {"backfilled": 1, "closed": 0}
    assert tasks.first_training("request", shard) == {"trained": 1, "without_model": 0}
    assert tasks.first_forecast("request", shard) == {"forecast": 1}
    assert tasks.activate("request") == {"activated": 1}
    caplog.clear()
    with caplog.at_level("INFO", logger="include.pipeline.tasks"):
        assert tasks.report("request", [shard], None) == {
            "note": "1 active.",
            "counts": {"active": 1},
            "results": {"active": {NOVA: ""}},
        }
    assert caplog.messages == [f"{NOVA}: active"]
    shards = tasks.plan_hour(AT + HOUR)
    assert tasks.fetch_bars(shards[0]) == {"fetched": 1, "not_due": 0, "failed": 0}
    assert tasks.compute_features(shards[0])["featured"] == 1
    assert tasks.fine_tune(shards[0]) == {"trained": 1, "restarted": 0, "without_model": 0}
    assert tasks.predict(shards[0]) == {"forecast": 1}
    checked = tasks.check_hour(AT + HOUR, shards, tasks.score(AT + HOUR))
    assert checked == {"note": "1 forecast.", "counts": {"forecast": 1}}
    assert tasks.pending_requests(AT + HOUR) == []
