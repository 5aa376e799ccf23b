-- grain: one row per ticker and horizon

create view bi.accuracy as

with ticker as (
    select * from forecast.ticker
),

prediction as (
    select
        prediction.*,
        prediction.last_close / scale.factor as last_close_today
    from forecast.prediction_by_horizon as prediction
    left join lateral forecast.split_factor_between(
        prediction.ticker, prediction.as_of, 'infinity', prediction.anchored_at
    ) as scale on true
),

-- prices and errors on today's scale
ours as (
    select
        score.*,
        score.actual_close / scale.factor as close_today,
        score.absolute_error / scale.factor as error_today
    from forecast.score_by_method as score
    left join lateral forecast.split_factor_between(
        score.ticker, score.scored_as_of, 'infinity', score.as_of
    ) as scale on true
    where score.method = 'hourcast' and not score.is_refresh
),

walk as (
    select * from forecast.score_by_method
    where method = 'random_walk'
),

compared as (
    select
        ours.*,
        prediction.target_at,
        prediction.is_fallback,
        abs(ours.close_today - prediction.last_close_today)
            as last_close_absolute_error,
        walk.crps as random_walk_crps
    from ours
    inner join prediction using (ticker, as_of, horizon)
    left join walk using (ticker, as_of, horizon)
),

summed as (
    select
        ticker,
        horizon,
        count(*) as forecast_count,
        count(*) filter (where is_fallback) as fallback_count,
        count(*) filter (where dividend_gap <> 0) as dividend_count,
        min(target_at) as first_target_at,
        max(target_at) as last_target_at,
        avg(error_today) as mean_absolute_error,
        avg(last_close_absolute_error) as last_close_mean_absolute_error,
        avg(crps) as mean_crps,
        avg(crps) filter (where dividend_gap = 0)
            as without_dividend_mean_crps,
        avg(random_walk_crps) as random_walk_mean_crps,
        1 - sum(crps) filter (where random_walk_crps is not null)
        / nullif(sum(random_walk_crps), 0) as crps_skill_ratio,
        avg(is_inside_50::integer)::double precision as coverage_50_ratio,
        avg(is_inside_80::integer)::double precision as coverage_80_ratio,
        avg(is_inside_90::integer)::double precision as coverage_90_ratio,
        avg(is_inside_95::integer)::double precision as coverage_95_ratio
    from compared
    group by ticker, horizon
),

final as (
    select
        summed.ticker,
        ticker.source,
        ticker.is_simulated,
        ticker.currency,
        summed.horizon,
        summed.forecast_count,
        summed.fallback_count,
        summed.dividend_count,
        summed.first_target_at,
        summed.last_target_at,
        summed.mean_absolute_error,
        summed.last_close_mean_absolute_error,
        summed.mean_crps,
        summed.without_dividend_mean_crps,
        summed.random_walk_mean_crps,
        summed.crps_skill_ratio,
        summed.coverage_50_ratio,
        summed.coverage_80_ratio,
        summed.coverage_90_ratio,
        summed.coverage_95_ratio
    from summed
    left join ticker using (ticker)
)

select * from final;

comment on view bi.accuracy is
'One row per ticker and horizon: mean losses of the scored regular forecasts, '
'fallbacks included, and those of the random walk on the same bars. Prices '
'are on today''s scale. Refreshed forecasts are in bi.refresh_accuracy.';
comment on column bi.accuracy.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.accuracy.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.accuracy.is_simulated is
'True if the market is simulated.';
comment on column bi.accuracy.currency is
'Currency of the errors.';
comment on column bi.accuracy.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.accuracy.forecast_count is
'Number of scored forecasts.';
comment on column bi.accuracy.fallback_count is
'Number of them that are fallbacks.';
comment on column bi.accuracy.dividend_count is
'Number of them with a dividend between the last close and the target.';
comment on column bi.accuracy.first_target_at is
'When the first scored target bar closed, UTC.';
comment on column bi.accuracy.last_target_at is
'When the last scored target bar closed, UTC.';
comment on column bi.accuracy.mean_absolute_error is
'Mean distance of the median from the actual close, in currency.';
comment on column bi.accuracy.last_close_mean_absolute_error is
'Mean distance of the last close from the actual close, in currency.';
comment on column bi.accuracy.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.accuracy.without_dividend_mean_crps is
'Mean CRPS of the forecasts without a dividend before the target, in basis '
'points of log return.';
comment on column bi.accuracy.random_walk_mean_crps is
'Mean CRPS of the random walk on the same bars, in basis points of log '
'return.';
comment on column bi.accuracy.crps_skill_ratio is
'1 less our CRPS over the random walk''s, a ratio; below 0 is worse.';
comment on column bi.accuracy.coverage_50_ratio is
'Share of actual closes within q25 and q75; the target is 0.5.';
comment on column bi.accuracy.coverage_80_ratio is
'Share of actual closes within q10 and q90; the target is 0.8.';
comment on column bi.accuracy.coverage_90_ratio is
'Share of actual closes within q05 and q95; the target is 0.9.';
comment on column bi.accuracy.coverage_95_ratio is
'Share of actual closes within q025 and q975; the target is 0.95.';
