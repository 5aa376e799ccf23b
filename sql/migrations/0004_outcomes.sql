-- What every hour and every onboarding request planned, and what became of it.

create table forecast.outcome (
    as_of timestamptz not null,
    ticker text not null,
    source text not null,
    shard_index integer not null,
    shard_count integer not null,
    stage text not null,
    status text not null,
    reason text,
    updated_at timestamptz not null default now(),
    primary key (as_of, ticker),
    constraint outcome_shard_is_one_of_count check (
        0 <= shard_index and shard_index < shard_count
    ),
    constraint outcome_stage_is_known check (
        stage in ('planned', 'fetched', 'featured', 'trained', 'predicted')
    ),
    constraint outcome_status_is_known check (
        status in ('planned', 'forecast', 'fallback', 'skipped', 'failed')
    )
);

create index outcome_by_ticker on forecast.outcome (ticker, as_of);

comment on table forecast.outcome is
'One row per hour and ticker that it planned: the hour''s plan, and its end.';
comment on column forecast.outcome.as_of is
'The hour''s instant: nothing later was known to it, UTC.';
comment on column forecast.outcome.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.outcome.source is
'Source of the ticker''s bars when the hour was planned.';
comment on column forecast.outcome.shard_index is
'The shard of the hour that works on it, from 0.';
comment on column forecast.outcome.shard_count is
'Shards of the hour.';
comment on column forecast.outcome.stage is
'How far it came: planned, fetched, featured, trained or predicted.';
comment on column forecast.outcome.status is
'What became of it: planned, forecast, fallback, skipped or failed.';
comment on column forecast.outcome.reason is
'Why, in words; null where there is nothing to say.';
comment on column forecast.outcome.updated_at is
'When the row was written or its content last changed, UTC.';


create table forecast.onboarding (
    request_id text not null,
    ticker text not null,
    as_of timestamptz not null,
    source text,
    history_days integer not null,
    shard_index integer,
    shard_count integer,
    stage text not null default 'requested',
    result text,
    reason text,
    updated_at timestamptz not null default now(),
    primary key (request_id, ticker),
    constraint onboarding_shard_is_one_of_count check (
        (shard_index is null) = (shard_count is null)
        and 0 <= shard_index and shard_index < shard_count
    ),
    constraint onboarding_stage_is_known check (
        stage in (
            'requested', 'validated', 'backfilled', 'trained', 'forecast'
        )
    )
);

comment on table forecast.onboarding is
'One row per onboarding request and ticker that it names.';
comment on column forecast.onboarding.request_id is
'The run that was asked, such as manual__2026-01-05T10:00:00+00:00.';
comment on column forecast.onboarding.ticker is
'Symbol as it was understood; as it was typed where it makes no sense.';
comment on column forecast.onboarding.as_of is
'The instant that the onboarding is as of, UTC.';
comment on column forecast.onboarding.source is
'Source of the bars that was asked for; null for a retirement.';
comment on column forecast.onboarding.history_days is
'Days of history asked for.';
comment on column forecast.onboarding.shard_index is
'The shard that works on it, from 0; null where it came to no shard.';
comment on column forecast.onboarding.shard_count is
'Shards of the request; null where it came to no shard.';
comment on column forecast.onboarding.stage is
'How far it came: requested, validated, backfilled, trained or forecast.';
comment on column forecast.onboarding.result is
'active, already_active, rejected, failed, pending, retired or not_tracked; '
'null while it is worked on.';
comment on column forecast.onboarding.reason is
'Why, in words; null where there is nothing to say.';
comment on column forecast.onboarding.updated_at is
'When the row was written or its content last changed, UTC.';
