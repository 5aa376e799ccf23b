"""The record of an evaluation: what was evaluated on which bars by which code, and the scores, as a JSON file.

A record has the name of its content's hash, so the same evaluation has one record, and records of others stay. Its
report lies beside it. Where next: ``tracking`` shows the records in MLflow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from include.durable import write_whole
from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.records import fingerprint, scores_of
from include.pipeline.services import code_version


def write_record(
    folder: Path,
    board: Leaderboard,
    histories: Mapping[str, History],
    period: tuple[datetime, datetime],
    report: str,
) -> Path:
    """Writes the record of an evaluation of ``period`` (since, until), with its HTML report; the record's path."""
    record: dict[str, Any] = {
        "kind": "evaluation",
        "since": period[0].isoformat(),
        "until": period[1].isoformat(),
        "baseline": board.baseline,
        "code_version": code_version(),
        "data": fingerprint(histories),
        "scores": scores_of(board),
    }
    text = json.dumps(record, indent=1, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.html", report.encode())
    write_whole(folder / f"{name}.json", text.encode())
    return folder / f"{name}.json"
