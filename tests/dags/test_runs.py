"""The DAGs run by Airflow on real Postgres databases: the traps that apply, each sprung on purpose."""

from typing import Any

import psycopg2
import pytest

from tests.support.airflow import AirflowDriver
from tests.support.databases import owner_url, plain_url

pytestmark = pytest.mark.integration
ONBOARDED_AT = "2025-03-31T15:35:00+00:00"
HOUR = "2025-03-31T16:35:00+00:00"
NEXT_HOUR = "2025-03-31T17:35:00+00:00"
NOVA, ORION = "NOVA-USD.SIM", "ORION-USD.SIM"


def execute(environment: dict[str, str], sql: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(plain_url(owner_url(environment["HOURCAST_DATABASE_URL"])))
    with connection, connection.cursor() as cursor:
        cursor.execute("set time zone 'UTC'")
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def states(run: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task_id, _, state, _ in run["tasks"]:
        found.setdefault(task_id, []).append(state)
    return found


def onboard(airflow: AirflowDriver, environment: dict[str, str], *tickers: str, **conf: Any) -> dict[str, Any]:
    form = {"tickers": list(tickers), "history_days": 60, "as_of": ONBOARDED_AT, **conf}
    return airflow.run("onboard_ticker", environment, conf=form)


def refuse_rows(environment: dict[str, str], table: str, condition: str) -> None:
    """Postgres refuses such rows as a broken constraint: an error that no retry can help, so none is waited for."""
    execute(
        environment,
        "create function forecast.refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'planted' using errcode = 'check_violation'; end $$; "
        f"create trigger refuse before insert on forecast.{table} for each row when ({condition}) "
        "execute function forecast.refuse()",
    )


def forecasts(environment: dict[str, str]) -> list[tuple[Any, ...]]:
    return execute(environment, "select * from forecast.prediction_by_horizon order by ticker, as_of, horizon")


def test_a_request_without_a_logical_date_onboards_and_the_hour_forecasts(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    assert onboard(airflow, environment, NOVA, ORION)["state"] == "success"
    assert execute(environment, "select distinct requested_by from forecast.onboarding") == [("dag_test",)]
    run = airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert run["state"] == "success"
    assert execute(
        environment,
        "select ticker, as_of::text, count(*) from forecast.prediction_by_horizon group by 1, 2 order by 2, 1",
    ) == [
        (NOVA, "2025-03-31 15:35:00+00", 7),
        (ORION, "2025-03-31 15:35:00+00", 7),
        (NOVA, "2025-03-31 16:35:00+00", 7),
        (ORION, "2025-03-31 16:35:00+00", 7),
    ]
    assert run["note"] == "2 forecast."
    assert run["events"] == [["hourcast_forecasts", {"as_of": HOUR, "forecast": 2}]]
    assert len(run["tasks"]) <= 25
    assert {label for task, _, _, label in run["tasks"] if task == "predict"} == {"shard 0", "shard 1"}


def test_the_daily_run_stores_the_days_of_reports_that_onboarding_has_not(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    onboard(airflow, environment, "ALFA.SIM")
    count = "select count(*) from forecast.earnings_date where ticker = 'ALFA.SIM' and is_expected"
    assert execute(environment, count) == [(20,)]
    execute(environment, "delete from forecast.earnings_date")
    run = airflow.run("earnings_dates", environment, run_after="2025-04-01T02:05:00+00:00")
    assert run["state"] == "success"
    assert execute(environment, count) == [(20,)]


def test_an_hour_without_tickers_succeeds_and_says_so_by_skipping(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    run = airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert run["state"] == "success"
    assert states(run)["predict"] == ["skipped"]
    assert states(run)["check_hour"] == ["success"]
    assert run["note"] == "No ticker is tracked yet."


def test_a_failed_shard_fails_the_run_harms_no_other_and_a_rerun_repairs_it(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    onboard(airflow, environment, NOVA, ORION)
    refuse_rows(environment, "model_version", f"new.ticker = '{ORION}'")
    broken = airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert broken["state"] == "failed"
    assert sorted(states(broken)["fine_tune"]) == sorted(states(broken)["predict"]) == ["failed", "success"]
    assert states(broken)["check_hour"] == ["failed"]
    assert broken["note"] == f"1 of 2 tickers of {HOUR} have no outcome; clear the failed tasks."
    assert broken["events"] == []
    count = (
        "select ticker, count(*) from forecast.prediction_by_horizon where as_of > '2025-03-31 16:00+00' "
        "group by 1 order by 1"
    )
    assert execute(environment, count) == [(NOVA, 7)]
    execute(environment, "drop trigger refuse on forecast.model_version")
    repaired = airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert repaired["state"] == "success"
    assert execute(environment, count) == [(NOVA, 7), (ORION, 7)]


def test_a_whole_hour_run_again_changes_no_row(airflow: AirflowDriver, environment: dict[str, str]) -> None:
    onboard(airflow, environment, NOVA, ORION)
    airflow.run("hourly_forecast", environment, run_after=HOUR)
    before = forecasts(environment)
    airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert forecasts(environment) == before


def test_a_plan_that_fails_fails_the_run_although_the_leaf_would_find_nothing_wrong(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    onboard(airflow, environment, NOVA)
    refuse_rows(environment, "outcome", "true")
    run = airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert run["state"] == "failed"
    assert states(run)["check_hour"] == ["failed"]


def test_scores_that_fail_fail_the_run(airflow: AirflowDriver, environment: dict[str, str]) -> None:
    onboard(airflow, environment, NOVA)
    refuse_rows(environment, "score", "true")
    run = airflow.run("hourly_forecast", environment, run_after=NEXT_HOUR)
    assert run["state"] == "failed"
    assert states(run)["predict"] == ["success"]


def test_a_pending_ticker_makes_the_hour_ask_for_it_again(airflow: AirflowDriver, environment: dict[str, str]) -> None:
    onboard(airflow, environment, NOVA)
    execute(environment, f"update forecast.ticker set status = 'pending' where ticker = '{NOVA}'")
    run = airflow.run("hourly_forecast", environment, run_after=HOUR)
    assert run["state"] == "success"
    assert [conf["tickers"] for conf in run["triggered"]] == [[NOVA]]


def test_a_run_with_a_logical_date_takes_the_end_of_its_interval(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    onboard(airflow, environment, NOVA)
    run = airflow.run("hourly_forecast", environment, logical_date=HOUR)
    assert run["state"] == "success"
    ((as_of,),) = execute(environment, "select distinct as_of::text from forecast.outcome")
    assert as_of in {"2025-03-31 16:35:00+00", "2025-03-31 17:35:00+00"}


def test_a_mixed_request_succeeds_and_reports_each_ticker(airflow: AirflowDriver, environment: dict[str, str]) -> None:
    run = onboard(airflow, environment, f"{NOVA}, bad-name!", "", "AAPL", source="simulated")
    assert run["state"] == "success"
    assert dict(execute(environment, "select ticker, result from forecast.onboarding")) == {
        NOVA: "active",
        "bad-name!": "rejected",
        "AAPL": "rejected",
    }
    assert run["note"].startswith("1 active, 2 rejected. Rejected: AAPL (")
    assert "'bad-name!' cannot be a ticker" in run["note"]
    assert run["events"] == [["hourcast_tickers", {"as_of": ONBOARDED_AT, "active": 1, "rejected": 2}]]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "no ticker to onboard and none to retire; name at least one, for example AAPL."),
        ({"ticker": ["AAPL"]}, "'ticker' is not a parameter; did you mean 'tickers'?"),
        (
            {"tickers": ["AAPL"], "retire_tickers": ["aapl"]},
            "AAPL: to track and to retire at once; name a ticker in one of the two boxes.",
        ),
        (
            {"tickers": ["AAPL"], "as_of": "2025-13-31T15:35Z"},
            "as_of='2025-13-31T15:35Z' is no date and time with a zone; write it like 2025-03-31T20:35:00+00:00.",
        ),
    ],
    ids=["empty", "misspelt", "both boxes", "no such month"],
)
def test_a_form_that_cannot_be_carried_out_fails_with_one_sentence_as_its_note(
    airflow: AirflowDriver, environment: dict[str, str], form: dict[str, Any], sentence: str
) -> None:
    run = airflow.run("onboard_ticker", environment, conf=form)
    assert run["state"] == "failed"
    assert states(run)["validate"] == ["failed"]
    assert states(run)["report"] == ["failed"]
    assert run["note"] == sentence
    assert run["events"] == []
    assert execute(environment, "select count(*) from forecast.onboarding") == [(0,)]


def test_a_backbone_is_trained_compared_and_used_by_the_next_hour(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    onboard(airflow, environment, NOVA, ORION, "VEGA-USD.SIM")
    form = {"simulated_tickers": 1, "held_out_days": 14}
    run = airflow.run("pretrain_backbone", environment, conf=form, run_after=ONBOARDED_AT)
    assert (run["state"], len(run["tasks"])) == ("success", 5)
    ((version, as_of, tickers, is_promoted, reason),) = execute(
        environment, "select model_version, as_of::text, tickers, is_promoted, reason from forecast.backbone"
    )
    assert (as_of, tickers) == ("2025-03-31 15:35:00+00", [NOVA, ORION, "VEGA-USD.SIM"])
    assert reason.startswith(("better", "not worse") if is_promoted else ("not better", "worse"))
    assert run["note"] == f"The new backbone {'serves' if is_promoted else 'does not serve'} ({reason})."
    assert execute(environment, "select operation, reason from bi.model_operation") == [
        ("promote" if is_promoted else "reject", reason)
    ]
    assert airflow.run("hourly_forecast", environment, run_after=HOUR)["state"] == "success"
    assert execute(environment, "select model_version from forecast.backbone_choice order by as_of") == [
        (None,),
        (version if is_promoted else None,),
    ]


def test_a_backbone_of_too_few_tickers_fails_at_once_and_writes_nothing(
    airflow: AirflowDriver, environment: dict[str, str]
) -> None:
    onboard(airflow, environment, NOVA)
    run = airflow.run("pretrain_backbone", environment, conf={"held_out_days": 14, "as_of": ONBOARDED_AT})
    assert run["state"] == "failed"
    assert states(run) == {
        "plan": ["failed"],
        "train": ["upstream_failed"],
        "score": ["upstream_failed"],
        "compare": ["upstream_failed"],
        "promote": ["upstream_failed"],
    }
    assert execute(environment, "select count(*) from forecast.backbone") == [(0,)]
