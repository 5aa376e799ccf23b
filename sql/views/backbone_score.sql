-- grain: one row per request to pre-train a backbone, market and method

create view bi.backbone_score as

with score as (
    select * from forecast.backbone_score
),

backbone as (
    select * from forecast.backbone
),

final as (
    select
        score.request_id,
        backbone.as_of,
        backbone.model_version,
        score.is_simulated,
        score.calendar,
        score.compared_with,
        score.ticker_count,
        score.day_count,
        score.crps_skill_ratio,
        score.other_crps_skill_ratio,
        score.crps_difference_ratio,
        score.standard_error_ratio,
        score.is_drifted,
        score.verdict
    from score
    inner join backbone on score.request_id = backbone.request_id
)

select * from final;

comment on view bi.backbone_score is
'One row per request to pre-train a backbone, market and compared forecaster: '
'which of both had the lower CRPS on the weeks that trained neither.';
comment on column bi.backbone_score.request_id is
'Id of the requested run; see bi.backbone.';
comment on column bi.backbone_score.as_of is
'Training and scores used nothing known later than this instant, UTC.';
comment on column bi.backbone_score.model_version is
'Content hash of the new backbone''s weights.';
comment on column bi.backbone_score.is_simulated is
'True if the market is simulated.';
comment on column bi.backbone_score.calendar is
'Session calendar of the market; all for all markets together.';
comment on column bi.backbone_score.compared_with is
'present backbone, scale alone or HAR.';
comment on column bi.backbone_score.ticker_count is
'Number of tickers with scores.';
comment on column bi.backbone_score.day_count is
'Number of days in UTC with scores.';
comment on column bi.backbone_score.crps_skill_ratio is
'1 less the new backbone''s CRPS over the random walk''s, a ratio: mean over '
'tickers and horizons.';
comment on column bi.backbone_score.other_crps_skill_ratio is
'The same ratio for the forecaster that it was compared with.';
comment on column bi.backbone_score.crps_difference_ratio is
'The new backbone''s CRPS less the other''s, a ratio to the random walk''s: '
'mean over days; below 0 the new one is better. Null below 2 days.';
comment on column bi.backbone_score.standard_error_ratio is
'Standard error of that difference over days, the same ratio; null below 2 '
'days.';
comment on column bi.backbone_score.is_drifted is
'True if drift of the present backbone''s forecasts was proven in the market.';
comment on column bi.backbone_score.verdict is
'better or worse: by more than one standard error in all markets together, or '
'two in one market; equal otherwise; too few days below 8.';
