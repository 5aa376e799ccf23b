"""Dividends, point in time: stored with the values of their first reading, read on the price scale of an instant.

The SQL functions that compute with them are in ``sql/migrations/0008_dividend_gap.sql`` and ``0012_split_factor.sql``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.contracts import Dividend, require_utc
from include.store.engine import Connection, execute, fetch_rows, stage_rows
from include.store.tables import DIVIDEND


@dataclass(frozen=True)
class KnownDividend:
    """A dividend and when it became known, UTC."""

    dividend: Dividend
    known_at: datetime


def save_dividends(connection: Connection, dividends: Sequence[KnownDividend], as_of: datetime) -> int:
    """Stores dividends, amounts on the price scale of ``as_of`` (UTC); the count of new ones.

    A stored dividend keeps its amount. Its ``known_at`` moves back if the same amount is given with an earlier one (a
    replayed hour reads what a later run has stored), unless an hour in between has run without the dividend.
    """
    if not dividends:
        return 0
    rows = {(item.dividend.ticker, item.dividend.ex_at): item for item in dividends}
    staged = stage_rows(
        connection, DIVIDEND, [(*key, item.dividend.amount, item.known_at) for key, item in rows.items()]
    )
    execute(
        connection,
        f"""
        update {staged} as given
        set amount = given.amount * {_factor("given.ticker", "given.known_at", ":as_of")}
            / {_factor("given.ticker", ":as_of", "given.known_at")}
        """,  # noqa: S608  # names from tables.py
        {"as_of": require_utc(as_of, "as_of")},
    )
    execute(connection, _date_back(staged))
    columns = ", ".join(DIVIDEND.columns)
    return execute(
        connection,
        f"insert into forecast.dividend ({columns}) select {columns} from {staged} "  # noqa: S608  # names from tables.py
        "on conflict do nothing",
    )


def load_dividends(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, list[KnownDividend]]:
    """Each ticker's dividends as known at ``as_of`` (UTC), on the price scale of that instant, oldest first.

    Tickers without a dividend are absent.
    """
    rows = fetch_rows(
        connection,
        """
        select known.ticker, known.ex_at, known.amount, known.known_at
        from forecast.dividends_known_at(:as_of) as known
        where known.ticker = any(cast(:tickers as text[]))
        order by known.ticker, known.ex_at
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    found: dict[str, list[KnownDividend]] = {}
    for row in rows:
        dividend = Dividend(row["ticker"], row["ex_at"], row["amount"])
        found.setdefault(row["ticker"], []).append(KnownDividend(dividend, row["known_at"]))
    return found


def _factor(ticker: str, since: str, until: str) -> str:
    """The split factor of a ticker between two instants, as an SQL expression; 1 without a split."""
    return f"(select factor from forecast.split_factor_between({ticker}, {since}, {until}))"  # noqa: S608  # names from the callers


def _date_back(staged: str) -> str:
    return f"""
        update forecast.dividend as stored
        set amount = given.amount, known_at = given.known_at
        from {staged} as given
        where given.ticker = stored.ticker and given.ex_at = stored.ex_at and given.known_at < stored.known_at
            and abs(given.amount / {_factor("given.ticker", "given.known_at", "stored.known_at")} - stored.amount)
                <= 1e-6 * stored.amount
            and not exists (
                select from forecast.outcome
                where outcome.ticker = given.ticker
                    and outcome.as_of >= given.known_at
                    and outcome.as_of < stored.known_at
                    and outcome.stage <> 'planned'
            )
    """  # noqa: S608  # names from tables.py
