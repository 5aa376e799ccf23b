"""``make status`` and ``make logs``: what runs in the background, without changing anything."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from include.errors import HourcastError
from include.local.bootstrap import LOG_NAME as INSTALL_LOG
from include.local.forecasts import open_reader
from include.local.hours import count_statuses, hour_fields
from include.local.paths import LocalPaths
from include.local.reasons import Finding, describe_findings
from include.local.screen import Screen
from include.local.stack import Stack
from include.local.supervisor import ProgramState

_TAIL_LINES = 15
_EXPLAINED = frozenset({"pending", "failed", "rejected", "stale"})


def show_status(stack: Stack, screen: Screen, minute: int) -> int:
    """Prints components, Airflow's health, hours and tickers; ``minute`` is that of the schedule.

    Returns the exit status: 0 when everything runs, else 1.
    """
    states = stack.supervisor.states()
    if not states:
        screen.say(f"Nothing runs in {stack.paths.local_dir}. Start it with `make run`.")
        return 1
    screen.table(_component_table(stack.paths, states))
    try:
        with stack.api() as api:
            unhealthy = api.unhealthy()
        health = f"not healthy: {', '.join(unhealthy)}" if unhealthy else "healthy"
        screen.field("Airflow", f"{stack.url}  {health}")
        screen.field("Logs", str(stack.paths.logs_dir))
        with open_reader(stack.databases.hourcast_url()) as reader:
            now = datetime.now(UTC)
            fields = [*hour_fields(reader.newest_hour(), now, minute), *ticker_fields(reader.tickers())]
        for label, text in fields:
            screen.field(label, text)
    except HourcastError as error:
        screen.say(str(error))
        return 1
    is_well = not unhealthy and all(state.state == "RUNNING" for state in states)
    return 0 if is_well else 1


def ticker_fields(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Labels and texts: how many tickers have each status, and why those that are not forecast have theirs."""
    counts = count_statuses(finding.status for finding in findings)
    sentences = describe_findings(finding for finding in findings if finding.status in _EXPLAINED)
    return [("Tickers", counts or "none"), *(("", sentence) for sentence in sentences)]


def _component_table(paths: LocalPaths, states: Sequence[ProgramState]) -> Table:
    table = Table(title=f"Background of {paths.local_dir}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("component", "state", "since"):
        table.add_column(heading)
    for state in states:
        table.add_row(state.name, state.state, escape(state.description))
    return table


def show_logs(paths: LocalPaths, screen: Screen, *, is_following: bool) -> int:
    """Prints the last lines of every component's log, or becomes ``tail``, which does not end; the exit status."""
    logs = sorted(path for path in paths.logs_dir.glob("*.log") if path.name != INSTALL_LOG and path.stat().st_size)
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
