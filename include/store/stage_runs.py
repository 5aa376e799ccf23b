"""What each stage of an hour cost and did: measurements, from which nothing is computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from include.contracts import require_utc
from include.store.engine import Connection, execute

WHOLE_HOUR = -1
"""The shard of a stage that works on the whole hour."""


@dataclass(frozen=True)
class StageRun:
    """One run of a stage: its duration in seconds, the peak memory of its process in bytes, and what it did."""

    as_of: datetime
    stage: str
    shard_index: int
    is_failed: bool
    seconds: float
    peak_bytes: int
    counts: Mapping[str, int]


def save_stage_run(connection: Connection, run: StageRun) -> None:
    """Stores the run in the place of an earlier one of the same stage, and counts how often it ran."""
    execute(
        connection,
        """
        insert into forecast.stage_run as stored
            (as_of, stage, shard_index, is_failed, seconds, peak_bytes, counts)
        values (:as_of, :stage, :shard_index, :is_failed, :seconds, :peak_bytes, cast(:counts as jsonb))
        on conflict (as_of, stage, shard_index) do update
        set run_count = stored.run_count + 1, is_failed = excluded.is_failed, seconds = excluded.seconds,
            peak_bytes = excluded.peak_bytes, counts = excluded.counts, finished_at = now()
        """,
        {
            "as_of": require_utc(run.as_of, "as_of"),
            "stage": run.stage,
            "shard_index": run.shard_index,
            "is_failed": run.is_failed,
            "seconds": run.seconds,
            "peak_bytes": run.peak_bytes,
            "counts": json.dumps(dict(run.counts), sort_keys=True),
        },
    )
