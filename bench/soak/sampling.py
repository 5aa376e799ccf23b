"""What a soak records after each hour: name of a measure -> number. Nothing of Hourcast runs at that moment.

Memory of a component is the sum over its lasting processes; pages that several share are counted once (PSS). Of
Postgres only the private pages count (USS), because its shared buffers fill up to their setting. Both change when
another program begins or ends that maps the same files, so what is allocated is a measure of its own. Children that
have just started are left out: they end within seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from sqlalchemy import Engine

from bench.soak.product import Product, real_time
from include.local.processes import COMPONENT_MARK, find_marked
from include.local.stack import AIRFLOW_COMPONENTS, POSTGRES
from include.store.engine import fetch_rows, transaction

COMPONENTS = (*AIRFLOW_COMPONENTS, POSTGRES)
LASTING_SECONDS = 20.0
_MEGABYTE = 1e6
_TABLES = """
    select distinct coalesce(pg_partition_root(c.oid), c.oid)::regclass::text as name
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('forecast', 'public')
    order by name
"""
_CONNECTIONS = f"""
    select count(*)::float8 as count from pg_stat_activity
    where backend_type = 'client backend' and backend_start < now() - interval '{LASTING_SECONDS} seconds'
"""  # noqa: S608  # a constant of this module
_SIZES = """
    select
        pg_database_size(current_database())::float8 as database,
        (select sum(size) from pg_ls_waldir())::float8 as log
"""


def sample(product: Product) -> dict[str, float]:
    """All measures of this moment; sizes and memory in MB."""
    measures = processes(product.paths.local_dir)
    measures |= rows("hourcast", product.hourcast) | rows("airflow", product.airflow)
    with transaction(product.hourcast) as connection:
        measures["connections"] = fetch_rows(connection, _CONNECTIONS)[0]["count"]
    for name, engine in (("hourcast", product.hourcast), ("airflow", product.airflow)):
        with transaction(engine) as connection:
            (sizes,) = fetch_rows(connection, _SIZES)
        measures[f"MB database {name}"] = sizes["database"] / _MEGABYTE
        measures["MB write-ahead log"] = sizes["log"] / _MEGABYTE
    logs_dir = product.paths.logs_dir
    folders = {
        "artefacts": product.models_dir,
        "task logs": logs_dir / "tasks",
        "parsing logs": logs_dir / "dag_processor",
    }
    for name, folder in folders.items():
        measures[f"files {name}"], measures[f"MB {name}"] = files(folder.rglob("*"))
    measures["files component logs"], measures["MB component logs"] = files(logs_dir.glob("*"))
    return measures


def cpu_seconds(product: Product) -> float:
    """CPU seconds of all lasting processes and of their ended children, since they started."""
    total = 0.0
    for _, process in _lasting(product.paths.local_dir):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])  # its own, then those of ended children
    return total


def _lasting(local_dir: Path) -> list[tuple[str, psutil.Process]]:
    """Component and process, without children that have just started."""
    found = []
    for process in find_marked(local_dir, COMPONENTS):
        with suppress(psutil.Error):
            name = process.environ()[COMPONENT_MARK]
            # a process of Postgres overwrites its environment, so its server names it
            found += [(name, each) for each in (process, *(process.children() if name == POSTGRES else ()))]
    youngest_at = real_time().timestamp() - LASTING_SECONDS
    return [(name, process) for name, process in found if process.create_time() <= youngest_at]


def processes(local_dir: Path) -> dict[str, float]:
    """Memory, descriptors and processes by component."""
    found: dict[str, float] = defaultdict(float)
    for name, process in _lasting(local_dir):
        with suppress(psutil.Error):
            memory = process.memory_full_info()
            found[f"MB memory {name}"] += (memory.uss if name == POSTGRES else memory.pss) / _MEGABYTE
            found[f"MB allocated memory {name}"] += _allocated_bytes(process.pid) / _MEGABYTE
            found[f"descriptors {name}"] += process.num_fds()
            found[f"processes {name}"] += 1
    return dict(found)


def _allocated_bytes(pid: int) -> float:
    """What a process has allocated: no file that is mapped, shared pages by their share; 0 if it has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        return sum(1024.0 * float(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return 0.0


def rows(database: str, engine: Engine) -> dict[str, float]:
    """Rows by table, counted one by one."""
    with transaction(engine) as connection:
        names = [row["name"] for row in fetch_rows(connection, _TABLES)]
        parts = [f"select '{name}' as name, count(*)::float8 as count from {name}" for name in names]  # noqa: S608  # names of the catalogue
        found = fetch_rows(connection, " union all ".join(parts))
    counts = {f"rows {database} {row['name'].removeprefix('forecast.')}": row["count"] for row in found}
    return counts | {f"rows {database}": sum(counts.values())}


def files(paths: Iterable[Path]) -> tuple[float, float]:
    """Number of files, and their MB; one that is removed meanwhile is left out."""
    count, size = 0, 0
    for path in paths:
        with suppress(FileNotFoundError):
            if path.is_file():
                count, size = count + 1, size + path.stat().st_size
    return float(count), size / _MEGABYTE
