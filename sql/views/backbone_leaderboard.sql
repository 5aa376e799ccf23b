-- grain: one row per compared request to pre-train a backbone, and method

create view bi.backbone_leaderboard as

with score as (
    select * from forecast.method_score
),

backbone as (
    select * from forecast.backbone
),

final as (
    select
        score.request_id,
        backbone.as_of,
        backbone.cutoff_at,
        rank() over (
            partition by score.request_id
            order by score.crps_skill_ratio desc nulls last
        ) as place,
        score.method,
        score.model_version,
        score.weight_count,
        score.ticker_count,
        score.day_count,
        score.crps_skill_ratio,
        score.skill_error_ratio,
        score.crps_skill_1_ratio,
        score.backbone_gain_ratio,
        score.gain_error_ratio,
        score.coverage_90_ratio
    from score
    inner join backbone on score.request_id = backbone.request_id
)

select * from final;

comment on view bi.backbone_leaderboard is
'One row per compared request to pre-train a backbone and method: all of them '
'trained on the same bars and scored on the same later days. None but the '
'backbone can serve.';
comment on column bi.backbone_leaderboard.request_id is
'Id of the requested run; see bi.backbone.';
comment on column bi.backbone_leaderboard.as_of is
'Training and scores used nothing known later than this instant, UTC.';
comment on column bi.backbone_leaderboard.cutoff_at is
'Training used bars that closed before this instant; the scores used those '
'from it to as_of, UTC.';
comment on column bi.backbone_leaderboard.place is
'1 for the method with the highest skill.';
comment on column bi.backbone_leaderboard.method is
'backbone, present backbone, scale alone, random walk, HAR, LSTM, TCN or '
'LightGBM.';
comment on column bi.backbone_leaderboard.model_version is
'Content hash of the weights of LSTM, TCN or LightGBM; null for the others.';
comment on column bi.backbone_leaderboard.weight_count is
'Number of its weights, or of its leaves (LightGBM); null for the others.';
comment on column bi.backbone_leaderboard.ticker_count is
'Number of tickers with scores.';
comment on column bi.backbone_leaderboard.day_count is
'Number of days in UTC with scores.';
comment on column bi.backbone_leaderboard.crps_skill_ratio is
'1 less its CRPS over the random walk''s, a ratio: mean over tickers and '
'horizons.';
comment on column bi.backbone_leaderboard.skill_error_ratio is
'Standard error of that skill over days, a ratio; null below 2 days.';
comment on column bi.backbone_leaderboard.crps_skill_1_ratio is
'The same skill one bar ahead, a ratio.';
comment on column bi.backbone_leaderboard.backbone_gain_ratio is
'The new backbone''s skill less this one''s, a ratio: above 0 the backbone is '
'better.';
comment on column bi.backbone_leaderboard.gain_error_ratio is
'Standard error of that gain over days, a ratio; null below 2 days.';
comment on column bi.backbone_leaderboard.coverage_90_ratio is
'Share of outcomes within its q05 and q95, one bar ahead; the target is 0.9.';
