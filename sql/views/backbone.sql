-- grain: one row per request to pre-train a backbone, and shipped backbone

create view bi.backbone as

with backbone as (
    select * from forecast.backbone
),

-- what hours have used of the backbone that ships with the code
shipped as (
    select
        model_version,
        min(as_of) as first_as_of
    from forecast.backbone_choice
    where is_shipped
    group by model_version
),

requested as (
    select
        backbone.request_id,
        false as is_shipped,
        backbone.as_of,
        backbone.cutoff_at,
        backbone.taught_since_at,
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
),

final as (
    select * from requested
    union all
    select
        'shipped' as request_id,
        true as is_shipped,
        first_as_of as as_of,
        null as cutoff_at,
        null as taught_since_at,
        model_version,
        null as ticker_count,
        null as simulated_count,
        null as bar_count,
        null as crps_skill_ratio,
        null as present_crps_skill_ratio,
        null as scale_crps_skill_ratio,
        null as coverage_90_ratio,
        true as is_promoted,
        'ships with the code; see docs/model.md' as reason,
        first_as_of as promoted_at
    from shipped
)

select * from final;

comment on view bi.backbone is
'One row per request to pre-train a backbone: its training data, its scores '
'on the newest bars, and whether it was promoted. One more for a backbone '
'that ships with the code and that an hour has used.';
comment on column bi.backbone.request_id is
'Id of the requested run; shipped for a backbone that ships with the code.';
comment on column bi.backbone.is_shipped is
'True for a backbone that ships with the code; what it was trained on is in '
'docs/model.md.';
comment on column bi.backbone.as_of is
'Training and scores used nothing known later than this instant, UTC. For a '
'shipped one the first hour that used it.';
comment on column bi.backbone.cutoff_at is
'Training used bars that closed before this instant; the scores used those '
'from it to as_of, UTC.';
comment on column bi.backbone.taught_since_at is
'Training windows end at bars that closed from this instant on, UTC; null for '
'no such limit.';
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
