-- grain: one row per hour that never ran

create view bi.missing_hour as

with hour as (
    select
        as_of,
        lead(as_of) over (order by as_of) as next_as_of
    from forecast.planned_hour
),

-- within half an hour it is late, and not missing
gap as (
    select
        as_of,
        next_as_of,
        coalesce(next_as_of, now()) - interval '30 minutes' as until_at
    from hour
    where coalesce(next_as_of, now()) - as_of > interval '90 minutes'
),

final as (
    select
        missing.as_of,
        gap.as_of as previous_as_of,
        gap.next_as_of,
        extract(epoch from now() - missing.as_of)::double precision
        / 3600 as age_hours,
        case
            when gap.next_as_of is null
                then
                    'nothing has run since: Airflow is not running, or the '
                    || 'DAG hourly_forecast is paused or stuck'
            else
                'nothing ran: Airflow was down, or the DAG hourly_forecast '
                || 'was paused; the next hour caught up with the bars'
        end as reason
    from gap
    cross join lateral generate_series(
        gap.as_of + interval '1 hour', gap.until_at, interval '1 hour'
    ) as missing (as_of)
)

select * from final;

comment on view bi.missing_hour is
'One row per hour that never ran: between two hours that did, and from the '
'newest one to now. Its forecasts do not exist; a backfill makes them.';
comment on column bi.missing_hour.as_of is
'When it would have been, UTC: whole hours after the hour before the gap.';
comment on column bi.missing_hour.previous_as_of is
'The last hour before the gap, UTC.';
comment on column bi.missing_hour.next_as_of is
'The first hour after the gap, UTC; null if none has run since.';
comment on column bi.missing_hour.age_hours is
'Hours from as_of to now.';
comment on column bi.missing_hour.reason is
'What it means, in words.';
