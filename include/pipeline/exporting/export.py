"""Views of schema bi as Parquet files, one a month: only the months whose rows changed are written.

Every file is made in full, because a split or a late bar may change any month. Its bytes depend on the rows alone, so
its hash says whether the stored file is up to date. The work reads with the role that writes, in transactions that
cannot: the time limits of ``bi_reader`` are made for people. At most a ticker's month and one group of rows are in
memory.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from include.errors import InvalidRequestError
from include.pipeline.exporting.request import VIEWS, ExportRequest
from include.pipeline.exporting.target import StoredFile, Target
from include.pipeline.services import Services
from include.store.engine import Engine, transaction
from include.store.export import open_parquet, view_names
from include.store.view_parts import ExportView, Month, begin_snapshot, find_view, list_parts, read_parts

GROUP_ROWS: Final = 100_000
"""Rows after which a group of rows is written: what a reader reads at once."""

_NO_MONTH: Final = "__HIVE_DEFAULT_PARTITION__"
_LOG: Final = logging.getLogger(__name__)


@dataclass
class Counts:
    """Files of one view that were written, left as they were and removed, and the rows of the first two."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    rows: int = 0


def export(services: Services, request: ExportRequest) -> dict[str, Any]:
    """Brings the files of the request up to date; the ``target``, and ``views``: folder name -> counts.

    Raises:
        InvalidRequestError: a view does not exist or has no months, or the target cannot be written to.
        RetryableError: the target or the database cannot be reached now.
    """
    settings = services.settings
    target = Target(request.target or settings.store.export_uri or str(settings.local.local_dir / "exports"))
    views = {folder: _require_view(services.engine, name, request) for folder, name in request.views.items()}
    counts = {folder: _export_view(services.engine, target, folder, view, request) for folder, view in views.items()}
    return {"target": target.shown, "views": {folder: vars(each) for folder, each in counts.items()}}


def _require_view(engine: Engine, name: str, request: ExportRequest) -> ExportView:
    with transaction(engine) as connection:
        view = find_view(connection, name)
        known = sorted({*VIEWS, *view_names(connection)} - set(VIEWS.values()))
    if view is None:
        message = f"{name!r} is no view of schema bi; there are {', '.join(known)}."
        raise InvalidRequestError(message)
    if request.months and view.month_column is None:
        message = f"bi.{name} has no months, so it is exported as a whole; leave the months out, or the view."
        raise InvalidRequestError(message)
    return view


def _export_view(engine: Engine, target: Target, folder: str, view: ExportView, request: ExportRequest) -> Counts:
    """Brings the files of one view up to date, and its manifest after each of them."""
    counts = Counts()
    stored = target.read_manifest(folder)
    with transaction(engine) as connection:
        begin_snapshot(connection)
        parts = list_parts(connection, view, request.months)
    for month, tickers in parts.items():
        path = _path_of(view, month)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "part.parquet")
            made = _make_file(engine, view, month, tickers, file)
            counts.rows += made.row_count
            if stored.get(path) == made and target.holds(folder, path, made):
                counts.unchanged += 1
                continue
            target.replace(folder, path, file)
        stored[path] = made
        target.write_manifest(folder, f"bi.{view.name}", stored)
        counts.written += 1
        _LOG.info("%s/%s: %d rows, %d bytes", folder, path, made.row_count, made.byte_count)
    counts.removed = _remove_others(target, folder, view, stored, {_path_of(view, month) for month in parts}, request)
    return counts


def _remove_others(
    target: Target,
    folder: str,
    view: ExportView,
    stored: dict[str, StoredFile],
    current: set[str],
    request: ExportRequest,
) -> int:
    """Removes the files of requested months that have no rows any more; their count."""
    requested = {_path_of(view, month) for month in request.months} if request.months else set(stored)
    others = (requested & set(stored)) - current
    for path in others:
        target.remove(folder, path)
        del stored[path]
    if others:
        target.write_manifest(folder, f"bi.{view.name}", stored)
    return len(others)


def _path_of(view: ExportView, month: Month) -> str:
    return f"month={month or _NO_MONTH}/part.parquet" if view.month_column else "part.parquet"


def _make_file(engine: Engine, view: ExportView, month: Month, tickers: list[str | None], file: Path) -> StoredFile:
    """Writes the rows of a month into a file of this machine, all as of one instant; what is in it."""
    row_count = 0
    with transaction(engine) as connection, file.open("wb") as sink:
        begin_snapshot(connection)
        writer = None
        for group in _groups(read_parts(connection, view, month, tickers)):
            writer = writer or open_parquet(sink, group.schema)
            writer.write_table(group, row_group_size=max(1, group.num_rows))
            row_count += group.num_rows
        if writer is not None:
            writer.close()
    with file.open("rb") as written:
        return StoredFile(row_count, file.stat().st_size, hashlib.file_digest(written, "sha256").hexdigest())


def _groups(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    """The rows of all tables in tables of at least ``GROUP_ROWS`` rows, but for the last."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.num_rows for each in waiting) >= GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
