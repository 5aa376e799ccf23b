-- grain: one row per ticker, horizon, kind of forecast and day

create view bi.accuracy_daily as

with ticker as (
    select * from forecast.ticker
),

summed as (
    select * from forecast.accuracy_day
),

final as (
    select
        summed.ticker,
        ticker.source,
        ticker.is_simulated,
        ticker.currency,
        summed.horizon,
        summed.is_refresh,
        summed.day_exchange,
        summed.forecast_count,
        summed.fallback_count,
        (summed.absolute_error / nullif(summed.forecast_count, 0))
        ::double precision as mean_absolute_error,
        (summed.last_close_absolute_error / nullif(summed.forecast_count, 0))
        ::double precision as last_close_mean_absolute_error,
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
        summed.direction_count,
        summed.direction_hit_count::double precision
        / nullif(summed.direction_count, 0) as direction_hit_ratio
    from summed
    left join ticker using (ticker)
)

select * from final;

comment on view bi.accuracy_daily is
'One row per ticker, horizon, kind of forecast and day: how good the '
'forecasts of the bars of that day were.';
comment on column bi.accuracy_daily.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.accuracy_daily.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.accuracy_daily.is_simulated is
'True if the market is simulated.';
comment on column bi.accuracy_daily.currency is
'Currency of all prices of the row.';
comment on column bi.accuracy_daily.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.accuracy_daily.is_refresh is
'True for the refreshed forecasts of the night, false for regular ones.';
comment on column bi.accuracy_daily.day_exchange is
'Day in the exchange''s time zone on which the forecast bars close.';
comment on column bi.accuracy_daily.forecast_count is
'Number of scored forecasts.';
comment on column bi.accuracy_daily.fallback_count is
'How many of them are the random walk''s in place of a model''s.';
comment on column bi.accuracy_daily.mean_absolute_error is
'Mean distance of the median from the actual close, in currency.';
comment on column bi.accuracy_daily.last_close_mean_absolute_error is
'Mean distance of the last close from the actual close, in currency.';
comment on column bi.accuracy_daily.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.accuracy_daily.random_walk_mean_crps is
'Mean CRPS of the random walk, in basis points of log return.';
comment on column bi.accuracy_daily.har_mean_crps is
'Mean CRPS of the seasonal HAR, in basis points of log return; null where it '
'made no forecast.';
comment on column bi.accuracy_daily.crps_skill_ratio is
'Share of the random walk''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.accuracy_daily.har_crps_skill_ratio is
'Share of the seasonal HAR''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.accuracy_daily.coverage_50_ratio is
'Share of closes within q25 and q75; 0.5 is right.';
comment on column bi.accuracy_daily.coverage_80_ratio is
'Share of closes within q10 and q90; 0.8 is right.';
comment on column bi.accuracy_daily.coverage_90_ratio is
'Share of closes within q05 and q95; 0.9 is right.';
comment on column bi.accuracy_daily.coverage_95_ratio is
'Share of closes within q025 and q975; 0.95 is right.';
comment on column bi.accuracy_daily.direction_count is
'Number of forecasts whose median and whose close both differ from the price '
'that the forecast started from.';
comment on column bi.accuracy_daily.direction_hit_ratio is
'Share of these that moved to the side of the median.';
