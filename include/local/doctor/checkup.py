"""Runs the checks, each within a time limit, and puts what they find into lines for people.

A check that needs a database is left out while that does not respond. A check that does not end is a problem itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from include.errors import HourcastError
from include.local.doctor import airflow_state, artefacts, configuration, database, machine, pipeline_state
from include.local.doctor.installation import Installation
from include.local.doctor.problem import NotCheckedError, Problem
from include.store.reader import Engine

CHECK_SECONDS = 20.0

_DATABASE, _SCHEMA, _AIRFLOW = "database", "schema", "Airflow's database"
"""Titles of checks that others build on."""

_Finder = Callable[[Installation], Iterable[Problem]]
_Reader = Callable[[Installation, Engine], Iterable[Problem]]


@dataclass(frozen=True)
class Result:
    """What one check found; ``not_checked`` says why it could not be made."""

    title: str
    problems: tuple[Problem, ...] = ()
    not_checked: str | None = None


@dataclass(frozen=True)
class Check:
    """One check: its title in the report, what it calls, the title of a check that it builds on, and its time limit.

    It is left out if the check that it ``needs`` found a problem or was left out.
    """

    title: str
    find: _Finder
    needs: str | None = None
    seconds: float = CHECK_SECONDS


@dataclass
class _Box:
    """What a check's thread leaves; ``is_done`` is set last."""

    problems: list[Problem] = field(default_factory=list)
    not_checked: str | None = None
    is_done: bool = False


def checks(*, is_complete: bool = False) -> list[Check]:
    """Every check, in the order of the report."""
    weights = partial(artefacts.check_artefacts, is_complete=is_complete)
    return [
        Check("settings", configuration.check_settings),
        Check("backbone", configuration.check_backbone),
        Check("announcements", configuration.check_announcements),
        Check("disk", machine.check_disk),
        Check("ports", machine.check_ports),
        Check("secrets", machine.check_secrets),
        Check("reader's file", machine.check_reader_file),
        Check("leftovers", machine.check_leftovers),
        Check("network's clock", machine.check_network_clock),
        Check(_DATABASE, database.check_reachable),
        _in_store("server", database.check_server, _DATABASE),
        _in_store(_SCHEMA, database.check_schema, _DATABASE),
        _in_store("roles", database.check_roles),
        _in_store("reader's login", database.check_reader_login),
        _in_store("indexes", database.check_indexes),
        _in_store("bars folder", configuration.check_bars_folder),
        _in_store("calendars", configuration.check_calendars),
        _in_store("hours", pipeline_state.check_hours),
        _in_store("tickers", pipeline_state.check_tickers),
        _in_store("Yahoo", pipeline_state.check_yahoo),
        replace(_in_store("artefacts", weights), seconds=600.0 if is_complete else 3 * CHECK_SECONDS),
        Check(_AIRFLOW, airflow_state.check_reachable),
        _in_airflow("Airflow's pools", airflow_state.check_pools),
        _in_airflow("Airflow's DAGs", airflow_state.check_dags),
        _in_airflow("Airflow's components", airflow_state.check_heartbeats),
        _in_airflow("Airflow's queue", airflow_state.check_queue),
    ]


def look_over(found: Installation, *, is_complete: bool = False) -> Iterator[Result]:
    """What each check finds, one after the other; ``is_complete``: all files of weights, and not only a sample."""
    failed: set[str] = set()
    for check in checks(is_complete=is_complete):
        if check.needs in failed:
            result = Result(check.title, not_checked=f"it builds on the check of {check.needs}")
        else:
            result = run_check(check, found)
        if result.not_checked is not None or any(not problem.is_coming for problem in result.problems):
            failed.add(check.title)
        yield result


def run_check(check: Check, found: Installation) -> Result:
    """What the check finds. It never raises, and it takes no longer than the check's time limit."""
    box = _Box()
    thread = threading.Thread(target=_fill, args=(box, check, found), daemon=True)
    thread.start()
    thread.join(check.seconds)
    if not box.is_done:
        text = f"The check of {check.title} did not end within {check.seconds:.0f} s."
        return Result(check.title, (Problem("no-response", text, "See whether the database and the disks respond."),))
    return Result(check.title, tuple(box.problems), box.not_checked)


def lines_of(results: Iterable[Result]) -> Iterator[tuple[str, str]]:
    """Labels and texts of the report: a problem has a second text with what to do."""
    for result in results:
        if result.not_checked is not None:
            yield "not checked", f"{result.title}: {result.not_checked}"
        elif not result.problems:
            yield "ok", result.title
        for problem in result.problems:
            yield ("soon" if problem.is_coming else "PROBLEM"), f"{problem.text} [{problem.code}]"
            yield "", problem.advice


def _fill(box: _Box, check: Check, found: Installation) -> None:
    try:
        box.problems.extend(check.find(found))
    except NotCheckedError as error:
        box.not_checked = str(error)
    except HourcastError as error:
        box.problems.append(Problem("refused", str(error), "Correct what the sentence names."))
    except Exception as error:  # noqa: BLE001  # a check that fails must not hide what the others find
        text = f"The check of {check.title} failed: {type(error).__name__}: {error}"
        box.problems.append(Problem("check-failed", text, "Read the sentence; the other checks were made."))
    box.is_done = True


def _in_store(title: str, check: _Reader, needs: str = _SCHEMA) -> Check:
    return Check(title, partial(_read, database.open_database, check), needs)


def _in_airflow(title: str, check: _Reader) -> Check:
    return Check(title, partial(_read, airflow_state.open_airflow, check), _AIRFLOW)


def _read(open_engine: Callable[[Installation], Engine], check: _Reader, found: Installation) -> list[Problem]:
    """What a check of a database finds, on connections that are closed at its end."""
    engine = open_engine(found)
    try:
        return list(check(found, engine))
    finally:
        engine.dispose()
