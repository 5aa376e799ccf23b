-- What each stage of an hour cost and did, and how often a source was asked.

create table forecast.stage_run (
    as_of timestamptz not null,
    stage text not null,
    shard_index integer not null,
    run_count integer not null default 1,
    is_failed boolean not null,
    seconds double precision not null,
    peak_bytes bigint not null,
    counts jsonb not null,
    finished_at timestamptz not null default now(),
    primary key (as_of, stage, shard_index)
);

comment on table forecast.stage_run is
'One row per hour, stage and shard: what its newest run cost and did. Nothing '
'is computed from it.';
comment on column forecast.stage_run.as_of is
'as_of of the hour, UTC.';
comment on column forecast.stage_run.stage is
'The task: plan, fetch_bars, compute_features, fine_tune, predict, score or '
'check_hour.';
comment on column forecast.stage_run.shard_index is
'The shard, from 0; -1 for a stage of the whole hour.';
comment on column forecast.stage_run.run_count is
'How often it ran: retries, clears and backfills run it again.';
comment on column forecast.stage_run.is_failed is
'True if the newest run failed.';
comment on column forecast.stage_run.seconds is
'Seconds that the newest run took, without the start of its process.';
comment on column forecast.stage_run.peak_bytes is
'Largest memory of its process so far, in bytes.';
comment on column forecast.stage_run.counts is
'What it did: numbers of tickers, rows, bars or forecasts by name.';
comment on column forecast.stage_run.finished_at is
'When the newest run ended, UTC.';

alter table forecast.request_budget
add column request_count bigint not null default 0,
add column wait_seconds double precision not null default 0,
add column block_count bigint not null default 0;
comment on column forecast.request_budget.request_count is
'How many requests were made since this column exists.';
comment on column forecast.request_budget.wait_seconds is
'Seconds for which they waited for their turns, in all.';
comment on column forecast.request_budget.block_count is
'How often the source has refused one of us.';
