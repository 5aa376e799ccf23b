-- grain: one row per ticker and day on the clock of its exchange

create view bi.data_quality as

with ticker as (
    select
        ticker,
        source,
        is_simulated,
        feed_delay_minutes,
        coalesce(timezone, 'UTC') as timezone
    from forecast.ticker
),

expected as (
    select * from forecast.expected_day
),

bar as (
    select * from forecast.bar
),

-- a split replaces a whole series; that is no revision
revision as (
    select
        revision.*,
        split.factor is not null as is_by_split
    from forecast.bar_revision as revision
    left join forecast.split
        on
            revision.ticker = split.ticker
            and revision.superseded_at = split.known_at
),

rejected as (
    select * from forecast.bar_rejected
),

-- when a bar was first believed: the oldest reading tells
reading as (
    select
        ticker,
        opened_at,
        closed_at,
        known_at,
        'stored' as kind,
        null as reason
    from bar
    union all
    select
        ticker,
        opened_at,
        closed_at,
        known_at,
        case when is_by_split then 'rescaled' else 'revised' end as kind,
        null as reason
    from revision
    union all
    select
        ticker,
        opened_at,
        closed_at,
        as_of as known_at,
        'rejected' as kind,
        reason
    from rejected
),

event as (
    select
        ticker.ticker,
        (reading.opened_at at time zone ticker.timezone)::date as day_exchange,
        reading.kind,
        reading.reason,
        reading.kind <> 'rejected'
        and row_number() over (
            partition by
                reading.ticker, reading.opened_at, reading.kind = 'rejected'
            order by reading.known_at
        ) = 1
        and reading.known_at > reading.closed_at
        + make_interval(hours => 1, mins => ticker.feed_delay_minutes)
            as is_late
    from reading
    inner join ticker using (ticker)
),

counted as (
    select
        ticker,
        day_exchange,
        count(*) filter (where kind = 'stored') as bar_count,
        count(*) filter (where is_late) as late_count,
        count(*) filter (where kind = 'revised') as revision_count,
        count(*) filter (where kind = 'rejected') as rejection_count,
        string_agg(distinct reason, ', ') as rejection_reasons
    from event
    group by ticker, day_exchange
),

final as (
    select
        ticker,
        ticker.source,
        ticker.is_simulated,
        day_exchange,
        expected.expected_count,
        coalesce(counted.bar_count, 0) as bar_count,
        greatest(
            expected.expected_count - coalesce(counted.bar_count, 0), 0
        ) as missing_count,
        coalesce(counted.late_count, 0) as late_count,
        coalesce(counted.revision_count, 0) as revision_count,
        coalesce(counted.rejection_count, 0) as rejection_count,
        counted.rejection_reasons
    from counted
    full join expected using (ticker, day_exchange)
    inner join ticker using (ticker)
)

select * from final;

comment on view bi.data_quality is
'One row per ticker and day: bars that its calendar wanted, and that are '
'believed, missing, late, revised and rejected.';
comment on column bi.data_quality.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.data_quality.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.data_quality.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.data_quality.day_exchange is
'Day on the clock of the exchange on which the bars opened.';
comment on column bi.data_quality.expected_count is
'Bars that were due so far by the calendar; null where nobody asked.';
comment on column bi.data_quality.bar_count is
'Bars that are believed now.';
comment on column bi.data_quality.missing_count is
'Bars that were due and are not there; null where nobody asked.';
comment on column bi.data_quality.late_count is
'Bars that came more than an hour after they could have been known.';
comment on column bi.data_quality.revision_count is
'Earlier values of such bars that were replaced; a split replaces none.';
comment on column bi.data_quality.rejection_count is
'Failed checks of bars that were not believed; a bar may fail several.';
comment on column bi.data_quality.rejection_reasons is
'Names of the checks that failed; null where none did.';
