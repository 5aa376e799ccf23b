-- grain: one row per hour, stage and shard

create view bi.stage_run as

with final as (
    select
        as_of,
        stage,
        shard_index,
        run_count,
        is_failed,
        seconds,
        peak_bytes,
        counts,
        finished_at
    from forecast.stage_run
)

select * from final;

comment on view bi.stage_run is
'One row per hour, stage and shard: how long its newest run took, how much '
'memory it used, and what it did.';
comment on column bi.stage_run.as_of is
'as_of of the hour, UTC.';
comment on column bi.stage_run.stage is
'The task: plan, fetch_bars, compute_features, fine_tune, predict, score or '
'check_hour.';
comment on column bi.stage_run.shard_index is
'The shard, from 0; -1 for a stage of the whole hour.';
comment on column bi.stage_run.run_count is
'How often it ran: retries, clears and backfills run it again.';
comment on column bi.stage_run.is_failed is
'True if the newest run failed.';
comment on column bi.stage_run.seconds is
'Seconds that the newest run took, without the start of its process.';
comment on column bi.stage_run.peak_bytes is
'Largest memory of its process so far, in bytes.';
comment on column bi.stage_run.counts is
'What it did: numbers of tickers, rows, bars or forecasts by name, as JSON.';
comment on column bi.stage_run.finished_at is
'When the newest run ended, UTC.';
