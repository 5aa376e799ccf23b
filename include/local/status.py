"""``make status`` and ``make logs``: how the background is, told without changing anything."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from include.errors import HourcastError
from include.local.forecasts import open_reader
from include.local.paths import LocalPaths
from include.local.screen import Screen
from include.local.stack import Stack

_TAIL_LINES = 15
_RECENT = timedelta(hours=2)


def show_status(stack: Stack, screen: Screen) -> int:
    """Prints components, health and tickers; the exit status: 0 when everything runs, else 1."""
    states = stack.supervisor.states()
    if not states:
        screen.say(f"Nothing runs in {stack.paths.local_dir}. Start it with `make run`.")
        return 1
    table = Table(title=f"Background of {stack.paths.local_dir}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("component", "state", "since"):
        table.add_column(heading)
    for state in states:
        table.add_row(state.name, state.state, escape(state.description))
    screen.table(table)
    try:
        with stack.api() as api:
            unhealthy = api.unhealthy()
        screen.say(f"Logs     {stack.paths.logs_dir}")
        screen.say(f"Airflow  {stack.url}  {'not healthy: ' + ', '.join(unhealthy) if unhealthy else 'healthy'}")
        _show_tickers(stack, screen)
    except HourcastError as error:
        screen.say(str(error))
        return 1
    is_well = not unhealthy and all(state.state == "RUNNING" for state in states)
    return 0 if is_well else 1


def _show_tickers(stack: Stack, screen: Screen) -> None:
    now = datetime.now(UTC)
    with open_reader(stack.databases.hourcast_url()) as reader:
        counts: dict[str, int] = {}
        for item in reader.tracked():
            counts[item.status.value] = counts.get(item.status.value, 0) + 1
        screen.say("Tickers  " + (", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"))
        screen.say(f"Hour     {reader.describe_hour(now - _RECENT, now) or 'none in the last two'}")


def show_logs(paths: LocalPaths, screen: Screen, *, is_following: bool) -> int:
    """Prints the last lines of every component's log, or turns into `tail`, which goes on; the exit status."""
    logs = (
        sorted(path for path in paths.logs_dir.glob("*.log") if path.stat().st_size) if paths.logs_dir.exists() else []
    )
    if not logs:
        screen.say(f"There are no logs in {paths.logs_dir}. Start with `make run`.")
        return 1
    if is_following:
        os.execvp("tail", ["tail", "-n", str(_TAIL_LINES), "-F", *(str(log) for log in logs)])  # noqa: S606, S607  # no shell
    for log in logs:
        screen.say(f"==> {log}")
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]:
            screen.say(line)
    return 0
