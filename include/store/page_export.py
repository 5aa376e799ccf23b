"""The rows of a view that are about one ticker, as the bytes of a CSV or Parquet file.

It imports Parquet's libraries, so the page imports it when somebody asks for a file.
"""

from __future__ import annotations

from typing import Final

from include.store.export import read_table, to_csv, to_parquet, view_columns, with_comments
from include.store.page_ticker import Period
from include.store.reader import Engine, reading

TIME_COLUMNS: Final = {
    "bar": "closed_at",
    "forecast": "as_of",
    "hour_outcome": "as_of",
    "model_history": "as_of",
    "event": "day_exchange",
    "data_quality": "day_exchange",
    "accuracy_daily": "day_exchange",
}
"""Views that can be exported, and the column that says when a row is from. A day counts as its midnight, UTC."""


class TooManyRowsError(ValueError):
    """The rows that were asked for are more than the period's limit."""


def export_rows(engine: Engine, view: str, ticker: str, period: Period, *, is_parquet: bool) -> bytes:
    """The file of a view of ``TIME_COLUMNS``, newest rows first, as CSV or Parquet.

    A field of a Parquet file has its column's comment, with the unit, as metadata ``comment``.

    Raises:
        TooManyRowsError: there are more rows than ``period.limit``.
        StoreUnavailableError: the database cannot be read.
    """
    column = TIME_COLUMNS[view]
    query = (
        f"select * from bi.{view} where ticker = %(ticker)s "  # noqa: S608  # one of the names above
        f"and {column} >= coalesce(cast(%(since)s as timestamptz), '-infinity') "
        f"and {column} <= coalesce(cast(%(until)s as timestamptz), 'infinity') "
        f"order by {column} desc limit %(limit)s"
    )
    with reading(engine) as connection:
        table = read_table(connection, query, {"ticker": ticker, **vars(period), "limit": period.limit + 1})
        comments = {each.name: each.comment for each in view_columns(connection, view)}
    if table.num_rows > period.limit:
        message = f"{ticker} has more than {period.limit} rows of this kind in the period. Choose a shorter one."
        raise TooManyRowsError(message)
    return to_parquet(with_comments(table, comments)) if is_parquet else to_csv(table)
