-- grain: one row per ticker, horizon and clock time of the refresh

create view bi.refresh_accuracy as

with ticker as (
    select * from forecast.ticker
),

refreshed as (
    select * from forecast.prediction_by_horizon
    where is_refresh
),

ours as (
    select * from forecast.score_by_method
    where method = 'hourcast' and is_refresh
),

walk as (
    select * from forecast.score_by_method
    where method = 'random_walk' and is_refresh
),

har as (
    select * from forecast.score_by_method
    where method = 'seasonal_har' and is_refresh
),

-- beside the newest forecast of the same bar without the night
compared as (
    select
        ours.ticker,
        ours.horizon,
        to_char(ours.as_of at time zone ticker.timezone, 'HH24:MI')
            as clock_exchange,
        extract(epoch from refreshed.target_at - ours.as_of)
        / 3600 as target_hours,
        ours.crps,
        walk.crps as random_walk_crps,
        har.crps as har_crps,
        blind.crps as blind_crps,
        ours.is_inside_80,
        ours.is_inside_90
    from ours
    inner join refreshed using (ticker, as_of, horizon)
    inner join ticker using (ticker)
    left join walk using (ticker, as_of, horizon)
    left join har using (ticker, as_of, horizon)
    left join lateral (
        select regular_score.crps
        from forecast.prediction_by_horizon as regular
        inner join forecast.score_by_method as regular_score
            on
                regular.ticker = regular_score.ticker
                and regular.as_of = regular_score.as_of
                and regular.horizon = regular_score.horizon
                and regular_score.method = 'hourcast'
        where
            regular.ticker = ours.ticker
            and regular.target_at = refreshed.target_at
            and regular.anchored_at = refreshed.anchored_at
            and regular.as_of < ours.as_of
            and not regular.is_refresh
        order by regular.as_of desc
        limit 1
    ) as blind on true
),

summed as (
    select
        ticker,
        horizon,
        clock_exchange,
        count(*) as forecast_count,
        avg(target_hours)::double precision as mean_target_hours,
        avg(crps) as mean_crps,
        avg(random_walk_crps) as random_walk_mean_crps,
        avg(har_crps) as har_mean_crps,
        avg(blind_crps) as blind_mean_crps,
        1 - sum(crps) filter (where random_walk_crps is not null)
        / nullif(sum(random_walk_crps), 0) as crps_skill_ratio,
        1 - sum(crps) filter (where har_crps is not null)
        / nullif(sum(har_crps), 0) as har_crps_skill_ratio,
        1 - sum(crps) filter (where blind_crps is not null)
        / nullif(sum(blind_crps), 0) as blind_crps_gain_ratio,
        avg(is_inside_80::integer)::double precision as coverage_80_ratio,
        avg(is_inside_90::integer)::double precision as coverage_90_ratio
    from compared
    group by ticker, horizon, clock_exchange
),

final as (
    select
        summed.ticker,
        ticker.source,
        ticker.is_simulated,
        summed.horizon,
        summed.clock_exchange,
        summed.forecast_count,
        summed.mean_target_hours,
        summed.mean_crps,
        summed.random_walk_mean_crps,
        summed.har_mean_crps,
        summed.blind_mean_crps,
        summed.crps_skill_ratio,
        summed.har_crps_skill_ratio,
        summed.blind_crps_gain_ratio,
        summed.coverage_80_ratio,
        summed.coverage_90_ratio
    from summed
    left join ticker using (ticker)
)

select * from final;

comment on view bi.refresh_accuracy is
'One row per ticker, horizon and clock time of the refresh: mean losses of the '
'scored refreshed forecasts beside those of the baselines and of the forecast '
'without the night.';
comment on column bi.refresh_accuracy.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.refresh_accuracy.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.refresh_accuracy.is_simulated is
'True if the market is simulated.';
comment on column bi.refresh_accuracy.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.refresh_accuracy.clock_exchange is
'as_of of the refresh on the exchange''s clock, such as 08:35.';
comment on column bi.refresh_accuracy.forecast_count is
'Number of scored refreshed forecasts.';
comment on column bi.refresh_accuracy.mean_target_hours is
'Hours from as_of to the target bar''s close, mean.';
comment on column bi.refresh_accuracy.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.refresh_accuracy.random_walk_mean_crps is
'Mean CRPS of the random walk from the same price, in basis points of log '
'return.';
comment on column bi.refresh_accuracy.har_mean_crps is
'Mean CRPS of seasonal HAR from the same price with the remaining scale, in '
'basis points of log return; null where it had too little history.';
comment on column bi.refresh_accuracy.blind_mean_crps is
'Mean CRPS of the forecasts of the same bars from the last close, in basis '
'points of log return; null if none was made.';
comment on column bi.refresh_accuracy.crps_skill_ratio is
'1 less our CRPS over the random walk''s, a ratio; below 0 is worse.';
comment on column bi.refresh_accuracy.har_crps_skill_ratio is
'1 less our CRPS over seasonal HAR''s, a ratio; below 0 is worse.';
comment on column bi.refresh_accuracy.blind_crps_gain_ratio is
'1 less our CRPS over that of the forecast from the last close, a ratio.';
comment on column bi.refresh_accuracy.coverage_80_ratio is
'Share of actual closes within q10 and q90; the target is 0.8.';
comment on column bi.refresh_accuracy.coverage_90_ratio is
'Share of actual closes within q05 and q95; the target is 0.9.';
