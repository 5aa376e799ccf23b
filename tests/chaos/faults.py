"""The faults: what each one does to a trial at its instant, and how it ends.

``begin`` returns whether the fault struck; if it found nothing to strike, it is tried again a moment later. A fault
without ``end`` is over at once. Which database errors are raised on purpose is in ``_RAISED``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from include.local.postgres import SUPERUSER
from tests.chaos.flaky_store import DOWN, STALE, mode_file
from tests.support.databases import plain_url

if TYPE_CHECKING:
    from tests.chaos.trials import Trial

Begin = Callable[["Trial"], bool]
End = Callable[["Trial"], None]

HOURS = ("hour", "night")
ANY = ("hour", "night", "onboarding", "pretraining")
WRITTEN = ("model_version", "prediction", "baseline_prediction", "feature", "outcome", "score", "accuracy_day", "bar")
"""Tables on which locks and raised errors fall; a run that does not write to the chosen one is not disturbed."""
_BALLAST = "ballast"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    ``scenarios``: what may run when it strikes. ``lasts``: whether it may outlast all tries of a task.
    ``is_damage``: it damages artefacts, so that a ticker may be served by an older model, with the reason.
    ``runs_again``: everything is always run once more at the end; after other faults it is so by chance.
    """

    name: str
    begin: Begin
    end: End | None = None
    scenarios: tuple[str, ...] = ANY
    lasts: bool = False
    needs_small_disk: bool = False
    needs_small_folder: bool = False
    needs_object_store: bool = False
    is_damage: bool = False
    runs_again: bool = False


def _kill_task(trial: Trial) -> bool:
    attempt = trial.random_running()
    if attempt is None:
        return False
    attempt.signal(signal.SIGKILL)
    return True


def _kill_backend(trial: Trial) -> bool:
    rows = trial.machine.execute(
        "select pid from pg_stat_activity where datname = %s order by pid", trial.installation.database
    )
    if not rows:
        return False
    (pid,) = trial.random.choice(rows)
    return bool(trial.machine.execute("select pg_terminate_backend(%s)", pid)[0][0])


def _kill_postmaster(trial: Trial) -> bool:
    lines = (trial.machine.server.data_dir / "postmaster.pid").read_text(encoding="utf-8").split()
    os.kill(int(lines[0]), signal.SIGKILL)
    return True


def _start_postmaster(trial: Trial) -> None:
    trial.machine.server.stop()
    trial.machine.server.start()


def _stop_task(trial: Trial) -> bool:
    trial.stopped = trial.random_running()
    if trial.stopped is None:
        return False
    trial.stopped.signal(signal.SIGSTOP)
    return True


def _continue_task(trial: Trial) -> None:
    if trial.stopped is not None:
        trial.stopped.signal(signal.SIGCONT)


def _lose_heartbeat(trial: Trial) -> bool:
    """The task stops, is taken for dead and tried again, and goes on beside its second try."""
    if not _stop_task(trial) or trial.stopped is None:
        return False
    trial.run_of(trial.stopped).abandon(trial.stopped)
    return True


def _clear_running(trial: Trial) -> bool:
    attempt = trial.random_running()
    if attempt is None:
        return False
    attempt.signal(signal.SIGTERM)
    trial.run_of(attempt).restart(attempt)
    return True


def _refuse_connections(trial: Trial) -> bool:
    name = trial.installation.database
    trial.machine.execute(f"alter database {name} allow_connections false")
    trial.machine.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", name)
    return True


def _accept_connections(trial: Trial) -> None:
    trial.machine.execute(f"alter database {trial.installation.database} allow_connections true")


def _raising(code: str) -> Begin:
    """Every statement that writes to a random table fails with this error of Postgres, until the fault ends."""

    def begin(trial: Trial) -> bool:
        table = trial.random.choice(WRITTEN)
        trial.machine.execute_in(
            trial.installation.database,
            f"""
            create or replace function forecast.chaos() returns trigger language plpgsql as
            $$ begin raise exception 'planted' using errcode = '{code}'; end $$;
            create or replace trigger chaos before insert or update on forecast.{table}
            execute function forecast.chaos();
            """,
        )
        return True

    return begin


def _stop_raising(trial: Trial) -> None:
    trial.machine.execute_in(trial.installation.database, "drop function if exists forecast.chaos cascade")


def _lock_table(trial: Trial) -> bool:
    url = plain_url(trial.machine.server.url(SUPERUSER, trial.installation.database))
    trial.session = psycopg2.connect(url)
    with trial.session.cursor() as cursor:
        cursor.execute("set lock_timeout = '50ms'")
        try:
            cursor.execute(f"lock table forecast.{trial.random.choice(WRITTEN)} in access exclusive mode")
        except psycopg2.errors.LockNotAvailable:
            trial.session.close()
            return False
    return True


def _end_session(trial: Trial) -> None:
    if trial.session is not None:
        with suppress(psycopg2.Error):
            trial.session.close()


def _limit_statements(trial: Trial) -> bool:
    trial.machine.execute(f"alter database {trial.installation.database} set statement_timeout = '4ms'")
    return True


def _unlimit_statements(trial: Trial) -> None:
    trial.machine.execute(f"alter database {trial.installation.database} reset statement_timeout")


def _fill(folder: Path) -> None:
    """Writes until the disk is full."""
    with suppress(OSError), (folder / _BALLAST).open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1 << 6, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def _fill_artefacts(trial: Trial) -> bool:
    _fill(trial.installation.models_dir)
    return True


def _empty_artefacts(trial: Trial) -> None:
    (trial.installation.models_dir / _BALLAST).unlink(missing_ok=True)


def _fill_database(trial: Trial) -> bool:
    _fill(trial.installation.folder / "disk" / "data")
    return True


def _empty_database(trial: Trial) -> None:
    (trial.installation.folder / "disk" / "data" / _BALLAST).unlink(missing_ok=True)


def _limit_files(trial: Trial) -> bool:
    """A quota: no file of a task that starts from now on may be larger than a kilobyte."""
    for run in trial.runs:
        run.surroundings = replace(run.surroundings, file_size_limit=1024)
    return True


def _unlimit_files(trial: Trial) -> None:
    for run in trial.runs:
        run.surroundings = replace(run.surroundings, file_size_limit=None)


def _damaging(damage: Callable[[Path, Trial], None]) -> Begin:
    def begin(trial: Trial) -> bool:
        files = sorted(trial.installation.models_dir.glob("*.safetensors"))
        newest = sorted(files, key=lambda path: path.stat().st_mtime_ns)[-2:]
        path = trial.random.choice(files if trial.random.random() < 0.3 else newest)
        damage(path, trial)
        trial.damaged = path.name
        return True

    return begin


def _truncate(path: Path, trial: Trial) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: trial.random.randrange(len(content))])


def _flip(path: Path, trial: Trial) -> None:
    content = bytearray(path.read_bytes())
    content[trial.random.randrange(len(content))] ^= 1 << trial.random.randrange(8)
    path.write_bytes(bytes(content))


def _delete(path: Path, trial: Trial) -> None:
    path.unlink()


def _storing(mode: str) -> Begin:
    def begin(trial: Trial) -> bool:
        mode_file(trial.installation.models_dir).write_text(mode, encoding="ascii")
        return True

    return begin


def _store_soundly(trial: Trial) -> None:
    mode_file(trial.installation.models_dir).unlink(missing_ok=True)


def _jump(trial: Trial) -> bool:
    """The clocks of tasks and of the database jump by up to a week, to and fro."""
    days = trial.random.choice((-7, -1, 1, 7))
    for run in trial.runs:
        run.surroundings = replace(run.surroundings, clock_shift=days * 86_400.0)
    name = trial.installation.database
    jumped = f"pg_catalog.now() + interval '{days} days'"
    trial.machine.execute_in(
        name,
        f"""
        create schema chaos;
        grant usage on schema chaos to public;
        create function chaos.now() returns timestamptz language sql stable as $$ select {jumped} $$;
        alter database {name} set search_path = chaos, pg_catalog, public;
        alter table forecast.prediction alter column made_at set default {jumped};
        alter table forecast.baseline_prediction alter column made_at set default {jumped};
        alter table forecast.model_version alter column created_at set default {jumped};
        alter table forecast.outcome alter column updated_at set default {jumped};
        alter table forecast.planned_hour alter column planned_at set default {jumped};
        alter table forecast.onboarding alter column updated_at set default {jumped};
        alter table forecast.backbone alter column updated_at set default {jumped};
        """,
    )
    return True


def _nothing(trial: Trial) -> bool:
    """The trial's scenario is the fault: two runs at once."""
    return True


def _migrate(trial: Trial) -> bool:
    """A deploy: the schema is migrated, and its views are made anew, while tasks run."""
    from include.store.migrations import migrate

    url = trial.machine.server.migration_url(trial.installation.database)
    trial.start_beside("migrate", lambda: migrate(url))
    return True


FAULTS = (
    Fault("task killed", _kill_task),
    Fault("database session killed", _kill_backend),
    Fault("database server killed", _kill_postmaster, _start_postmaster, lasts=True),
    Fault("task stopped for a while", _stop_task, _continue_task),
    Fault("task stopped, tried again beside itself", _lose_heartbeat, _continue_task),
    Fault("running task cleared", _clear_running),
    Fault("connections refused", _refuse_connections, _accept_connections, lasts=True),
    Fault("serialisation failures", _raising("40001"), _stop_raising, lasts=True),
    Fault("deadlocks", _raising("40P01"), _stop_raising, lasts=True),
    Fault("table locked", _lock_table, _end_session),
    Fault("statement timeouts", _limit_statements, _unlimit_statements, lasts=True),
    Fault("artefact disk full", _fill_artefacts, _empty_artefacts, lasts=True, needs_small_folder=True),
    Fault("artefact quota", _limit_files, _unlimit_files, lasts=True),
    Fault("database disk full", _fill_database, _empty_database, lasts=True, needs_small_disk=True),
    Fault("artefact truncated", _damaging(_truncate), is_damage=True, scenarios=HOURS),
    Fault("artefact flipped", _damaging(_flip), is_damage=True, scenarios=HOURS),
    Fault("artefact deleted", _damaging(_delete), is_damage=True, scenarios=HOURS),
    Fault("artefact store times out", _storing(DOWN), _store_soundly, lasts=True, needs_object_store=True),
    Fault("artefact store is stale", _storing(STALE), _store_soundly, lasts=True, needs_object_store=True),
    Fault("clocks jump", _jump, runs_again=True),
    Fault("same hour twice at once", _nothing, scenarios=("same hour twice",)),
    Fault("backfill over a running hour", _nothing, scenarios=("backfill beside",)),
    Fault("two onboardings of one ticker", _nothing, scenarios=("two onboardings",)),
    Fault("migration during a run", _migrate),
)
