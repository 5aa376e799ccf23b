"""The machine of a measurement: its processor, its load, its peak speed, and functions that measure on all cores."""

from __future__ import annotations

import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

_WORK = TypeVar("_WORK")
_MATRIX_SIZES = (256, 512, 1024)
_REPEATS = 20


@dataclass(frozen=True)
class Cost:
    """The cost of a call in one process: wall seconds, CPU seconds, and the process's peak memory so far in MB."""

    wall_s: float
    cpu_s: float
    peak_rss_mb: float


def describe() -> dict[str, Any]:
    """Processor, cores, load of the last minute, versions and peak speed, as plain JSON."""
    return {
        "processor": processor(),
        "cores": cores(),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "matmul_peak_gflops": round(matmul_peak_gflops(), 1),
    }


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def matmul_peak_gflops() -> float:
    """Highest measured speed of float32 products of square matrices on one thread, in GFLOP/s."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return max(_gflops(size) for size in _MATRIX_SIZES)
    finally:
        torch.set_num_threads(threads)


def cost_of(work: Callable[[], object]) -> Cost:
    """The cost of one call in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, peak_rss_mb())


def peak_rss_mb() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def on_every_core(work: Callable[[_WORK], Cost], shares: Sequence[_WORK]) -> list[Cost]:
    """The cost of each share, computed in parallel, each in a new process with one thread."""
    with ProcessPoolExecutor(len(shares), multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, shares))


def _gflops(size: int) -> float:
    first, second = torch.randn(size, size), torch.randn(size, size)
    best = min(cost_of(lambda: torch.mm(first, second)).wall_s for _ in range(_REPEATS))
    return 2.0 * size**3 / best / 1e9
