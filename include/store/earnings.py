"""Days of companies' reports, point in time: what was known at an instant, whatever the source names later.

The tables are in ``sql/migrations/0017_earnings_date.sql``. Where next: ``pipeline/data/reports.py``, which makes
nights of these days.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from include.contracts import require_utc
from include.earnings import ESTIMATE, EarningsDate, ReportTiming
from include.store.engine import Connection, execute, fetch_rows, stage_rows
from include.store.tables import EARNINGS_DATE

_LAST_READS = """
    select
        given.ticker,
        given.read_at,
        greatest(
            (
                select max(outcome.as_of) from forecast.outcome
                where outcome.ticker = given.ticker and outcome.stage <> 'planned'
            ),
            (select max(prediction.as_of) from forecast.prediction where prediction.ticker = given.ticker)
        ) as last_read_at
    from unnest(cast(:tickers as text[]), cast(:read_at as timestamptz[])) as given (ticker, read_at)
"""
"""Each ticker's newest forecast hour: nothing may become known at or before it any more."""

_NOT_BEFORE = "coalesce(reading.last_read_at + interval '1 microsecond', '-infinity')"

_SAVE_NAMED = """
    insert into forecast.earnings_date as stored
        (ticker, reported_on, known_at, timing, is_confirmed, is_expected, source)
    select
        named.ticker, named.reported_on, named.not_before, named.timing, named.is_confirmed, true, named.source
    from (
        select distinct on (given.ticker, given.reported_on, greatest(given.known_at, {not_before}))
            given.*, greatest(given.known_at, {not_before}) as not_before
        from {staged} as given
        inner join ({reads}) as reading on reading.ticker = given.ticker
        order by
            given.ticker, given.reported_on, greatest(given.known_at, {not_before}),
            given.known_at desc
    ) as named
    left join lateral (
        select before.timing, before.is_confirmed, before.is_expected, before.reported_at, before.source
        from forecast.earnings_date as before
        where before.ticker = named.ticker and before.reported_on = named.reported_on
            and before.known_at <= named.not_before
        order by before.known_at desc
        limit 1
    ) as present on true
    where present.reported_at is null
        and (present.timing, present.is_confirmed, present.is_expected, present.source = '{estimate}')
        is distinct from (named.timing, named.is_confirmed, true, named.source = '{estimate}')
        and (named.source <> '{estimate}' or present.source = '{estimate}' or present.is_expected is not true)
    on conflict (ticker, reported_on, known_at) do update
    set timing = excluded.timing, is_confirmed = excluded.is_confirmed, is_expected = true, source = excluded.source
"""

_SAVE_WITHDRAWN = """
    insert into forecast.earnings_date as stored
        (ticker, reported_on, known_at, timing, is_confirmed, is_expected, source)
    select
        present.ticker, present.reported_on, greatest(reading.read_at, present.known_at, {not_before}),
        present.timing, present.is_confirmed, false, present.source
    from ({reads}) as reading
    inner join lateral (
        select distinct on (newest.reported_on) newest.*
        from forecast.earnings_date as newest
        where newest.ticker = reading.ticker
        order by newest.reported_on, newest.known_at desc
    ) as present on true
    left join forecast.ticker on ticker.ticker = reading.ticker
    cross join lateral (
        select cast(reading.read_at at time zone coalesce(ticker.timezone, 'UTC') as date) as today
    ) as clock
    where present.is_expected and {is_taken_back}
        and not exists (
            select from {staged} as given
            where given.ticker = present.ticker and given.reported_on = present.reported_on
        )
    on conflict (ticker, reported_on, known_at) do update set is_expected = false
"""

_NAMED_BY_SOURCE = f"present.source <> '{ESTIMATE}' and present.reported_on > clock.today"
_ESTIMATED = f"""
    present.source = '{ESTIMATE}'
    and (present.reported_on > clock.today or present.reported_on < clock.today - 5)
"""
"""An estimate of some days ago is that of the coming night if the exchange has been closed since."""


@dataclass(frozen=True)
class EarningsReading:
    """When a ticker's source has last named its reports to come and its past ones, UTC; None for never.

    ``has_reports``: False for what never reports, such as a fund.
    """

    ticker: str
    read_at: datetime
    past_read_at: datetime | None
    has_reports: bool


def save_earnings(connection: Connection, dates: Sequence[EarningsDate], read_at: Mapping[str, datetime]) -> int:
    """Stores what the tickers' source names now, where it differs from what is stored; the count of changes.

    ``read_at``: each ticker whose source was read, with the instant (UTC) of that reading; dates of other tickers are
    ignored. A day that lies ahead and is no longer named gets a row with ``is_expected`` False. A row
    is known from its ``known_at`` on, but never at an instant whose forecast was made without it. A source's word
    replaces an estimate of the same day; other estimates stay until ``save_estimates``.
    """
    return _save(connection, [item for item in dates if item.source != ESTIMATE], read_at, _NAMED_BY_SOURCE)


def save_estimates(connection: Connection, estimates: Sequence[EarningsDate], made_at: Mapping[str, datetime]) -> int:
    """Stores the days that follow from earlier reports, where they differ from what is stored; the count of changes.

    ``made_at``: each ticker whose reports were looked at, with the instant (UTC). An estimate that is not among
    ``estimates`` any more is taken back. A day that a source names stays as it is.
    """
    return _save(connection, [item for item in estimates if item.source == ESTIMATE], made_at, _ESTIMATED)


def estimation_instants(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, datetime]:
    """For each ticker the first instant (UTC) from ``as_of`` on at which an estimate can become known.

    By then everything that its source has said is known, and no hour has run without the estimate.
    """
    rows = fetch_rows(
        connection,
        f"""
        select
            reading.ticker,
            greatest(reading.read_at, noted.read_at, {_NOT_BEFORE}) as made_at
        from ({_LAST_READS}) as reading
        left join forecast.earnings_reading as noted on noted.ticker = reading.ticker
        """,  # noqa: S608  # constants
        {"tickers": list(tickers), "read_at": [require_utc(as_of, "as_of")] * len(tickers)},
    )
    return {row["ticker"]: row["made_at"] for row in rows}


def _save(
    connection: Connection, dates: Sequence[EarningsDate], read_at: Mapping[str, datetime], is_taken_back: str
) -> int:
    """Stores days where they differ from what is stored, and takes back what is no longer named; the count of changes.

    ``is_taken_back``: which of the stored days are those that ``dates`` would name again, as a condition.
    """
    if not read_at:
        return 0
    rows = {(item.ticker, item.reported_on, item.known_at): item for item in dates if item.ticker in read_at}
    staged = stage_rows(
        connection,
        EARNINGS_DATE,
        [(*key, item.timing, item.is_confirmed, item.is_expected, item.source) for key, item in rows.items()],
    )
    values = {
        "tickers": list(read_at),
        "read_at": [require_utc(at, "read_at") for at in read_at.values()],
    }
    names = {"staged": staged, "reads": _LAST_READS, "not_before": _NOT_BEFORE}
    names |= {"estimate": ESTIMATE, "is_taken_back": is_taken_back}
    return sum(execute(connection, text.format(**names), values) for text in (_SAVE_NAMED, _SAVE_WITHDRAWN))


def known_earnings(
    connection: Connection, tickers: Sequence[str], as_of: datetime, since: date
) -> dict[str, list[EarningsDate]]:
    """Each ticker's reports from ``since`` on as known at ``as_of`` (UTC), oldest first; others are absent.

    Days of which it was known at ``as_of`` that they are not expected any more are left out.
    """
    rows = fetch_rows(
        connection,
        """
        select * from (
            select distinct on (ticker, reported_on)
                ticker, reported_on, timing, is_confirmed, source, known_at, is_expected
            from forecast.earnings_date
            where ticker = any(cast(:tickers as text[])) and reported_on >= :since and known_at <= :as_of
            order by ticker, reported_on, known_at desc
        ) as known
        where is_expected
        order by ticker, reported_on
        """,
        {"tickers": list(tickers), "since": since, "as_of": require_utc(as_of, "as_of")},
    )
    found: dict[str, list[EarningsDate]] = {}
    for row in rows:
        item = EarningsDate(**{**row, "timing": ReportTiming(row["timing"])})
        found.setdefault(item.ticker, []).append(item)
    return found


def save_readings(
    connection: Connection, read_at: Mapping[str, datetime], with_past: Collection[str], with_reports: Collection[str]
) -> None:
    """Notes of each ticker when its source has named its reports (UTC), and for ``with_past`` also the past ones.

    ``with_reports``: the tickers that report at all. An earlier instant replaces no later one.
    """
    execute(
        connection,
        """
        insert into forecast.earnings_reading as stored (ticker, read_at, past_read_at, has_reports)
        select
            given.ticker, given.read_at,
            case when given.ticker = any(cast(:with_past as text[])) then given.read_at end,
            given.ticker = any(cast(:with_reports as text[]))
        from unnest(cast(:tickers as text[]), cast(:read_at as timestamptz[])) as given (ticker, read_at)
        on conflict (ticker) do update
        set read_at = greatest(stored.read_at, excluded.read_at),
            past_read_at = greatest(stored.past_read_at, excluded.past_read_at),
            has_reports = excluded.has_reports
        """,
        {
            "tickers": list(read_at),
            "read_at": [require_utc(at, "read_at") for at in read_at.values()],
            "with_past": list(with_past),
            "with_reports": list(with_reports),
        },
    )


def load_readings(connection: Connection, tickers: Sequence[str]) -> dict[str, EarningsReading]:
    """The readings of those of the tickers that have one."""
    rows = fetch_rows(
        connection,
        "select * from forecast.earnings_reading where ticker = any(cast(:tickers as text[]))",
        {"tickers": list(tickers)},
    )
    return {row["ticker"]: EarningsReading(**row) for row in rows}


def tickers_with_unread_past(connection: Connection, tickers: Sequence[str], as_of: datetime) -> set[str]:
    """The tickers whose past reports were never read, or that had a report (by its day) since, as known at ``as_of``.

    A day counts as past from the end of that day in UTC on.
    """
    rows = fetch_rows(
        connection,
        """
        select given.ticker
        from unnest(cast(:tickers as text[])) as given (ticker)
        left join forecast.earnings_reading as reading on reading.ticker = given.ticker
        where reading.past_read_at is null
            or exists (
                select from forecast.earnings_date as expected
                where expected.ticker = given.ticker and expected.is_expected and expected.known_at <= :as_of
                    and expected.reported_on + interval '1 day' <= :as_of at time zone 'UTC'
                    and expected.reported_on + interval '1 day' > reading.past_read_at at time zone 'UTC'
            )
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return {row["ticker"] for row in rows}
