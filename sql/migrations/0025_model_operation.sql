-- What was done with the backbones, step by step, and which were taken back.

alter table forecast.backbone add column withdrawn_as_of timestamptz;
comment on column forecast.backbone.withdrawn_as_of is
'Hours from this instant on no longer use it; null if it was never taken back, '
'UTC.';

create table forecast.model_operation (
    as_of timestamptz not null,
    operation text not null,
    model_version text,
    other_version text,
    request_id text,
    reason text not null,
    decided_by text not null,
    happened_at timestamptz not null default now(),
    primary key (as_of, operation),
    constraint operation_is_known check (
        operation in ('retrain', 'keep', 'confirm', 'roll back')
    )
);

comment on table forecast.model_operation is
'One row per instant and operation on the backbones.';
comment on column forecast.model_operation.as_of is
'The decision used nothing known later than this instant, UTC.';
comment on column forecast.model_operation.operation is
'retrain: another backbone was requested; keep: none was; confirm: the '
'backbone in use passed its two weeks; roll back: it was taken back.';
comment on column forecast.model_operation.model_version is
'The backbone in use at the decision; null for none.';
comment on column forecast.model_operation.other_version is
'The backbone that it was compared with, or that follows it; null for none.';
comment on column forecast.model_operation.request_id is
'The request of the backbone in use, or the one that was started; null for '
'none.';
comment on column forecast.model_operation.reason is
'Why, in words.';
comment on column forecast.model_operation.decided_by is
'watch_models, or who gave the command.';
comment on column forecast.model_operation.happened_at is
'When the row was written, UTC.';
