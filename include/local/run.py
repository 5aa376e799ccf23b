"""``make run``: from whatever there is to a printed table of forecasts, through the real DAGs.

Brings the background up, onboards the tickers with ``onboard_ticker``, runs one hour with ``hourly_forecast``, prints
what came of it and how to go on. It asks Airflow over its REST API and does nothing that a person could not do on its
page. Where next: ``include/local/stack`` for what runs, ``dags/`` for what happens in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from include.errors import LaunchError
from include.local.airflow_api import AirflowApi
from include.local.airflow_env import LOGIN_NAME, load_password
from include.local.forecasts import ForecastReader, describe_unfinished, forecast_table, open_reader
from include.local.progress import watch_run
from include.local.screen import Screen
from include.local.stack import Stack
from include.local.starters import Choice, choose_tickers
from include.market.yahoo_session import is_reachable
from include.settings import Settings

TRAINING_POOL = "training"  # include.edge names it for the DAGs; the launcher stays a stranger to Airflow's code
ONBOARD, HOURLY = "onboard_ticker", "hourly_forecast"
_YAHOO_SECONDS = 5.0
_RUN_PREFIX = "make_run__"


class Launch:
    """One ``make run``."""

    def __init__(self, settings: Settings, stack: Stack, screen: Screen) -> None:
        self._settings = settings
        self._stack = stack
        self._screen = screen

    def run(self, requested: Sequence[str], source: str | None) -> None:
        """Brings everything up, onboards, forecasts, prints.

        Raises:
            HourcastError: something broke off; the message says what, and where to read why.
        """
        started = time.monotonic()
        self._stack.up()
        self._screen.say(f"Airflow is up after {time.monotonic() - started:.0f} s: {self._stack.url}")
        with self._stack.api() as api, open_reader(self._stack.databases.hourcast_url()) as reader:
            self._prepare(api)
            self._await_earlier_runs(api, reader)
            choice = choose_tickers(requested, source, reader.statuses(), lambda: is_reachable(_YAHOO_SECONDS))
            if choice.note:
                self._screen.say(choice.note)
            if choice.tickers:
                self._onboard(api, reader, choice, source)
            self._forecast(api, reader, must_wait=bool(choice.tickers))
            self._show(reader, [*requested, *choice.tickers])

    def _prepare(self, api: AirflowApi) -> None:
        slots = self._settings.schedule.training_slots
        api.ensure_pool(TRAINING_POOL, slots, "Training tasks: one thread each, so one slot a core.")
        for dag_id in (ONBOARD, HOURLY):
            if api.unpause(dag_id):
                self._screen.say(f"{dag_id} was paused; it goes on now.")

    def _await_earlier_runs(self, api: AirflowApi, reader: ForecastReader) -> None:
        """A `make run` that was killed left its onboarding to Airflow, which goes on with it: wait for that."""
        for run_id in api.unfinished_runs(ONBOARD):
            if run_id.startswith(_RUN_PREFIX):
                self._screen.say("An onboarding that was broken off goes on.")
                self._watch(api, ONBOARD, run_id, reader)

    def _onboard(self, api: AirflowApi, reader: ForecastReader, choice: Choice, source: str | None) -> None:
        """As of one tick before the newest, so that the newest hour is theirs already."""
        now = datetime.now(UTC)
        as_of = last_tick(now, self._settings.schedule.schedule_minute) - timedelta(hours=1)
        run_id = f"{_RUN_PREFIX}{now:%Y-%m-%dT%H:%M:%S}"
        conf: dict[str, object] = {"tickers": list(choice.tickers), "as_of": as_of.isoformat()}
        if source is not None:
            conf["source"] = source
        self._screen.say(
            f"Onboarding {', '.join(choice.tickers)} (DAG {ONBOARD}): history, first model, first forecast."
        )
        api.trigger(ONBOARD, run_id, conf)
        self._watch(api, ONBOARD, run_id, reader)
        for line in describe_unfinished(reader.tracked(), choice.tickers):
            self._screen.say(line)

    def _forecast(self, api: AirflowApi, reader: ForecastReader, *, must_wait: bool) -> None:
        """The newest hour, unless it was forecast already. An installation with forecasts to show need not wait."""
        now = datetime.now(UTC)
        tick = last_tick(now, self._settings.schedule.schedule_minute)
        has_forecasts = bool(reader.latest())
        can_return = has_forecasts and not must_wait
        if can_return and reader.describe_hour(tick, now):
            return
        run_id = f"{_RUN_PREFIX}{now:%Y-%m-%dT%H:%M:%S}"
        if not (can_return and api.unfinished_runs(HOURLY)):  # the schedule may have asked for this very hour
            api.trigger(HOURLY, run_id, {})
        if can_return:
            self._screen.say(f"The hour of {tick:%H:%M} UTC is missing; {HOURLY} is making it (see `make status`).")
            return
        self._screen.say(f"Forecasting the hour of {tick:%H:%M} UTC (DAG {HOURLY}).")
        self._watch(api, HOURLY, run_id, reader)

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

    def _show(self, reader: ForecastReader, asked: Sequence[str]) -> None:
        rows = reader.latest()
        if not rows:
            reasons = "; ".join(describe_unfinished(reader.tracked(), asked)) or "no ticker is tracked"
            message = f"There is no forecast to show: {reasons}."
            raise LaunchError(message)
        self._screen.table(forecast_table(rows))
        for line in self._directions():
            self._screen.say(line)

    def _directions(self) -> list[str]:
        paths = self._stack.paths
        return [
            f"Airflow  {self._stack.url}  (user {LOGIN_NAME}, password {load_password(paths)})",
            *self._stack.databases.describe_reader(),
            f'Add      trigger DAG {ONBOARD} on Airflow\'s page, or: make run TICKERS="AAPL 2330.TW BTC-USD"',
            f"Look     make status, make logs (files in {paths.logs_dir})",
            "Stop     make down",
            f"Everything goes on in the background, every hour at minute {self._settings.schedule.schedule_minute}.",
        ]


def last_tick(at: datetime, minute: int) -> datetime:
    """The newest instant not after ``at`` at which an hour is due: minute ``minute`` of an hour, UTC."""
    tick = at.replace(minute=minute, second=0, microsecond=0)
    return tick if tick <= at else tick - timedelta(hours=1)
