-- How other methods did beside a new backbone, on the days that trained none.

create table forecast.method_score (
    request_id text not null,
    method text not null,
    model_version text,
    weight_count bigint,
    ticker_count integer not null,
    day_count integer not null,
    crps_skill_ratio double precision,
    skill_error_ratio double precision,
    crps_skill_1_ratio double precision,
    backbone_gain_ratio double precision,
    gain_error_ratio double precision,
    coverage_90_ratio double precision,
    scores jsonb not null,
    primary key (request_id, method),
    constraint compared_backbone_is_there foreign key (request_id)
    references forecast.backbone (request_id) on delete cascade
);

comment on table forecast.method_score is
'One row per compared request to pre-train a backbone and forecaster, on the '
'bars from cutoff_at to as_of of the request. None of the methods serves.';
comment on column forecast.method_score.request_id is
'Id of the request; see forecast.backbone.';
comment on column forecast.method_score.method is
'backbone, present backbone, scale alone, random walk, HAR, LSTM, TCN or '
'LightGBM.';
comment on column forecast.method_score.model_version is
'Content hash (sha256, hex) of the weights of LSTM, TCN or LightGBM; null for '
'the others.';
comment on column forecast.method_score.weight_count is
'Number of its weights, or of its leaves (LightGBM); null for the others.';
comment on column forecast.method_score.ticker_count is
'Number of tickers with scores.';
comment on column forecast.method_score.day_count is
'Number of days in UTC with scores.';
comment on column forecast.method_score.crps_skill_ratio is
'1 less its CRPS over the random walk''s, a ratio: mean over tickers and '
'horizons; null if it cannot be computed.';
comment on column forecast.method_score.skill_error_ratio is
'Standard error of that skill over days, a ratio; null below 2 days.';
comment on column forecast.method_score.crps_skill_1_ratio is
'The same skill one bar ahead, a ratio.';
comment on column forecast.method_score.backbone_gain_ratio is
'The new backbone''s skill less this one''s, a ratio, on the bars that both '
'forecast: above 0 the backbone is better.';
comment on column forecast.method_score.gain_error_ratio is
'Standard error of that gain over days, a ratio; null below 2 days.';
comment on column forecast.method_score.coverage_90_ratio is
'Share of outcomes within its q05 and q95, one bar ahead; the target is 0.9.';
comment on column forecast.method_score.scores is
'Skills by horizon and by kind of market, as ratios, as JSON.';
