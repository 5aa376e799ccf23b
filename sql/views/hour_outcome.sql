-- grain: one row per hour and ticker that it planned

create view bi.hour_outcome as

with outcome as (
    select * from forecast.outcome
),

ticker as (
    select * from forecast.ticker
),

-- every horizon of a forecast has the same anchor, model and origin
nearest as (
    select * from forecast.prediction
    where horizon = 1
),

final as (
    select
        outcome.as_of,
        outcome.ticker,
        outcome.source,
        ticker.is_simulated,
        outcome.shard_index,
        outcome.shard_count,
        outcome.stage,
        outcome.status,
        outcome.reason,
        nearest.anchored_at,
        nearest.model_version,
        outcome.updated_at
    from outcome
    left join ticker using (ticker)
    left join nearest using (ticker, as_of)
)

select * from final;

comment on view bi.hour_outcome is
'One row per hour and ticker that it planned: what became of it, and why.';
comment on column bi.hour_outcome.as_of is
'The hour''s instant: nothing later was known to it, UTC.';
comment on column bi.hour_outcome.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.hour_outcome.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.hour_outcome.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.hour_outcome.shard_index is
'The shard of the hour that worked on it, from 0.';
comment on column bi.hour_outcome.shard_count is
'Shards of the hour.';
comment on column bi.hour_outcome.stage is
'How far it came: planned, fetched, featured, trained or predicted.';
comment on column bi.hour_outcome.status is
'planned (not finished), forecast, fallback, skipped or failed.';
comment on column bi.hour_outcome.reason is
'Why; null where there is nothing to say.';
comment on column bi.hour_outcome.anchored_at is
'When the bar closed that the hour''s forecast started from, UTC; else null.';
comment on column bi.hour_outcome.model_version is
'The model that forecast (content hash); null where none did.';
comment on column bi.hour_outcome.updated_at is
'When it last changed, UTC.';
