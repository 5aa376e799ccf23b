"""The alerts: each fires and ends, says what it means, and has a section of the runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.metrics.collection import DESCRIPTIONS

PROJECT_DIR = Path(__file__).resolve().parents[2]
FOLDER = PROJECT_DIR / "dashboards" / "prometheus"
RUNBOOK = (PROJECT_DIR / "docs" / "runbook.md").read_text(encoding="utf-8")
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for rule in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
}
PROMTOOL = shutil.which("promtool")
MINUTES = {"m": 1, "h": 60, "d": 1440}
ENOUGH = {'hourcast_scored_forecasts{days="30", simulated="false"}': "5000"}

FIRING: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "HourcastDown": ({'up{job="hourcast"}': "0"}, {'up{job="hourcast"}': "1"}),
    "HourcastPartUnreadable": ({'hourcast_up{part="airflow"}': "0"}, {'hourcast_up{part="airflow"}': "1"}),
    "HourcastHourOverdue": ({"hourcast_newest_hour_age_seconds": "6100"}, {"hourcast_newest_hour_age_seconds": "5900"}),
    "HourcastNoNewForecasts": (
        {"hourcast_forecast_age_seconds": "400000"},
        {"hourcast_forecast_age_seconds": "300000"},
    ),
    "HourcastHourFailed": (
        {'hourcast_airflow_newest_run_failed{dag="hourly_forecast"}': "1"},
        {
            'hourcast_airflow_newest_run_failed{dag="hourly_forecast"}': "0",
            'hourcast_airflow_newest_run_failed{dag="x"}': "1",
        },
    ),
    "HourcastHourUnfinished": (
        {"hourcast_finished_hour_age_seconds": "11000"},
        {"hourcast_finished_hour_age_seconds": "7000"},
    ),
    "HourcastHoursMissing": ({"hourcast_missing_hours": "2"}, {"hourcast_missing_hours": "0"}),
    "HourcastTickersNotForecast": (
        {'hourcast_outcomes{status="failed"}': "2", 'hourcast_outcomes{status="forecast"}': "8"},
        {'hourcast_outcomes{status="failed"}': "1", 'hourcast_outcomes{status="forecast"}': "9"},
    ),
    "HourcastTickersLost": ({'hourcast_tickers{status="stale"}': "1"}, {'hourcast_tickers{status="active"}': "1"}),
    "HourcastTickersWaiting": (
        {'hourcast_tickers{status="pending"}': "1"},
        {'hourcast_tickers{status="pending"}': "0"},
    ),
    "HourcastTickersHeld": ({"hourcast_open_questions": "1"}, {"hourcast_open_questions": "0"}),
    "HourcastCoverageOff": (
        {'hourcast_coverage_90_ratio{days="30", simulated="false"}': "0.86", **ENOUGH},
        {'hourcast_coverage_90_ratio{days="30", simulated="false"}': "0.88", **ENOUGH},
    ),
    "HourcastSkillLost": (
        {'hourcast_crps_skill_ratio{days="30", simulated="false"}': "-0.02", **ENOUGH},
        {'hourcast_crps_skill_ratio{days="30", simulated="false"}': "0", **ENOUGH},
    ),
    "HourcastYahooUnreachable": (
        {'hourcast_fetches{source="yahoo", result="failed"}': "3"},
        {
            'hourcast_fetches{source="yahoo", result="failed"}': "3",
            'hourcast_fetches{source="yahoo", result="done"}': "1",
        },
    ),
    "HourcastYahooRefuses": (
        {'hourcast_request_blocks_total{source="yahoo"}': "0+0.1"},
        {'hourcast_request_blocks_total{source="yahoo"}': "7"},
    ),
    "HourcastBarsLate": ({"hourcast_freshness_lag_seconds": "30000"}, {"hourcast_freshness_lag_seconds": "7200"}),
    "HourcastDiskLow": (
        {'hourcast_disk_free_bytes{folder="models"}': "1000000000"},
        {'hourcast_disk_free_bytes{folder="models"}': "3000000000"},
    ),
    "HourcastDatabaseGrows": (
        {"hourcast_database_bytes": "0+10000000", 'hourcast_disk_free_bytes{folder="models"}': "100000000000"},
        {"hourcast_database_bytes": "0+1000000", 'hourcast_disk_free_bytes{folder="models"}': "100000000000"},
    ),
    "HourcastArtefactUnreadable": ({"hourcast_unreadable_models": "1"}, {"hourcast_unreadable_models": "0"}),
    "HourcastSchedulerDead": (
        {'hourcast_airflow_heartbeat_age_seconds{component="SchedulerJob"}': "180"},
        {'hourcast_airflow_heartbeat_age_seconds{component="SchedulerJob"}': "5", 'hourcast_up{part="airflow"}': "1"},
    ),
    "HourcastDagProcessorDead": (
        {'hourcast_up{part="airflow"}': "1"},
        {
            'hourcast_airflow_heartbeat_age_seconds{component="DagProcessorJob"}': "5",
            'hourcast_up{part="airflow"}': "1",
        },
    ),
    "HourcastQueueStuck": (
        {"hourcast_airflow_longest_wait_seconds": "2000"},
        {"hourcast_airflow_longest_wait_seconds": "1000"},
    ),
    "HourcastDagPaused": (
        {'hourcast_airflow_dag_paused{dag="hourly_forecast"}': "1"},
        {'hourcast_airflow_dag_paused{dag="hourly_forecast"}': "0"},
    ),
    "HourcastDagImportError": ({"hourcast_airflow_import_errors": "1"}, {"hourcast_airflow_import_errors": "0"}),
    "HourcastClockBack": (
        {"hourcast_newest_hour_age_seconds": "-3000"},
        {"hourcast_newest_hour_age_seconds": "-10"},
    ),
    "HourcastBackupOld": ({"hourcast_backup_age_seconds": "200000"}, {"hourcast_backup_age_seconds": "90000"}),
    "HourcastListEnds": (
        {'hourcast_known_days{kind="announcement", name="jobs_report"}': "59"},
        {'hourcast_known_days{kind="announcement", name="jobs_report"}': "60"},
    ),
    "HourcastDrift": (
        {'hourcast_drifted{kind="coverage", market="XNYS", simulated="false"}': "1"},
        {
            'hourcast_drifted{kind="coverage", market="XNYS", simulated="false"}': "0",
            'hourcast_drifted{kind="coverage", market="XNYS", simulated="true"}': "1",
        },
    ),
}
"""By alert: the series with which it fires, and those with which it ends; one value a minute, or a slope."""


def wait_of(rule: dict[str, Any]) -> int:
    """Minutes for which the condition must hold."""
    number, unit = re.fullmatch(r"(\d+)([mhd])", rule["for"]).groups()  # type: ignore[union-attr]
    return int(number) * MINUTES[unit]


def values(text: str, count: int) -> str:
    """So many values of a series: constant, or with a slope."""
    start, _, slope = text.partition("+") if text.count("+") else (text, "", "0")
    return f"{start}{'+' if float(slope) >= 0 else ''}{slope}x{count}"


def rule_test(name: str) -> dict[str, Any]:
    """A test of promtool: the alert does not fire at first, fires, and ends when the series are healthy again."""
    firing, healthy = FIRING[name]
    window = 370 if "[6h]" in RULES[name]["expr"] else 10  # a rate over hours needs hours
    last_bad, last_good = wait_of(RULES[name]) + window, window
    series = [
        {
            "series": key,
            "values": " ".join(
                values(chosen[key], count - 1) if key in chosen else f"_x{count - 1} _"
                for chosen, count in ((firing, last_bad + 1), (healthy, last_good))
            ),
        }
        for key in {**firing, **healthy}
    ]
    return {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
                "eval_time": f"{at}m",
                "exp_samples": samples,
            }
            for at, samples in ((0, []), (last_bad, [{"labels": "{}", "value": 1}]), (last_bad + last_good, []))
        ],
    }


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; Debian has it in the package prometheus")
@pytest.mark.parametrize("name", RULES)
def test_an_alert_fires_and_ends(tmp_path: Path, name: str) -> None:
    assert PROMTOOL is not None
    content = {
        "rule_files": [str(FOLDER / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [rule_test(name)],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(content))

    done = subprocess.run([PROMTOOL, "test", "rules", str(path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; Debian has it in the package prometheus")
def test_prometheus_takes_its_configuration() -> None:
    assert PROMTOOL is not None
    command = [PROMTOOL, "check", "config", "--syntax-only", str(FOLDER / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    assert list(FIRING) == list(RULES)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_what_it_means_and_leads_to_the_runbook(name: str) -> None:
    rule = RULES[name]
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)
    }
    page, _, anchor = rule["annotations"]["runbook"].partition("#")

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert all(rule["annotations"][key].endswith(".") for key in ("summary", "description"))
    assert page == "docs/runbook.md"
    assert anchor in headings


def test_every_section_of_the_runbook_belongs_to_an_alert() -> None:
    headings = [
        heading.strip().lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    ]

    assert headings == [rule["annotations"]["runbook"].partition("#")[2] for rule in RULES.values()]


@pytest.mark.parametrize("name", RULES)
def test_an_alert_uses_metrics_that_exist(name: str) -> None:
    used = set(re.findall(r"hourcast_\w+", RULES[name]["expr"]))

    assert used <= set(DESCRIPTIONS)
    assert used or "up{" in RULES[name]["expr"]
