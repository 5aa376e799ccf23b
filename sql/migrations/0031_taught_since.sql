-- A backbone that is requested because of drift is trained on the newest weeks
-- only.

alter table forecast.backbone add column taught_since_at timestamptz;

comment on column forecast.backbone.taught_since_at is
'Training windows end at bars that closed from this instant on, UTC; null for '
'no such limit.';
