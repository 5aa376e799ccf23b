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

-- without the readings that splits superseded: a split rescales all bars
revision as (
    select revision.*
    from forecast.bar_revision as revision
    left join forecast.split
        on
            revision.ticker = split.ticker
            and revision.superseded_at = split.known_at
    where split.factor is null
),

-- when the first reading of a revised bar became known
first_reading as (
    select
        ticker,
        opened_at,
        min(known_at) as known_at
    from forecast.bar_revision
    group by ticker, opened_at
),

rejected as (
    select * from forecast.bar_rejected
),

-- changes of scale that no source announced
change as (
    select * from forecast.split
    where not is_announced
),

question as (
    select * from forecast.scale_question
    where settled_at is null
),

-- each part has the ticker, so that a condition on it reaches the indexes
event as (
    select
        expected.ticker,
        expected.day_exchange,
        expected.expected_count,
        'expected' as kind,
        null as reason
    from expected
    union all
    select
        bar.ticker,
        (bar.opened_at at time zone ticker.timezone)::date as day_exchange,
        null as expected_count,
        case
            when
                coalesce(first_reading.known_at, bar.known_at)
                > bar.closed_at
                + make_interval(hours => 1, mins => ticker.feed_delay_minutes)
                then 'late'
            else 'timely'
        end as kind,
        null as reason
    from bar
    inner join ticker on bar.ticker = ticker.ticker
    left join first_reading
        on
            bar.ticker = first_reading.ticker
            and bar.opened_at = first_reading.opened_at
    union all
    select
        revision.ticker,
        (revision.opened_at at time zone ticker.timezone)::date as day_exchange,
        null as expected_count,
        'revised' as kind,
        null as reason
    from revision
    inner join ticker on revision.ticker = ticker.ticker
    union all
    select
        rejected.ticker,
        (rejected.opened_at at time zone ticker.timezone)::date as day_exchange,
        null as expected_count,
        'rejected' as kind,
        rejected.reason
    from rejected
    inner join ticker on rejected.ticker = ticker.ticker
    union all
    select
        change.ticker,
        (change.effective_at at time zone ticker.timezone)::date
            as day_exchange,
        null as expected_count,
        'scale change' as kind,
        null as reason
    from change
    inner join ticker on change.ticker = ticker.ticker
    union all
    select
        question.ticker,
        (question.opened_at at time zone ticker.timezone)::date as day_exchange,
        null as expected_count,
        'scale question' as kind,
        null as reason
    from question
    inner join ticker on question.ticker = ticker.ticker
),

counted as (
    select
        ticker,
        day_exchange,
        max(expected_count) as expected_count,
        count(*) filter (where kind in ('timely', 'late')) as bar_count,
        count(*) filter (where kind = 'late') as late_count,
        count(*) filter (where kind = 'revised') as revision_count,
        count(*) filter (where kind = 'rejected') as rejection_count,
        string_agg(distinct reason, ', ') as rejection_reasons,
        count(*) filter (where kind = 'scale change') as scale_change_count,
        count(*) filter (where kind = 'scale question') as scale_question_count
    from event
    group by ticker, day_exchange
),

final as (
    select
        ticker.ticker,
        ticker.source,
        ticker.is_simulated,
        counted.day_exchange,
        counted.expected_count,
        counted.bar_count,
        case
            when counted.expected_count is not null
                then greatest(counted.expected_count - counted.bar_count, 0)
        end as missing_count,
        counted.late_count,
        counted.revision_count,
        counted.rejection_count,
        counted.rejection_reasons,
        counted.scale_change_count,
        counted.scale_question_count
    from counted
    inner join ticker on counted.ticker = ticker.ticker
)

select * from final;

comment on view bi.data_quality is
'One row per ticker and day with bars that were due or stored: counts of due, '
'stored, missing, late, revised and rejected bars, and changes of scale.';
comment on column bi.data_quality.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.data_quality.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.data_quality.is_simulated is
'True if the market is simulated.';
comment on column bi.data_quality.day_exchange is
'Day in the exchange''s time zone on which the bars opened.';
comment on column bi.data_quality.expected_count is
'Number of bars due so far by the calendar, without those that the feed never '
'serves; null if the day was never fetched.';
comment on column bi.data_quality.bar_count is
'Number of stored bars.';
comment on column bi.data_quality.missing_count is
'Number of due bars that are not stored; null if the day was never fetched.';
comment on column bi.data_quality.late_count is
'Number of bars that became known more than an hour after their close and the '
'feed delay. Bars of a backfill count as known after the feed delay.';
comment on column bi.data_quality.revision_count is
'Number of earlier readings that later ones superseded; those of splits do '
'not count.';
comment on column bi.data_quality.rejection_count is
'Number of failed checks of rejected bars; a bar may fail several.';
comment on column bi.data_quality.rejection_reasons is
'Names of the failed checks; null if there were none.';
comment on column bi.data_quality.scale_change_count is
'Number of changes of the price scale that took effect on the day and that the '
'source did not announce; see bi.event.';
comment on column bi.data_quality.scale_question_count is
'Number of open questions about the price scale on the day; see bi.event.';
