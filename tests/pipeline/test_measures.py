"""Every stage of an hour is measured; a measurement that cannot be stored fails nothing."""

import re
from pathlib import Path

import pytest

from include.errors import DataContractError
from include.pipeline import measures, tasks
from include.pipeline.measures import count, measured
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product, product_environment

pytestmark = pytest.mark.integration

_RUNS = "select stage, shard_index, run_count, is_failed, counts from bi.stage_run order by finished_at"


def test_the_tasks_of_an_hour_leave_a_row_for_each_stage_and_shard(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in product_environment(product.url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)
    product.onboard(*ROUND_THE_CLOCK)
    shards = tasks.plan_hour(AT + HOUR)
    for stage in (tasks.fetch_bars, tasks.compute_features, tasks.fine_tune, tasks.predict):
        for shard in shards:
            stage(shard)
    tasks.check_hour(AT + HOUR, shards, tasks.score(AT + HOUR))

    rows = product.query(_RUNS)
    sharded = ("fetch_bars", "compute_features", "fine_tune", "predict")

    assert [row[:4] for row in rows] == [
        ("plan", -1, 1, False),
        *((name, index, 1, False) for name in sharded for index in (0, 1)),
        ("score", -1, 1, False),
        ("check_hour", -1, 1, False),
    ]
    counts = {(row[0], row[1]): row[4] for row in rows}
    assert counts["fetch_bars", 0]["fetched"] == 1
    assert counts["fetch_bars", 0]["bars_new"] >= 1
    assert counts["fetch_bars", 0]["bars_received"] >= counts["fetch_bars", 0]["bars_new"]
    assert counts["predict", 1] == {"forecast": 1}
    assert counts["check_hour", -1] == {"forecast": 2}
    assert product.query("select min(seconds) > 0, min(peak_bytes) > 1e7 from bi.stage_run") == [(True, True)]


def test_a_stage_that_fails_is_measured_too(product: Product) -> None:
    def fail() -> dict[str, int]:
        count("bars_new", 3)
        raise DataContractError("refused")

    with pytest.raises(DataContractError, match="refused"):
        measured(product.services, "fetch_bars", AT, fail, 2)
    assert product.query(_RUNS) == [("fetch_bars", 2, 1, True, {"bars_new": 3})]

    measured(product.services, "fetch_bars", AT, lambda: {"fetched": 1}, 2)
    assert product.query(_RUNS) == [("fetch_bars", 2, 2, False, {"fetched": 1})]


def test_a_measurement_that_cannot_be_stored_leaves_the_result_and_a_line_in_the_log(
    product: Product, caplog: pytest.LogCaptureFixture
) -> None:
    def work() -> dict[str, int]:
        product.query("alter table forecast.stage_run add constraint nothing check (seconds < 0)")
        return {"forecast": 1}

    assert measured(product.services, "predict", AT, work) == {"forecast": 1}
    assert "The measurement of predict of 2025-03-31T15:35:00+00:00 was not stored" in caplog.text


def test_a_stage_ends_with_a_line_that_says_what_it_did(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        measured(product.services, "predict", AT, lambda: {"forecast": 2, "failed": 0}, 1)
        measured(product.services, "score", AT, dict)
    lines = [record.getMessage() for record in caplog.records if record.name == measures.__name__]

    assert [re.sub(r"\d+\.\d s", "N s", line) for line in lines] == [
        "predict took N s: 2 forecast",
        "score took N s: nothing to do",
    ]


def test_outside_of_a_stage_nothing_is_counted() -> None:
    count("bars_new", 3)
    assert measures._COUNTS.get() is None


def test_a_line_that_a_stage_logs_has_the_stage_the_hour_and_the_shard(product: Product) -> None:
    import structlog

    def work() -> dict[str, object]:
        return structlog.contextvars.merge_contextvars(None, "", {})  # what Airflow's loggers call for every line

    assert measured(product.services, "predict", AT, work, 1) == {
        "stage": "predict",
        "as_of": AT.isoformat(),
        "shard": 1,
    }
    assert measured(product.services, "score", AT, work) == {"stage": "score", "as_of": AT.isoformat()}
    assert work() == {}
