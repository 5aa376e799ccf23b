"""The queries of the page "Add tickers": whether a typed name can be requested, and what became of requests.

They read views of schema ``bi`` and return rows with the views' names. Requests themselves go through Airflow's API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from include.contracts import TICKER_PATTERN
from include.store.reader import Engine, read_rows

ACTIONS = ("add", "retire", "retrain")
IN_PROGRESS = ("pending", "backfilling", "training")
"""Statuses of a ticker that is being set up."""
TRACKED = ("active", "stale")
"""Statuses of a ticker that has been set up and is still followed."""

_KNOWN = """
select ticker, name, status, status_reason
from bi.ticker_status
where ticker = any(:tickers)
"""

_REQUESTS = """
with newest as (
    select request_id, max(as_of) as requested_at
    from bi.request
    where request_id = any(:request_ids) or cast(:is_any as boolean)
    group by request_id
    order by requested_at desc, request_id
    limit :limit
)

select
    request.request_id, request.ticker, request.kind, request.as_of, request.source, request.is_simulated,
    request.stage, request.result, request.is_refused, request.reason, request.requested_by, request.ticker_status,
    request.updated_at
from bi.request
inner join newest using (request_id)
order by newest.requested_at desc, request.request_id, request.ticker
"""


@dataclass(frozen=True)
class Check:
    """What a request for a name would do: ``is_accepted``, and why or why not in ``detail`` (empty: nothing to say)."""

    name: str
    ticker: str
    is_accepted: bool
    detail: str
    status: str | None = None


def check_names(engine: Engine, names: Sequence[str], action: str) -> list[Check]:
    """A check of each name, in order, for one of ``ACTIONS``; the second of two equal names is refused.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    tickers = [name.strip().upper() for name in names]
    known = {row["ticker"]: row for row in read_rows(engine, _KNOWN, {"tickers": sorted(set(tickers))})}
    return list(_checks(names, tickers, known, action))


def read_requests(engine: Engine, request_ids: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """A row for each ticker of the requests with these ids, or of the newest ``limit`` requests if none is given.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    values = {"request_ids": list(request_ids), "is_any": not request_ids, "limit": limit}
    return read_rows(engine, _REQUESTS, values)


def _checks(
    names: Sequence[str], tickers: Sequence[str], known: dict[str, dict[str, Any]], action: str
) -> Iterator[Check]:
    seen: set[str] = set()
    for name, ticker in zip(names, tickers, strict=True):
        row = known.get(ticker)
        status = row["status"] if row else None
        if not re.fullmatch(TICKER_PATTERN, ticker):
            yield Check(name, ticker, False, "Cannot be a ticker: at most 24 letters, digits, '.', '-', '=' or '&'.")
        elif ticker in seen:
            yield Check(name, ticker, False, "Named twice; once is enough.", status)
        else:
            yield Check(name, ticker, *_judge(action, row), status)
        seen.add(ticker)


def _judge(action: str, row: dict[str, Any] | None) -> tuple[bool, str]:
    status = row["status"] if row else None
    if action == "add":
        return _judge_addition(row)
    if action == "retrain":
        return (True, "") if status in TRACKED else (False, "Only a ticker that is tracked can be trained again.")
    return (True, "") if status in (*TRACKED, *IN_PROGRESS) else (False, "It is not tracked.")


def _judge_addition(row: dict[str, Any] | None) -> tuple[bool, str]:
    if row is None:
        return True, ""
    if row["status"] in TRACKED:
        return False, "Tracked already."
    if row["status"] in IN_PROGRESS:
        return False, "It is being set up already."
    if row["status"] == "retired":
        return True, "It was retired; its history is still there."
    return True, f"It was refused before: {row['status_reason'] or 'no reason is known'}"
