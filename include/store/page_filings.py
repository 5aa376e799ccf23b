"""The queries of a ticker's filings on the page: they read views of schema ``bi``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from include.store.reader import Engine, read_rows

_FILINGS = """
select
    source, receipt, company, form, items, period_end, filed_on, accepted_at, is_amendment,
    version_id is not null as is_read, address
from bi.filing
where regexp_replace(upper(:ticker), '^(\\d{6})\\.K[SQ]$', '\\1') = any(tickers)
    and superseded_at is null
    and (cast(:until as timestamptz) is null or accepted_at <= :until)
order by accepted_at desc, receipt desc
limit :limit
"""


def read_filings(engine: Engine, ticker: str, limit: int, until: datetime | None = None) -> list[dict[str, Any]]:
    """The newest filings of a ticker's company that were accepted at ``until`` (UTC) or before, newest first.

    A Korean ticker is found without the suffix of its exchange, which DART does not know.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _FILINGS, {"ticker": ticker, "limit": limit, "until": until})


def read_clock(engine: Engine) -> datetime:
    """The instant (UTC) by the database's clock.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    (row,) = read_rows(engine, "select now() as moment")
    moment: datetime = row["moment"]
    return moment
