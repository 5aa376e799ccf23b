-- grain: one row per market, horizon, kind of forecast and day

create view bi.market_daily as

with summed as (
    select * from forecast.accuracy_market_day
),

final as (
    select
        summed.is_simulated,
        summed.calendar,
        summed.horizon,
        summed.is_refresh,
        summed.day_exchange,
        summed.forecast_count,
        summed.fallback_count,
        summed.random_walk_count,
        summed.har_count,
        (
            summed.crps / 1e6 / nullif(summed.forecast_count, 0)
        )::double precision as mean_crps,
        (
            summed.random_walk_crps / 1e6 / nullif(summed.random_walk_count, 0)
        )::double precision as random_walk_mean_crps,
        (
            summed.har_crps / 1e6 / nullif(summed.har_count, 0)
        )::double precision as har_mean_crps,
        1 - summed.beside_random_walk_crps::double precision
        / nullif(summed.random_walk_crps, 0) as crps_skill_ratio,
        1 - summed.beside_har_crps::double precision
        / nullif(summed.har_crps, 0) as har_crps_skill_ratio,
        summed.inside_50_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_50_ratio,
        summed.inside_80_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_80_ratio,
        summed.inside_90_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_90_ratio,
        summed.inside_95_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_95_ratio,
        summed.random_walk_inside_90_count::double precision
        / nullif(summed.random_walk_count, 0) as random_walk_coverage_90_ratio,
        summed.har_inside_90_count::double precision
        / nullif(summed.har_count, 0) as har_coverage_90_ratio,
        summed.direction_count,
        summed.direction_hit_count::double precision
        / nullif(summed.direction_count, 0) as direction_hit_ratio,
        summed.crps / 1e6::double precision as crps_sum,
        summed.beside_random_walk_crps
        / 1e6::double precision as crps_beside_random_walk_sum,
        summed.random_walk_crps / 1e6::double precision as random_walk_crps_sum,
        summed.beside_har_crps / 1e6::double precision as crps_beside_har_sum,
        summed.har_crps / 1e6::double precision as har_crps_sum
    from summed
)

select * from final;

comment on view bi.market_daily is
'One row per market (a session calendar, simulated or not), horizon, kind of '
'forecast and day. A skill over several days is 1 less a ratio of sums; take '
'a day as one observation for its error.';
comment on column bi.market_daily.is_simulated is
'True if the market is simulated.';
comment on column bi.market_daily.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...';
comment on column bi.market_daily.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.market_daily.is_refresh is
'True for the refreshed forecasts of the night, false for regular ones.';
comment on column bi.market_daily.day_exchange is
'Day in the exchange''s time zone on which the forecast bars close.';
comment on column bi.market_daily.forecast_count is
'Number of scored forecasts.';
comment on column bi.market_daily.fallback_count is
'How many of them are the random walk''s in place of a model''s.';
comment on column bi.market_daily.random_walk_count is
'How many of them have a score of the random walk beside them.';
comment on column bi.market_daily.har_count is
'How many of them have a score of the seasonal HAR beside them.';
comment on column bi.market_daily.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.market_daily.random_walk_mean_crps is
'Mean CRPS of the random walk, in basis points of log return.';
comment on column bi.market_daily.har_mean_crps is
'Mean CRPS of the seasonal HAR, in basis points of log return; null where it '
'made no forecast.';
comment on column bi.market_daily.crps_skill_ratio is
'Share of the random walk''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.market_daily.har_crps_skill_ratio is
'Share of the seasonal HAR''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.market_daily.coverage_50_ratio is
'Share of closes within q25 and q75; 0.5 is right.';
comment on column bi.market_daily.coverage_80_ratio is
'Share of closes within q10 and q90; 0.8 is right.';
comment on column bi.market_daily.coverage_90_ratio is
'Share of closes within q05 and q95; 0.9 is right.';
comment on column bi.market_daily.coverage_95_ratio is
'Share of closes within q025 and q975; 0.95 is right.';
comment on column bi.market_daily.random_walk_coverage_90_ratio is
'Share of closes within the random walk''s q05 and q95; 0.9 is right.';
comment on column bi.market_daily.har_coverage_90_ratio is
'Share of closes within the seasonal HAR''s q05 and q95; 0.9 is right.';
comment on column bi.market_daily.direction_count is
'Number of forecasts whose median and whose close both differ from the price '
'that the forecast started from.';
comment on column bi.market_daily.direction_hit_ratio is
'Share of these that moved to the side of the median.';
comment on column bi.market_daily.crps_sum is
'Sum of the CRPS, in basis points of log return.';
comment on column bi.market_daily.crps_beside_random_walk_sum is
'Sum of the CRPS of the forecasts with the random walk beside them, in basis '
'points of log return.';
comment on column bi.market_daily.random_walk_crps_sum is
'Sum of the random walk''s CRPS, in basis points of log return.';
comment on column bi.market_daily.crps_beside_har_sum is
'Sum of the CRPS of the forecasts with the seasonal HAR beside them, in basis '
'points of log return.';
comment on column bi.market_daily.har_crps_sum is
'Sum of the seasonal HAR''s CRPS, in basis points of log return.';
