-- grain: one row per request to pre-train a backbone

create view bi.backbone as

with backbone as (
    select * from forecast.backbone
),

final as (
    select
        backbone.request_id,
        backbone.as_of,
        backbone.cutoff_at,
        backbone.model_version,
        cardinality(backbone.tickers) as ticker_count,
        backbone.simulated_count,
        backbone.bar_count,
        (backbone.scores ->> 'backbone_skill')::double precision
            as crps_skill_ratio,
        (backbone.scores ->> 'present_skill')::double precision
            as present_crps_skill_ratio,
        (backbone.scores ->> 'scale_skill')::double precision
            as scale_crps_skill_ratio,
        (backbone.scores ->> 'coverage_90')::double precision
            as coverage_90_ratio,
        backbone.is_promoted,
        backbone.reason,
        backbone.promoted_at
    from backbone
)

select * from final;

comment on view bi.backbone is
'One row per request to pre-train a backbone: its training data, its scores '
'on the newest bars, and whether it was promoted.';
comment on column bi.backbone.request_id is
'Id of the requested run.';
comment on column bi.backbone.as_of is
'Training and scores used nothing known later than this instant, UTC.';
comment on column bi.backbone.cutoff_at is
'Training used bars that closed before this instant; the scores used those '
'from it to as_of, UTC.';
comment on column bi.backbone.model_version is
'Content hash of the weights; null until it is trained.';
comment on column bi.backbone.ticker_count is
'Number of tracked tickers in the training data.';
comment on column bi.backbone.simulated_count is
'Number of simulated tickers in the training data.';
comment on column bi.backbone.bar_count is
'Number of bars in the training data; null until it is trained.';
comment on column bi.backbone.crps_skill_ratio is
'1 less its CRPS over the random walk''s, a ratio: mean over tickers and '
'horizons; null until it is scored.';
comment on column bi.backbone.present_crps_skill_ratio is
'The same ratio for the backbone before it; null if there was none.';
comment on column bi.backbone.scale_crps_skill_ratio is
'The same ratio for the scale alone, without a network.';
comment on column bi.backbone.coverage_90_ratio is
'Share of outcomes within its q05 and q95, one bar ahead; the target is 0.9.';
comment on column bi.backbone.is_promoted is
'True if hours from as_of on may use it.';
comment on column bi.backbone.reason is
'Reason why it was promoted or not; null until that is decided.';
comment on column bi.backbone.promoted_at is
'When it was promoted, UTC; null if it was not.';
