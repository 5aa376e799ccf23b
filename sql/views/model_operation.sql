-- grain: one row per instant, request and operation on the backbones

create view bi.model_operation as

with operation as (
    select * from forecast.model_operation
),

final as (
    select
        as_of,
        operation,
        model_version,
        other_version,
        request_id,
        reason,
        decided_by,
        happened_at
    from operation
)

select * from final;

comment on view bi.model_operation is
'One row per instant, request and operation on the backbones: why another one '
'was requested or not, and which one was promoted, rejected, confirmed or '
'taken back.';
comment on column bi.model_operation.as_of is
'The decision used nothing known later than this instant, UTC.';
comment on column bi.model_operation.operation is
'retrain: another backbone was requested; keep: none was; promote: the new '
'backbone serves; reject: it does not; confirm: the backbone in use passed '
'its two weeks; roll back: it was taken back.';
comment on column bi.model_operation.model_version is
'The new backbone for promote and reject, and the backbone in use for the '
'others; null for none.';
comment on column bi.model_operation.other_version is
'The backbone that it was compared with, or that follows it; null for none.';
comment on column bi.model_operation.request_id is
'The request of that backbone, or the one that was started; null for none.';
comment on column bi.model_operation.reason is
'Why, in words.';
comment on column bi.model_operation.decided_by is
'watch_models, pretrain_backbone, the person who decided, or nobody if no '
'answer came in time.';
comment on column bi.model_operation.happened_at is
'When the row was written, UTC.';
