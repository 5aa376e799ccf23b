-- How a new backbone did against others, market by market; and two more
-- operations: that it serves, and that it does not.

create table forecast.backbone_score (
    request_id text not null,
    is_simulated boolean not null,
    calendar text not null,
    compared_with text not null,
    ticker_count integer not null,
    day_count integer not null,
    crps_skill_ratio double precision,
    other_crps_skill_ratio double precision,
    crps_difference_ratio double precision,
    standard_error_ratio double precision,
    is_drifted boolean not null,
    verdict text not null,
    primary key (request_id, is_simulated, calendar, compared_with),
    constraint scored_backbone_is_there foreign key (request_id)
    references forecast.backbone (request_id) on delete cascade,
    constraint score_verdict_is_known check (
        verdict in ('better', 'equal', 'worse', 'too few days')
    )
);

comment on table forecast.backbone_score is
'One row per request to pre-train a backbone, market and forecaster that it '
'was compared with, on the bars from cutoff_at to as_of of the request.';
comment on column forecast.backbone_score.request_id is
'Id of the request; see forecast.backbone.';
comment on column forecast.backbone_score.is_simulated is
'True if the market is simulated.';
comment on column forecast.backbone_score.calendar is
'Session calendar of the market; all for all markets together.';
comment on column forecast.backbone_score.compared_with is
'present backbone, scale alone or HAR.';
comment on column forecast.backbone_score.ticker_count is
'Number of tickers with scores.';
comment on column forecast.backbone_score.day_count is
'Number of days in UTC with scores.';
comment on column forecast.backbone_score.crps_skill_ratio is
'1 less the new backbone''s CRPS over the random walk''s, a ratio: mean over '
'tickers and horizons; null if it cannot be computed.';
comment on column forecast.backbone_score.other_crps_skill_ratio is
'The same ratio for the forecaster that it was compared with.';
comment on column forecast.backbone_score.crps_difference_ratio is
'The new backbone''s CRPS less the other''s, a ratio to the random walk''s: '
'mean over days; below 0 the new one is better. Null below 2 days.';
comment on column forecast.backbone_score.standard_error_ratio is
'Standard error of that difference over days, the same ratio; null below 2 '
'days.';
comment on column forecast.backbone_score.is_drifted is
'True if drift of the present backbone''s forecasts was proven in the market.';
comment on column forecast.backbone_score.verdict is
'better, equal, worse or too few days; see docs/drift.md.';

alter table forecast.model_operation drop constraint operation_is_known;
alter table forecast.model_operation add constraint operation_is_known check (
    operation in (
        'retrain', 'keep', 'promote', 'reject', 'confirm', 'roll back'
    )
);
-- two requests may have the same instant
alter table forecast.model_operation drop constraint model_operation_pkey;
alter table forecast.model_operation
add constraint operation_is_stored_once
unique nulls not distinct (as_of, operation, request_id, model_version);
comment on table forecast.model_operation is
'One row per instant, operation and request on the backbones.';
comment on column forecast.model_operation.operation is
'retrain: another backbone was requested; keep: none was; promote: the new '
'backbone serves; reject: it does not; confirm: the backbone in use passed '
'its two weeks; roll back: it was taken back.';
comment on column forecast.model_operation.model_version is
'The new backbone for promote and reject, and the backbone in use for the '
'others; null for none.';
comment on column forecast.model_operation.request_id is
'The request of that backbone, or the one that was started; null for none.';
comment on column forecast.model_operation.decided_by is
'watch_models, pretrain_backbone, the person who decided, or nobody if no '
'answer came in time.';
