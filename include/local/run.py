"""``make run``: starts everything, onboards tickers, forecasts an hour and prints the forecasts, through the real DAGs.

It calls Airflow's REST API and does nothing that a person could not do on Airflow's page. Where next:
``include/local/stack`` for what runs in the background, ``dags/`` for what happens in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from include.errors import LaunchError
from include.local.airflow_api import AirflowApi
from include.local.airflow_env import LOGIN_NAME, load_password
from include.local.forecasts import ForecastReader, forecast_table, open_reader, reason_lines
from include.local.hours import describe_exceptions, last_tick
from include.local.progress import watch_run
from include.local.reasons import describe_findings
from include.local.screen import Screen
from include.local.stack import Stack
from include.local.starters import Choice, Request, choose_tickers
from include.market.yahoo_session import is_reachable
from include.settings import Settings

TRAINING_POOL = "training"  # the name in include.edge, which imports Airflow and so cannot be imported here
ONBOARD, HOURLY = "onboard_ticker", "hourly_forecast"
_YAHOO_SECONDS = 5.0
_RUN_PREFIX = "make_run__"


class Launch:
    """One ``make run``."""

    def __init__(self, settings: Settings, stack: Stack, screen: Screen) -> None:
        self._settings = settings
        self._stack = stack
        self._screen = screen

    def run(self, request: Request) -> None:
        """Starts what does not run, onboards, forecasts, prints.

        Raises:
            HourcastError: a step failed; the message says which, and where the reason stands.
        """
        started = time.monotonic()
        for refusal in request.refusals:
            self._screen.say(f"Left out: {refusal}")
        self._stack.up()
        state = f"after {time.monotonic() - started:.0f} s" if self._stack.has_started_anything else "already"
        self._screen.say(f"Airflow is up {state}: {self._stack.url}")
        with self._stack.api() as api, open_reader(self._stack.databases.hourcast_url()) as reader:
            self._prepare(api)
            self._await_earlier_runs(api, reader)
            choice = choose_tickers(request, reader.statuses(), lambda: is_reachable(_YAHOO_SECONDS))
            if choice.note:
                self._screen.say(choice.note)
            if choice.tickers:
                self._onboard(api, reader, choice, request.source)
            self._forecast(api, reader, must_wait=bool(choice.tickers))
            self._show(reader, [*request.tickers, *choice.tickers])

    def _prepare(self, api: AirflowApi) -> None:
        slots = self._settings.schedule.training_slots
        api.ensure_pool(TRAINING_POOL, slots, "Training tasks: one thread each, so one slot a core.")
        for dag_id in (ONBOARD, HOURLY):
            if api.unpause(dag_id):
                self._screen.say(f"The DAG {dag_id} was paused; it runs again.")

    def _await_earlier_runs(self, api: AirflowApi, reader: ForecastReader) -> None:
        """Waits for the onboarding of a `make run` that was killed: Airflow continues it."""
        for run_id in api.unfinished_runs(ONBOARD):
            if run_id.startswith(_RUN_PREFIX):
                self._screen.say("Waiting for the onboarding of an earlier make run.")
                self._watch(api, ONBOARD, run_id, reader)

    def _onboard(self, api: AirflowApi, reader: ForecastReader, choice: Choice, source: str | None) -> None:
        """Onboards as of one tick before the newest, so that the newest hour includes the tickers."""
        now = datetime.now(UTC)
        as_of = last_tick(now, self._settings.schedule.schedule_minute) - timedelta(hours=1)
        run_id = f"{_RUN_PREFIX}{now:%Y-%m-%dT%H:%M:%S}"
        conf: dict[str, object] = {"tickers": list(choice.tickers), "as_of": as_of.isoformat()}
        if source is not None:
            conf["source"] = source
        names = ", ".join(choice.tickers)
        self._screen.say(f"Onboarding {names} (DAG {ONBOARD}): history, first model, first forecast.")
        api.trigger(ONBOARD, run_id, conf)
        self._watch(api, ONBOARD, run_id, reader)
        for sentence in describe_findings(reader.unfinished(choice.tickers)):
            self._screen.say(f"{sentence}.")

    def _forecast(self, api: AirflowApi, reader: ForecastReader, *, must_wait: bool) -> None:
        """Forecasts the newest hour, unless that is done; does not wait for it where there are forecasts to show."""
        now = datetime.now(UTC)
        tick = last_tick(now, self._settings.schedule.schedule_minute)
        has_forecasts = bool(reader.latest())
        can_return = has_forecasts and not must_wait
        if can_return and reader.describe_hour(tick, now):
            return
        run_id = f"{_RUN_PREFIX}{now:%Y-%m-%dT%H:%M:%S}"
        if not (can_return and api.unfinished_runs(HOURLY)):  # the schedule may have started this hour
            api.trigger(HOURLY, run_id, {})
        if can_return:
            self._screen.say(f"The hour of {tick:%H:%M} UTC is being forecast in the background; see `make status`.")
            return
        self._screen.say(f"Forecasting the hour of {tick:%H:%M} UTC (DAG {HOURLY}).")
        self._watch(api, HOURLY, run_id, reader)
        if newest := reader.newest_hour():
            for sentence in describe_exceptions(newest):
                self._screen.say(f"{sentence}.")

    def _watch(self, api: AirflowApi, dag_id: str, run_id: str, reader: ForecastReader) -> None:
        started = time.monotonic()
        minute = self._settings.schedule.schedule_minute

        def describe_tickers() -> str:
            now = datetime.now(UTC)
            return (
                reader.describe_request(run_id)
                if dag_id == ONBOARD
                else reader.describe_hour(last_tick(now, minute), now)
            )

        watch_run(api, dag_id, run_id, self._screen, describe_tickers, self._stack.require_running)
        self._screen.say(f"{dag_id} is done after {time.monotonic() - started:.0f} s: {describe_tickers()}")

    def _show(self, reader: ForecastReader, wanted: Sequence[str]) -> None:
        rows, past = reader.latest(), reader.past()
        if not rows:
            findings = [*reader.unfinished(wanted), *past]
            reasons = "; ".join(describe_findings(findings)) or "no ticker is tracked"
            message = f"There is no forecast to show: {reasons}."
            raise LaunchError(message)
        self._screen.table(forecast_table(rows))
        for line in reason_lines(rows):
            self._screen.field("Why", line)
        for sentence in describe_findings(past):
            self._screen.say(f"{sentence}.")
        for line in self._directions():
            self._screen.say(line)

    def _directions(self) -> list[str]:
        minute = self._settings.schedule.schedule_minute
        return [
            f"Airflow  {self._stack.url}  (user {LOGIN_NAME}, password {load_password(self._stack.paths)})",
            f"Page     {self._stack.url}/plugin/forecasts  (forecasts, scores and new tickers; the same login)",
            *self._stack.databases.describe_reader(),
            'Add      make run TICKERS="AAPL 2330.TW BTC-USD", or "Add tickers" on the page',
            f"Next     every hour at minute {minute}, in the background: make status, make logs; make down stops it",
        ]
