-- grain: one row per ticker and horizon

create view bi.accuracy as

with ticker as (
    select * from forecast.ticker
),

prediction as (
    select
        prediction.*,
        prediction.last_close / scale.factor as last_close_today
    from forecast.prediction
    left join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = prediction.ticker
            and split.known_at > prediction.as_of
    ) as scale on true
),

-- on today's scale, as if no split had been
ours as (
    select
        score.*,
        score.actual_close / scale.factor as close_today,
        score.absolute_error / scale.factor as error_today
    from forecast.score
    left join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = score.ticker
            and split.known_at > score.scored_as_of
    ) as scale on true
    where score.method = 'hourcast'
),

walk as (
    select * from forecast.score
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
'One row per ticker and horizon: how good the scored forecasts were, '
'fallbacks included, beside the random walk on the same bars.';
comment on column bi.accuracy.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.accuracy.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.accuracy.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.accuracy.currency is
'Currency of the errors.';
comment on column bi.accuracy.horizon is
'Bars ahead in the ticker''s own session calendar, from 1.';
comment on column bi.accuracy.forecast_count is
'Forecasts scored.';
comment on column bi.accuracy.fallback_count is
'Those of them that were fallbacks.';
comment on column bi.accuracy.dividend_count is
'Those of them that a dividend moved, between the last close and the target.';
comment on column bi.accuracy.first_target_at is
'When the first bar scored closed, UTC.';
comment on column bi.accuracy.last_target_at is
'When the last bar scored closed, UTC.';
comment on column bi.accuracy.mean_absolute_error is
'Mean distance of the median from the actual close, in currency.';
comment on column bi.accuracy.last_close_mean_absolute_error is
'Mean distance of the last close from the actual close, in currency.';
comment on column bi.accuracy.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.accuracy.without_dividend_mean_crps is
'Mean CRPS of those that no dividend moved, in basis points of log return.';
comment on column bi.accuracy.random_walk_mean_crps is
'Mean CRPS of the random walk, in basis points of log return.';
comment on column bi.accuracy.crps_skill_ratio is
'Share of the random walk''s CRPS that is saved; below 0 is worse than it.';
comment on column bi.accuracy.coverage_50_ratio is
'Share of actual closes within q25 and q75; 0.5 is right.';
comment on column bi.accuracy.coverage_80_ratio is
'Share of actual closes within q10 and q90; 0.8 is right.';
comment on column bi.accuracy.coverage_90_ratio is
'Share of actual closes within q05 and q95; 0.9 is right.';
comment on column bi.accuracy.coverage_95_ratio is
'Share of actual closes within q025 and q975; 0.95 is right.';
