-- grain: one row per hour and ticker that it planned

create view bi.hour_outcome as
-- without named parts, so that an order with a limit reaches the indexes
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
    prediction.anchored_at,
    prediction.believed_at,
    forecast.model_name(prediction.model_version) as model_version,
    outcome.updated_at
from forecast.outcome
left join forecast.ticker using (ticker)
left join forecast.prediction using (ticker, as_of);

comment on view bi.hour_outcome is
'One row per hour and ticker that it planned: the result and its reason.';
comment on column bi.hour_outcome.as_of is
'as_of of the hour: it used nothing known later, UTC.';
comment on column bi.hour_outcome.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.hour_outcome.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.hour_outcome.is_simulated is
'True if the market is simulated.';
comment on column bi.hour_outcome.shard_index is
'Number of the shard that processed the ticker, from 0.';
comment on column bi.hour_outcome.shard_count is
'Number of shards of the hour.';
comment on column bi.hour_outcome.stage is
'Last completed stage: planned, fetched, featured, trained or predicted.';
comment on column bi.hour_outcome.status is
'planned (unfinished), forecast, refreshed (from a price of extended hours), '
'fallback, skipped or failed.';
comment on column bi.hour_outcome.reason is
'Reason for the status; null if there is none to give.';
comment on column bi.hour_outcome.anchored_at is
'When the newest bar known to the forecast closed, UTC; else null.';
comment on column bi.hour_outcome.believed_at is
'When the price of extended hours is from that the forecast starts from, UTC; '
'null for a regular forecast.';
comment on column bi.hour_outcome.model_version is
'model_version of the model (content hash); null if no model forecast.';
comment on column bi.hour_outcome.updated_at is
'When it last changed, UTC.';
