-- grain: one row per metric and its labels

create view bi.metric as

with hour as (
    select
        planned_hour.as_of,
        exists(
            select
            from forecast.outcome
            where
                outcome.as_of = planned_hour.as_of
                and outcome.status = 'planned'
        ) as is_unfinished
    from forecast.planned_hour
    order by planned_hour.as_of desc
    limit 48
),

newest as (
    select max(as_of) as as_of from hour
),

-- as bi.missing_hour has it
gap as (
    select
        hour.as_of,
        coalesce(
            lead(hour.as_of) over (order by hour.as_of), now()
        ) - interval '30 minutes' as until_at
    from hour
),

outcome as (
    select outcome.*
    from forecast.outcome
    inner join newest using (as_of)
),

requested as (
    select
        source,
        case
            when stage <> 'planned' then 'done'
            when status = 'failed' then 'failed'
            else 'waiting'
        end as result
    from outcome
),

stage as (
    select stage_run.*
    from forecast.stage_run
    inner join newest using (as_of)
),

-- of the newest hour that fetched bars of the calendar
known_day as (
    select distinct on (counted.key)
        split_part(counted.key, '.', 2) as kind,
        split_part(counted.key, '.', 3) as name,
        counted.value::double precision as known_days
    from newest
    inner join forecast.stage_run
        on
            newest.as_of >= stage_run.as_of
            and newest.as_of < stage_run.as_of + interval '1 day'
    cross join lateral jsonb_each_text(stage_run.counts) as counted
    where
        stage_run.stage = 'fetch_bars'
        and counted.key like 'days_known.%'
    order by counted.key asc, stage_run.as_of desc
),

ticker as (
    select * from forecast.ticker
),

budget as (
    select * from forecast.request_budget
),

with_forecast as (
    select planned_hour.as_of
    from forecast.planned_hour
    where
        planned_hour.as_of > now() - interval '14 days'
        and exists (
            select
            from forecast.outcome
            where
                outcome.as_of = planned_hour.as_of
                and outcome.status in ('forecast', 'refreshed')
        )
    order by planned_hour.as_of desc
    limit 1
),

period as (
    select given.window_days
    from (values (7), (30)) as given (window_days)
),

accuracy as (
    select
        period.window_days,
        day.is_simulated,
        sum(day.forecast_count) as forecast_count,
        sum(day.inside_90_count) as inside_90_count,
        sum(day.beside_random_walk_crps) as crps,
        sum(day.random_walk_crps) as random_walk_crps
    from period
    inner join forecast.accuracy_market_day as day
        on
            day.day_exchange
            > (now() at time zone 'UTC')::date - period.window_days
    where not day.is_refresh
    group by period.window_days, day.is_simulated
),

training as (
    select
        avg(version.loss_before) as loss_before,
        avg(version.loss_after) as loss_after
    from ticker
    cross join
        lateral (
            select
                model_version.loss_before,
                model_version.loss_after
            from forecast.model_version
            where model_version.ticker = ticker.ticker
            order by model_version.as_of desc
            limit 1
        ) as version
    where ticker.status = 'active'
),

look as (
    select as_of from forecast.drift_look
    order by as_of desc
    limit 1
),

drift as (
    select drift.*
    from forecast.drift
    inner join look on drift.as_of = look.as_of
),

measured as (
    select
        'hourcast_tickers' as metric,
        jsonb_build_object('status', ticker.status) as labels,
        count(*)::double precision as value
    from ticker
    group by ticker.status
    union all
    select
        'hourcast_newest_hour_age_seconds' as metric,
        '{}' as labels,
        extract(epoch from now() - max(hour.as_of)) as value
    from hour
    union all
    select
        'hourcast_finished_hour_age_seconds' as metric,
        '{}' as labels,
        extract(epoch from now() - max(hour.as_of)) as value
    from hour
    where not hour.is_unfinished
    union all
    select
        'hourcast_forecast_age_seconds' as metric,
        '{}' as labels,
        extract(epoch from now() - with_forecast.as_of) as value
    from with_forecast
    union all
    select
        'hourcast_missing_hours' as metric,
        '{}' as labels,
        count(*) as value
    from gap
    cross join
        lateral generate_series(
            gap.as_of + interval '1 hour', gap.until_at, interval '1 hour'
        ) as missing (as_of)
    where missing.as_of > now() - interval '48 hours'
    union all
    select
        'hourcast_outcomes' as metric,
        jsonb_build_object('status', outcome.status) as labels,
        count(*) as value
    from outcome
    group by outcome.status
    union all
    select
        'hourcast_fetches' as metric,
        jsonb_build_object(
            'source', requested.source, 'result', requested.result
        ) as labels,
        count(*) as value
    from requested
    group by requested.source, requested.result
    union all
    select
        'hourcast_freshness_lag_seconds' as metric,
        '{}' as labels,
        max(
            extract(
                epoch from outcome.due_closed_at - outcome.newest_closed_at
            )
        ) as value
    from outcome
    where outcome.freshness in ('active', 'stale')
    union all
    select
        'hourcast_unreadable_models' as metric,
        '{}' as labels,
        count(*) as value
    from outcome
    where outcome.reason like '%no model could be read%'
    union all
    select
        'hourcast_open_questions' as metric,
        '{}' as labels,
        count(*) as value
    from forecast.scale_question
    where scale_question.settled_at is null
    union all
    select
        'hourcast_stage_seconds' as metric,
        jsonb_build_object('stage', stage.stage, 'shard', stage.shard_index)
            as labels,
        stage.seconds as value
    from stage
    union all
    select
        'hourcast_stage_peak_bytes' as metric,
        jsonb_build_object('stage', stage.stage, 'shard', stage.shard_index)
            as labels,
        stage.peak_bytes as value
    from stage
    union all
    select
        'hourcast_stage_failed' as metric,
        jsonb_build_object('stage', stage.stage, 'shard', stage.shard_index)
            as labels,
        stage.is_failed::integer as value
    from stage
    union all
    select
        'hourcast_stage_count' as metric,
        jsonb_build_object('stage', stage.stage, 'of', counted.key) as labels,
        sum(counted.value::double precision) as value
    from stage
    cross join lateral jsonb_each_text(stage.counts) as counted
    where counted.key not like 'days_known.%'
    group by stage.stage, counted.key
    union all
    select
        'hourcast_known_days' as metric,
        jsonb_build_object('kind', known_day.kind, 'name', known_day.name)
            as labels,
        known_day.known_days as value
    from known_day
    union all
    select
        'hourcast_requests_total' as metric,
        jsonb_build_object('source', budget.source) as labels,
        budget.request_count as value
    from budget
    union all
    select
        'hourcast_request_wait_seconds_total' as metric,
        jsonb_build_object('source', budget.source) as labels,
        budget.wait_seconds as value
    from budget
    union all
    select
        'hourcast_request_blocks_total' as metric,
        jsonb_build_object('source', budget.source) as labels,
        budget.block_count as value
    from budget
    union all
    select
        'hourcast_requests_blocked' as metric,
        jsonb_build_object('source', budget.source) as labels,
        (budget.reopens_at > now())::integer as value
    from budget
    union all
    select
        'hourcast_scored_forecasts' as metric,
        jsonb_build_object(
            'days', accuracy.window_days, 'simulated', accuracy.is_simulated
        ) as labels,
        accuracy.forecast_count as value
    from accuracy
    union all
    select
        'hourcast_coverage_90_ratio' as metric,
        jsonb_build_object(
            'days', accuracy.window_days, 'simulated', accuracy.is_simulated
        ) as labels,
        accuracy.inside_90_count::double precision
        / nullif(accuracy.forecast_count, 0) as value
    from accuracy
    union all
    select
        'hourcast_crps_skill_ratio' as metric,
        jsonb_build_object(
            'days', accuracy.window_days, 'simulated', accuracy.is_simulated
        ) as labels,
        1 - accuracy.crps::double precision
        / nullif(accuracy.random_walk_crps, 0) as value
    from accuracy
    union all
    select
        'hourcast_loss' as metric,
        '{"when": "before"}' as labels,
        training.loss_before as value
    from training
    union all
    select
        'hourcast_loss' as metric,
        '{"when": "after"}' as labels,
        training.loss_after as value
    from training
    union all
    select
        'hourcast_drift_look_age_seconds' as metric,
        '{}' as labels,
        extract(epoch from now() - look.as_of) as value
    from look
    union all
    select
        'hourcast_drift_e_value' as metric,
        jsonb_build_object(
            'kind', drift.kind,
            'market', drift.calendar,
            'simulated', drift.is_simulated
        ) as labels,
        drift.e_value as value
    from drift
    union all
    select
        'hourcast_drifted' as metric,
        jsonb_build_object(
            'kind', drift.kind,
            'market', drift.calendar,
            'simulated', drift.is_simulated
        ) as labels,
        drift.is_drifted::integer as value
    from drift
    union all
    select
        'hourcast_shifted_inputs' as metric,
        jsonb_build_object(
            'market', input_shift.calendar,
            'simulated', input_shift.is_simulated
        ) as labels,
        count(*) filter (where input_shift.is_shifted) as value
    from forecast.input_shift
    inner join look on input_shift.as_of = look.as_of
    group by input_shift.calendar, input_shift.is_simulated
    union all
    select
        'hourcast_database_bytes' as metric,
        '{}' as labels,
        pg_database_size(current_database()) as value
),

final as (
    select * from measured
    where value is not null
)

select * from final;

comment on view bi.metric is
'One row per metric and its labels: the state of the pipeline now, as the '
'endpoint for Prometheus shows it.';
comment on column bi.metric.metric is
'Name of the metric; it ends with its unit where that is not a number of '
'things.';
comment on column bi.metric.labels is
'Labels and their values, as JSON.';
comment on column bi.metric.value is
'Its value, in the unit that the name says: seconds, bytes, a share from 0 to '
'1, a loss in the unit of the model, or a number of things.';
