"""`make chaos ARGS="--filings"`: faults of the sources and of processes while `filings_etl` runs in a real Airflow.

One run without a fault reads most of the filings. Then each trial shows some more, sends one fault, runs the DAG, and
runs it once more if anything is missing then. A person's part is to clear a task that waits for its next try. The
checker reads the database and the files after each trial; after the last one, a run with nothing new must write
nothing, and every text must be the one that a conversion in this process gives.
"""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil

from bench.soak.product import Product, real_time
from include.filings.chunks import cut
from include.filings.documents import convert
from include.filings.loading import filing_of, raw_documents
from include.local.airflow_api import AirflowApi
from include.local.airflow_env import LOGIN_NAME, load_password
from include.local.processes import find_marked
from include.store import filings as store
from include.store.engine import fetch_rows, transaction
from tests.chaos.checker import DOUBLED, HALF, LOST, WRONG, Finding
from tests.chaos.components import TASK, TASK_SUPERVISOR, find_victim, is_task
from tests.chaos.filing_sources import Sources, tickers
from tests.chaos.trials import Result

DAG = "filings_etl"
FETCH = "fetch"
FIRST, LAST = "none: the first run", "none: a run with nothing new"
AT_ONCE, AFTER_CLEARING, BY_THE_NEXT_RUN = "at once", "after clearing", "by the next run"
_DAYS = 20_000
_RUN_SECONDS = 3600.0
_POLL_SECONDS = 0.5
_ROWS = ("company", "filing", "version", "document", "chunk", "fact")


@dataclass(frozen=True)
class FilingFault:
    """A fault: ``kind`` is what the emulator of ``source`` does at ``place``, or what is killed while a task runs."""

    source: str
    place: str
    kind: str

    @property
    def name(self) -> str:
        """As the page names it."""
        return f"{self.source}, {self.place}: {_WORDS.get(self.kind, f'status {self.kind}')}"


SEC, DART, PROCESS = "SEC", "OpenDART", "Airflow"
_WORDS = {
    "cut": "the connection ends in the middle",
    "page": "an HTML page instead",
    "other": "another filing",
    "half": "a whole response with half of the content",
    "hang": "no response in time",
    "damaged": "a damaged ZIP file",
    TASK: "task killed",
    TASK_SUPERVISOR: "supervisor of the task killed",
    "scheduler": "scheduler killed",
    "sessions": "sessions of the database ended",
}
FAULTS = (
    *(FilingFault(SEC, "a filing", kind) for kind in ("cut", "page", "other", "half", "hang")),
    *(FilingFault(SEC, "a filing", kind) for kind in ("302", "403", "404", "429", "500", "503")),
    *(FilingFault(SEC, "a company's list", kind) for kind in ("cut", "page", "half", "403", "500")),
    *(FilingFault(SEC, "the list of tickers", kind) for kind in ("cut", "page", "500")),
    *(FilingFault(DART, "a filing", kind) for kind in ("cut", "page", "damaged", "500", "020", "800")),
    *(FilingFault(DART, "a company's list", kind) for kind in ("cut", "page", "500", "020")),
    *(FilingFault(DART, "the list of companies", kind) for kind in ("damaged", "500")),
    *(FilingFault(PROCESS, task, TASK) for task in ("list_filings", FETCH, "transform", "write_files")),
    *(FilingFault(PROCESS, task, TASK_SUPERVISOR) for task in (FETCH, "transform")),
    FilingFault(PROCESS, FETCH, "scheduler"),
    *(FilingFault(PROCESS, task, "sessions") for task in (FETCH, "transform")),
)
"""Statuses of three digits that begin with 0 or 8 are OpenDART's own: 020 is its daily limit, 800 its maintenance."""


@dataclass
class Facts:
    """What was measured: seconds of runs, and the most that one task has held in memory."""

    filings: int = 0
    first_filings: int = 0
    first_seconds: float = 0.0
    run_seconds: list[float] = field(default_factory=list)
    task_bytes: int = 0
    database_bytes: int = 0
    repeated_requests: int = 0


class FilingSeries:
    """Trials in one installation, each with ``step`` filings more."""

    def __init__(self, product: Product, sources: Sources, seed: int, step: int) -> None:
        self.product, self.sources = product, sources
        self.facts = Facts()
        self._seed, self._step = seed, step
        self._run_count = 0
        self._api = ClearingApi(product.api.url, LOGIN_NAME, load_password(product.paths))

    def first_run(self, count: int) -> Result:
        """A run without a fault that reads ``count`` filings."""
        self.sources.show(count)
        began_at = time.monotonic()
        state, _ = self._run(lambda _: None)
        self.facts.first_filings, self.facts.first_seconds = count, time.monotonic() - began_at
        findings = (*self._ended(state), *self.check())
        return Result(-1, FIRST, DAG, AT_ONCE, True, findings, (), (), self.facts.first_seconds)

    def run(self, number: int) -> Result:
        """The trial of this number: the same fault and place for the same seed."""
        fault = FAULTS[number % len(FAULTS)]
        random = Random(f"{self._seed}/filings/{number}")
        began_at = time.monotonic()
        self.sources.show(self._step)
        strike = self._prepare(fault, random)
        state, has_cleared = self._run(strike)
        has_struck = not self._left_over() if fault.source != PROCESS else self._has_killed
        healed = AFTER_CLEARING if has_cleared else AT_ONCE
        findings = self._ended(state)
        if self.missing():
            again, _ = self._run(lambda _: None)
            healed, findings = BY_THE_NEXT_RUN, [*findings, *self._ended(again)]
        findings = [*findings, *self.check()]
        return Result(number, fault.name, DAG, healed, has_struck, tuple(findings), (), (), time.monotonic() - began_at)

    def finish(self) -> Result:
        """A run with nothing new, which must change no row and no file; and all texts compared with a conversion."""
        began_at = time.monotonic()
        before, asked = self._fingerprint(), self._asked()
        state, _ = self._run(lambda _: None)
        after = self._fingerprint()
        findings = self._ended(state)
        findings += [
            Finding(WRONG, f"a run with nothing new has changed {name}")
            for name in before
            if before[name] != after[name]
        ]
        if self._asked() != asked:
            findings.append(Finding(WRONG, "a run with nothing new has asked for a filing"))
        findings += [*self.check(), *self._compare_texts()]
        with transaction(self.product.hourcast) as connection:
            (row,) = fetch_rows(connection, "select pg_database_size(current_database()) as size")
        self.facts.database_bytes = int(row["size"])
        self.facts.filings = len(self.sources.receipts())
        self.facts.repeated_requests = self._asked() - len(self.sources.receipts())
        seconds = time.monotonic() - began_at
        return Result(len(FAULTS), LAST, DAG, AT_ONCE, True, tuple(findings), (), (), seconds)

    def missing(self) -> set[str]:
        """Receipt numbers that are shown and have no document."""
        query = """
            select receipt from filings.version inner join filings.document using (version_id)
            where document.markdown is not null
        """
        with transaction(self.product.hourcast) as connection:
            return self.sources.receipts() - {row["receipt"] for row in fetch_rows(connection, query)}

    def check(self) -> list[Finding]:
        """What is missing, doubled, half or wrong in the database and the files."""
        query = """
            select
                version.receipt, count(distinct version.version_id)::int as versions, min(version.sha256) as sha256,
                count(document.version_id)::int as documents, min(document.problem) as problem,
                min(size.children)::int as children, min(size.parents)::int as parents
            from filings.version
            left join filings.document using (version_id)
            left join (
                select version_id, count(parent_number) as children, count(*) - count(parent_number) as parents
                from filings.chunk group by version_id
            ) as size using (version_id)
            group by version.receipt
        """
        with transaction(self.product.hourcast) as connection:
            rows = {row["receipt"]: row for row in fetch_rows(connection, query)}
        found = [Finding(LOST, f"{receipt} is not stored") for receipt in self.sources.receipts() - set(rows)]
        for receipt, row in rows.items():
            if row["versions"] != 1:
                found.append(Finding(DOUBLED, f"{receipt} has {row['versions']} versions"))
            if row["documents"] != 1 or row["problem"] or not row["children"] or not row["parents"]:
                found.append(Finding(HALF, f"{receipt} has no whole document: {row['problem']}"))
            expected = self.sources.digest_of(receipt)
            if expected and row["sha256"] != expected:
                found.append(Finding(WRONG, f"{receipt} is stored with another content"))
        for folder, suffix in (("docs", "md"), ("chunks", "parquet")):
            files = [path.stem for path in (self.product.models_dir / folder).rglob(f"*.{suffix}")]
            found += [Finding(LOST, f"{receipt}.{suffix} is not written") for receipt in set(rows) - set(files)]
            if len(files) != len(set(files)):
                found.append(Finding(DOUBLED, f"files in {folder} stand twice"))
        return found

    def _compare_texts(self) -> Iterator[Finding]:
        """What differs between the stored text and chunks of a filing, and those of a conversion in this process."""
        with transaction(self.product.hourcast) as connection:
            versions = fetch_rows(connection, "select version_id from filings.version order by 1")
        for each in versions:
            with transaction(self.product.hourcast) as connection:
                version = store.load_version(connection, each["version_id"])
                (row,) = fetch_rows(
                    connection,
                    """
                    select document.markdown, (
                        select array_agg(chunk.first_character || ':' || chunk.end_character order by chunk.number)
                        from filings.chunk where chunk.version_id = document.version_id
                    ) as places
                    from filings.document where version_id = :version_id
                    """,
                    each,
                )
            filing = filing_of(version.filing)
            document = convert(filing, raw_documents(filing, version.content))
            places = [f"{chunk.start}:{chunk.end}" for part in cut(document) for chunk in part]
            if (row["markdown"], row["places"]) != (document.text, places):
                yield Finding(WRONG, f"{filing.receipt} has another text or other chunks than a conversion gives")

    def _prepare(self, fault: FilingFault, random: Random) -> Callable[[str], None]:
        """Gives the emulators the fault, or returns what kills while a run goes on."""
        self._has_killed = False
        edgar, dart = self.sources.edgar, self.sources.dart
        edgar.faults, dart.faults = {}, {}
        if fault.source == PROCESS:
            return self._killer(fault, random.uniform(0.0, 3.0))
        if fault.source == SEC:
            receipt = random.choice(self.sources.newest)
            number = edgar.made[receipt].number
            ends = {
                "a filing": f"{receipt}.txt",
                "a company's list": f"CIK{number}.json",
                "the list of tickers": "tickers.json",
            }
            edgar.faults = {ends[fault.place]: [fault.kind]}
        else:
            ends = {
                "a filing": "document.xml",
                "a company's list": "list.json",
                "the list of companies": "corpCode.xml",
            }
            dart.faults = {ends[fault.place]: [fault.kind]}
        return lambda _: None

    def _left_over(self) -> bool:
        """Whether the fault is still waiting for its request."""
        return any(
            faults for emulator in (self.sources.edgar, self.sources.dart) for faults in emulator.faults.values()
        )

    def _killer(self, fault: FilingFault, after: float) -> Callable[[str], None]:
        """What is called again and again while a run goes on: kills once, so many seconds after its task has begun."""
        seen: list[float] = []

        def strike(run_id: str) -> None:
            if self._has_killed or dict(self._api.task_states(DAG, run_id)).get(fault.place) != "running":
                return
            seen.append(time.monotonic())
            if time.monotonic() - seen[0] < after:
                return
            self._has_killed = self._end_sessions() if fault.kind == "sessions" else self._kill(fault.kind)

        return strike

    def _kill(self, victim: str) -> bool:
        process = find_victim(self.product.paths.local_dir, victim)
        if process is None:
            return False
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
            return True
        return False

    def _end_sessions(self) -> bool:
        query = """
            select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
            where datname = current_database() and usename <> current_user
        """
        with transaction(self.product.hourcast) as connection:
            return bool(fetch_rows(connection, query)[0]["count"])

    def _run(self, strike: Callable[[str], None]) -> tuple[str, bool]:
        """Runs the DAG to its end and clears what waits for a retry; its state, and whether anything was cleared."""
        self._run_count += 1
        run_id = f"filings_{self._run_count}"
        began_at = time.monotonic()
        self.product.api.trigger(DAG, run_id, {"tickers": list(tickers()), "days": _DAYS}, real_time())
        has_cleared = False
        with self._measured():
            while (ended := self.product.ended(DAG, run_id)) is None and time.monotonic() - began_at < _RUN_SECONDS:
                with suppress(Exception):  # the API does not answer for a moment after a kill
                    strike(run_id)
                    has_cleared |= self._clear_waiting(run_id)
                time.sleep(_POLL_SECONDS)
        self.facts.run_seconds.append(time.monotonic() - began_at)
        return ended.state if ended else "unfinished", has_cleared

    def _clear_waiting(self, run_id: str) -> bool:
        """Clears the tasks that wait for their next try, so that nobody waits ten minutes; whether there was one."""
        waiting = [task for task, state in self._api.task_states(DAG, run_id) if state == "up_for_retry"]
        if waiting:
            self._api.clear(run_id, waiting)
        return bool(waiting)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        """Notes the most memory that a task holds while the block runs."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(1.0):
                for process in find_marked(self.product.paths.local_dir, ["scheduler"]):
                    with suppress(psutil.Error):
                        if is_task(process):
                            self.facts.task_bytes = max(self.facts.task_bytes, process.memory_info().rss)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _ended(self, state: str) -> list[Finding]:
        return [] if state == "success" else [Finding(LOST, f"the run {self._run_count} has ended as {state}")]

    def _asked(self) -> int:
        """How often the sources were asked for a filing."""
        american = sum(path.endswith(".txt") for path, _ in self.sources.edgar.asked)
        return american + sum(name == "document.xml" for name, _ in self.sources.dart.asked)

    def _fingerprint(self) -> dict[str, Any]:
        """What a write would change: the newest transaction and number of rows of each table, and all files."""
        found: dict[str, Any] = {}
        with transaction(self.product.hourcast) as connection:
            for table in _ROWS:
                query = f"select count(*) as rows, max(xmin::text::bigint) as newest from filings.{table}"
                (row,) = fetch_rows(connection, query)
                found[f"filings.{table}"] = tuple(row.values())
        for folder in ("docs", "chunks"):
            found[folder] = digest_of(self.product.models_dir / folder)
        return found


def digest_of(folder: Path) -> str:
    """A hash over names, times and bytes of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_mtime_ns}\n".encode() + path.read_bytes())
    return digest.hexdigest()


class ClearingApi(AirflowApi):
    """The API with what a person does on the page: clear a task that waits for its next try."""

    def clear(self, run_id: str, task_ids: list[str]) -> None:
        """Clears these tasks of a run."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": task_ids, "only_failed": False}
        self._call("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", body)
