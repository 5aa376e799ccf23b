"""A view of schema bi, month by month and ticker by ticker: the parts of which an export makes its files.

Each part is small enough for memory, and the views' indexes are made for it. Where next: ``export.py`` for the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from include.store.engine import Connection, execute, fetch_rows
from include.store.export import ViewColumn, read_table, view_columns, with_comments

Month = str | None
"""A month as ``2026-11``, in UTC or, for a date, by the exchange's clock; None for rows without a time."""

_MONTH_COLUMNS: Final = ("as_of", "closed_at", "target_at", "day_exchange", "day", "reported_on")
_UNSORTABLE: Final = ("json", "xml")
_TEXT: Final = ("text", "varchar", "bpchar", "name")


@dataclass(frozen=True)
class ExportView:
    """A view of schema bi with its columns, in its order."""

    name: str
    columns: tuple[ViewColumn, ...]

    @property
    def month_column(self) -> str | None:
        """The first column that says of which month a row is; None for a view without one, such as bi.accuracy."""
        return next((column.name for column in self.columns if column.name in _MONTH_COLUMNS), None)

    @property
    def comments(self) -> dict[str, str]:
        """Column -> comment."""
        return {column.name: column.comment for column in self.columns}

    @property
    def has_ticker(self) -> bool:
        """Whether each row is about a ticker."""
        return any(column.name == "ticker" for column in self.columns)

    @property
    def order(self) -> str:
        """The columns of a part's sort, as SQL: by time, then by all others, the same on every server."""
        columns = sorted(self.columns, key=lambda column: column.name != self.month_column)
        return ", ".join(
            f'"{column.name}" collate "C"' if column.kind in _TEXT else f'"{column.name}"'
            for column in columns
            if column.kind not in _UNSORTABLE and column.name != "ticker"
        )


def find_view(connection: Connection, name: str) -> ExportView | None:
    """The view of schema bi of that name, or None."""
    columns = view_columns(connection, name)
    return ExportView(name, tuple(columns)) if columns else None


def begin_snapshot(connection: Connection) -> None:
    """Makes all reads of a new transaction see the same rows, and refuses writes."""
    execute(connection, "set transaction isolation level repeatable read, read only")


def list_parts(connection: Connection, view: ExportView, months: Collection[str] = ()) -> dict[Month, list[str | None]]:
    """Month -> its tickers, both in order; without ``months`` all there are, rows without a time last.

    A view without a month has the month None, and one without tickers the ticker None.
    """
    month = f"date_trunc('month', {view.month_column})" if view.month_column else "null::timestamp"
    ticker = "ticker" if view.has_ticker else "null::text"
    # the bounds let Postgres omit partitions; the months between them are left out below
    condition = _between(view, min(months), max(months)) if months else "true"
    query = f"select distinct {month} as month, {ticker} as ticker from bi.{view.name} where {condition}"  # noqa: S608  # names from the catalogue
    parts: dict[Month, list[str | None]] = {}
    for row in fetch_rows(connection, query):
        name = row["month"].strftime("%Y-%m") if row["month"] else None
        if not months or name in months:
            parts.setdefault(name, []).append(row["ticker"])
    ordered = sorted(parts, key=lambda name: (name is None, name or ""))
    return {name: sorted(parts[name], key=lambda ticker: (ticker is None, ticker or "")) for name in ordered}


def read_parts(
    connection: Connection, view: ExportView, month: Month, tickers: Collection[str | None]
) -> Iterator[pa.Table]:
    """The rows of a month, one table a ticker, in the order of ``tickers`` and then of ``view.order``.

    Times are UTC, and each field has its comment as metadata. The schema is the same for all.
    """
    if view.month_column is None:
        within = "true"
    else:
        within = f"{view.month_column} is null" if month is None else _between(view, month, month)
    for ticker in tickers:
        of_ticker = "ticker is null" if ticker is None else "ticker = %(ticker)s"
        condition = f"{within} and {of_ticker}" if view.has_ticker else within
        query = f"select * from bi.{view.name} where {condition} order by {view.order}"  # noqa: S608  # names from the catalogue
        yield with_comments(read_table(connection, query, {"ticker": ticker}), view.comments)


def _between(view: ExportView, first: str, last: str) -> str:
    """The condition that a row is of the months from ``first`` to ``last``."""
    since, final = (datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC) for month in (first, last))
    until = (final + timedelta(days=31)).replace(day=1)
    return f"{view.month_column} >= '{since.isoformat()}' and {view.month_column} < '{until.isoformat()}'"
