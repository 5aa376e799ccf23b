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
'One row per request to pre-train a backbone: what taught it, what it was '
'worth on the newest bars, and whether it was promoted.';
comment on column bi.backbone.request_id is
'Id of the run that was asked to train it.';
comment on column bi.backbone.as_of is
'The instant beyond which it knows nothing, UTC.';
comment on column bi.backbone.cutoff_at is
'Bars before it taught, bars from it to as_of judged, UTC.';
comment on column bi.backbone.model_version is
'Content hash of the weights; null until it is trained.';
comment on column bi.backbone.ticker_count is
'Tracked tickers that teach it.';
comment on column bi.backbone.simulated_count is
'Simulated tickers that teach it beside them.';
comment on column bi.backbone.bar_count is
'Bars that taught it; null until it is trained.';
comment on column bi.backbone.crps_skill_ratio is
'Share of the random walk''s CRPS that it saves, mean over tickers and '
'horizons; null until it is scored.';
comment on column bi.backbone.present_crps_skill_ratio is
'Share that the backbone before it saves; null where there was none.';
comment on column bi.backbone.scale_crps_skill_ratio is
'Share that the scale alone saves, without any network.';
comment on column bi.backbone.coverage_90_ratio is
'Share of outcomes within its q05 and q95, one bar ahead; 0.9 is right.';
comment on column bi.backbone.is_promoted is
'True where hours from as_of on may use it.';
comment on column bi.backbone.reason is
'Why it was promoted or not; null until that is decided.';
comment on column bi.backbone.promoted_at is
'When it was promoted, UTC; null where it was not.';
