"""The product as a person runs it: real Postgres, real Airflow, real DAGs, in a temporary folder.

One start serves every test of this module, in the order in which they stand: a person would do the same.
"""

import signal
from collections.abc import Iterator

import pytest

from include.local.processes import find_marked
from tests.support.installation import AirflowClient, Machine, installation

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
NOVA, ORION = "NOVA-USD.SIM", "ORION-USD.SIM"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with installation(airflow_port=18380, postgres_port=15432) as machine:
        yield machine


@pytest.fixture(scope="module")
def printed(machine: Machine) -> str:
    """What the first `make run` printed."""
    done = machine.command("run", f"--tickers={NOVA} nope!")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def page(printed: str) -> AirflowClient:
    return AirflowClient(printed)


def test_the_first_run_prints_forecasts_that_real_dags_wrote(printed: str, machine: Machine) -> None:
    assert NOVA in printed
    assert "SIMULATED" in printed
    assert "Left out: 'nope!' is not a ticker; " in printed
    assert len(printed.splitlines()) <= 40
    assert machine.query("select count(*), count(distinct as_of) from bi.forecast")[0] == (14, 2)
    outcomes = machine.query("select status from bi.hour_outcome order by as_of desc limit 1")
    assert outcomes == [("forecast",)]


def test_a_ticker_requested_on_the_page_becomes_active(page: AirflowClient, machine: Machine) -> None:
    run_id = page.trigger("onboard_ticker", {"tickers": [f" {ORION.lower()} ", "no-such-name!"]})
    assert page.wait("onboard_ticker", run_id) == "success"
    assert machine.query("select ticker, status from bi.ticker_status order by ticker") == [
        (NOVA, "active"),
        (ORION, "active"),
    ]


def test_an_hour_succeeds_although_the_scheduler_is_killed(page: AirflowClient, machine: Machine) -> None:
    run_id = page.trigger("hourly_forecast", {})
    scheduler = [process for process in find_marked(machine.local_dir) if "scheduler" in " ".join(process.cmdline())]
    assert scheduler
    for process in scheduler:
        process.send_signal(signal.SIGKILL)
    assert page.wait("hourly_forecast", run_id) == "success"


def test_status_shows_what_runs_the_newest_hour_and_the_tickers(page: AirflowClient, machine: Machine) -> None:
    done = machine.command("status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.url in done.stdout
    assert " UTC is the newest" in done.stdout
    assert "Tickers  2 active" in done.stdout
    assert "\nNext     " in done.stdout


def test_a_second_run_continues_where_the_first_ended(page: AirflowClient, machine: Machine) -> None:
    started = machine.query("select count(*) from bi.forecast")
    done = machine.command("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert NOVA in done.stdout
    assert ORION in done.stdout
    assert machine.query("select count(*) from bi.forecast") >= started


def test_down_leaves_no_process_behind(page: AirflowClient, machine: Machine) -> None:
    assert find_marked(machine.local_dir)
    assert machine.command("down", timeout=120).returncode == 0
    assert find_marked(machine.local_dir) == []
