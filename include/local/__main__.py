"""``python -m include.local``: run, down, status, logs, clean, psql, backup, restore and exec, for the Makefile."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from include.errors import HourcastError, LaunchError
from include.local.backups import back_up, restore
from include.local.lock import end_holder, hold
from include.local.paths import PROJECT_DIR
from include.local.run import Launch
from include.local.screen import Screen
from include.local.stack import Stack
from include.local.starters import read_request
from include.local.status import show_logs, show_status
from include.settings import Settings, load_settings

_INTERRUPTED = 130


class _Interrupted(BaseException):
    """This process received a signal to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status: 0, or 1 with the reason on standard error, or 130 after Ctrl-C."""
    chosen = _parser().parse_args(arguments)
    _raise_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    screen = Screen()
    try:
        with screen:
            return _dispatch(chosen, load_settings(), screen)
    except HourcastError as error:
        sys.stderr.write(f"hourcast: {error}\n")
        return 1
    except _Interrupted:
        sys.stderr.write("hourcast: interrupted\n")
        return _INTERRUPTED


def _dispatch(chosen: argparse.Namespace, settings: Settings, screen: Screen) -> int:
    stack = Stack(settings, dict(os.environ), screen.progress)
    if chosen.command == "run":
        return _run(chosen, settings, stack, screen)
    if chosen.command == "down":
        return _down(stack, screen)
    if chosen.command == "status":
        return show_status(stack, screen, settings.schedule.schedule_minute)
    if chosen.command == "logs":
        return show_logs(stack.paths, screen, is_following=chosen.follow)
    if chosen.command == "clean":
        return _clean(stack, screen, is_forced=chosen.force)
    if chosen.command == "backup":
        return back_up(stack, screen)
    if chosen.command == "restore":
        return restore(stack, screen, chosen.backup, chosen.sample)
    if chosen.command == "psql":
        options = chosen.argv[1:] if chosen.argv[:1] == ["--"] else chosen.argv
        return _replace_by([*stack.databases.psql_call(), *options], dict(os.environ))
    return _exec(chosen.argv, stack)


def _run(chosen: argparse.Namespace, settings: Settings, stack: Stack, screen: Screen) -> int:
    request = read_request(chosen.tickers, chosen.source)
    stack.paths.local_dir.mkdir(parents=True, exist_ok=True)
    with hold(stack.paths.run_lock):
        try:
            Launch(settings, stack, screen).run(request)
        except HourcastError as error:
            if not stack.is_up:
                _undo(stack, screen)
                raise
            # Airflow's page may show the reason, so Airflow keeps running.
            message = f"{error}\nThe logs are in {stack.paths.logs_dir}. Airflow runs until `make down`: {stack.url}"
            raise LaunchError(message) from error
        except BaseException:
            _undo(stack, screen)
            raise
    return 0


def _undo(stack: Stack, screen: Screen) -> None:
    """Stops what this run started, and nothing else."""
    if stack.has_started_anything:
        _ignore(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        screen.say("Stopping what was started ...")
        stack.down()


def _down(stack: Stack, screen: Screen) -> int:
    end_holder(stack.paths.run_lock)  # a `make run` that is still working would start again what is stopped here
    count = stack.down() if stack.paths.local_dir.exists() else 0
    screen.say("Everything has stopped." if count else "Nothing was running.")
    return 0


def _clean(stack: Stack, screen: Screen, *, is_forced: bool) -> int:
    local_dir = stack.paths.local_dir
    if not local_dir.exists():
        screen.say(f"{local_dir} does not exist; there is nothing to remove.")
        return 0
    if strange := stack.paths.strange_names():
        message = f"{local_dir} holds files that are not Hourcast's ({', '.join(strange[:5])}); remove it yourself."
        raise LaunchError(message)
    if not is_forced:
        if not sys.stdin.isatty():
            message = f"Run `make clean` in a terminal to confirm the removal of {local_dir}, or `make clean FORCE=1`."
            raise LaunchError(message)
        if input(f"Remove {local_dir} with its database, models and logs? [y/N] ").strip().lower() not in {"y", "yes"}:
            screen.say("Nothing was removed.")
            return 1
    _down(stack, screen)
    shutil.rmtree(local_dir)
    screen.say(f"{local_dir} was removed.")
    return 0


def _exec(argv: Sequence[str], stack: Stack) -> int:
    """Replaces this process by a command in the components' environment: ``exec airflow dags list``."""
    if not argv:
        message = "exec needs a command, for example: exec airflow dags list"
        raise LaunchError(message)
    try:
        environment = stack.environment()
    except FileNotFoundError as error:  # the passwords, which the first start makes
        message = "Nothing was started here yet, so there is no database; start with: make run"
        raise LaunchError(message) from error
    program = [sys.executable, "-m", "airflow", *argv[1:]] if argv[0] == "airflow" else list(argv)
    return _replace_by(program, environment)


def _replace_by(program: list[str], environment: Mapping[str, str]) -> int:
    os.chdir(PROJECT_DIR)
    try:
        os.execvpe(program[0], program, environment)  # noqa: S606  # a command that the person typed; no shell
    except OSError as error:
        message = f"{program[0]} cannot be run: {error.strerror}."
        raise LaunchError(message) from error


def _raise_on(*signals: signal.Signals) -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    for number in signals:
        signal.signal(number, interrupt)


def _ignore(*signals: signal.Signals) -> None:
    """A second Ctrl-C must not interrupt the stopping."""
    for number in signals:
        signal.signal(number, signal.SIG_IGN)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.local", description="Hourcast on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything, forecast, print the table")
    run.add_argument("--tickers", default="", help='for example "AAPL 2330.TW BTC-USD"; default: a first few')
    run.add_argument("--source", default="", help="source of the tickers' bars: yahoo, files or simulated")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("status", help="what runs, the newest hour, the tickers")
    logs = commands.add_parser("logs", help="the newest lines of every log")
    logs.add_argument("--follow", action="store_true")
    clean = commands.add_parser("clean", help="remove the local folder, after asking")
    clean.add_argument("--force", action="store_true", help="do not ask")
    commands.add_parser("backup", help="save the database and the models in HOURCAST_BACKUP_DIR")
    back = commands.add_parser("restore", help="bring a backup into an empty installation, and replay forecasts")
    back.add_argument("backup", nargs="?", default="", help="its name or path; default: the newest")
    back.add_argument("--sample", type=int, default=100, help="forecasts to replay")
    psql = commands.add_parser("psql", help="open psql, which may read schema bi")
    psql.add_argument("argv", nargs=argparse.REMAINDER, help="-- and options of psql")
    execute = commands.add_parser("exec", help="run a command in the components' environment")
    execute.add_argument("argv", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
