"""What the task of ``export_data`` calls: plain JSON values in and out.

A module apart from ``pipeline/tasks.py``, so that a task of an hour does not import the export.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.pipeline.exporting.export import export
from include.pipeline.exporting.request import ExportRequest
from include.pipeline.services import opened_services

Json = dict[str, Any]


def export_views(params: Mapping[str, Any]) -> Json:
    """Brings the files of the form up to date; ``note`` (words for people), ``counts`` of files, ``views``."""
    with opened_services() as services:
        done = export(services, ExportRequest.from_params(params))
    counts = {
        name: sum(view[name] for view in done["views"].values()) for name in ("written", "unchanged", "removed", "rows")
    }
    return {"note": _note_of(done, counts), "counts": counts, "views": done["views"]}


def _note_of(done: Json, counts: Mapping[str, int]) -> str:
    written = ", ".join(f"{name} {view['written']}" for name, view in done["views"].items() if view["written"])
    words = f"{counts['written']} files written{f' ({written})' if written else ''}, {counts['unchanged']} unchanged"
    removed = f", {counts['removed']} removed" if counts["removed"] else ""
    return f"{words}{removed}; {counts['rows']} rows in {done['target']}."
