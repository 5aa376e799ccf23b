"""Past days of companies' reports with their minutes, from filings that the SEC has accepted.

A report is an 8-K with item 2.02. Of several since the end of a period the last one before the 10-Q or 10-K counts:
earlier ones announce results in advance. Without one the 10-Q or 10-K itself is the report. Where next: ``earnings.py``
for how a day is read at an instant.
"""

from __future__ import annotations

from datetime import datetime

from include.contracts import require_utc
from include.store.engine import Connection, execute

_REPORTS = """
    exact as (
        select filing.number, filing.receipt, filing.form, filing.items, filing.period_end, filing.accepted_at
        from filings.filing as filing
        inner join filings.version as version using (source, receipt)
        where filing.source = 'edgar' and version.version = 1 and filing.accepted_at <= :as_of
    ),
    announced as (
        select * from exact where form = '8-K' and '2.02' = any(items)
    ),
    periodic as (
        select * from exact where form in ('10-Q', '10-K') and period_end is not null
    ),
    report as (
        select periodic.number, coalesce(max(announced.accepted_at), periodic.accepted_at) as reported_at
        from periodic
        left join announced
            on announced.number = periodic.number
            and announced.accepted_at > periodic.period_end
            and announced.accepted_at <= periodic.accepted_at + interval '1 day'
        group by periodic.number, periodic.receipt, periodic.accepted_at
        union
        select announced.number, max(announced.accepted_at)
        from announced
        where not exists (
            select from periodic
            where periodic.number = announced.number
                and periodic.accepted_at + interval '1 day' >= announced.accepted_at
        )
        group by announced.number
    )
"""

_NIGHTS = """
    night as (
        select distinct on (ticker.ticker, cast(report.reported_at at time zone ticker.timezone as date))
            ticker.ticker,
            cast(report.reported_at at time zone ticker.timezone as date) as reported_on,
            report.reported_at,
            case
                when cast(report.reported_at at time zone ticker.timezone as time) < '09:30' then 'before_open'
                when cast(report.reported_at at time zone ticker.timezone as time) >= '16:00' then 'after_close'
                else 'unknown'
            end as timing,
            greatest(
                report.reported_at,
                (
                    select max(outcome.as_of) + interval '1 microsecond' from forecast.outcome
                    where outcome.ticker = ticker.ticker and outcome.stage <> 'planned'
                ),
                (
                    select max(prediction.as_of) + interval '1 microsecond' from forecast.prediction
                    where prediction.ticker = ticker.ticker
                )
            ) as known_at
        from report
        inner join filings.company as company on company.source = 'edgar' and company.number = report.number
        inner join forecast.ticker as ticker on ticker.ticker = any(company.tickers)
        where ticker.timezone = 'America/New_York' and not ticker.is_simulated
        order by
            ticker.ticker, cast(report.reported_at at time zone ticker.timezone as date), report.reported_at desc
    )
"""


def save_filed_reports(connection: Connection, as_of: datetime) -> int:
    """Stores the days and minutes of reports that were accepted at ``as_of`` (UTC) or before; the count of new days.

    Only tickers of New York with a fetched filing have any, since a list does not give the exact minute. A day is known
    from the minute on, but never at an instant whose forecast was made without it. A repetition changes nothing.
    """
    return execute(
        connection,
        f"""
        with {_REPORTS}, {_NIGHTS}
        insert into forecast.earnings_date as stored
            (ticker, reported_on, known_at, timing, is_confirmed, is_expected, source, reported_at)
        select night.ticker, night.reported_on, night.known_at, night.timing, true, true, 'edgar', night.reported_at
        from night
        left join lateral (
            select before.reported_at
            from forecast.earnings_date as before
            where before.ticker = night.ticker and before.reported_on = night.reported_on
            order by before.known_at desc
            limit 1
        ) as present on true
        where present.reported_at is distinct from night.reported_at
        on conflict (ticker, reported_on, known_at) do update
        set timing = excluded.timing, is_confirmed = true, is_expected = true, source = excluded.source,
            reported_at = excluded.reported_at
        """,  # noqa: S608  # constants
        {"as_of": require_utc(as_of, "as_of")},
    )
