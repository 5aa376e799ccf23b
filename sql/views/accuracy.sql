-- grain: one row per ticker and horizon

create view bi.accuracy as

with ticker as (
    select * from forecast.ticker
),

summed as (
    select * from forecast.accuracy_total
    where not is_refresh
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
        (summed.absolute_error / nullif(summed.forecast_count, 0))
        ::double precision as mean_absolute_error,
        (summed.last_close_absolute_error / nullif(summed.forecast_count, 0))
        ::double precision as last_close_mean_absolute_error,
        (
            summed.crps / 1e6 / nullif(summed.forecast_count, 0)
        )::double precision as mean_crps,
        (
            summed.without_dividend_crps / 1e6
            / nullif(summed.forecast_count - summed.dividend_count, 0)
        )::double precision as without_dividend_mean_crps,
        (
            summed.random_walk_crps / 1e6 / nullif(summed.random_walk_count, 0)
        )::double precision as random_walk_mean_crps,
        1 - summed.beside_random_walk_crps::double precision
        / nullif(summed.random_walk_crps, 0) as crps_skill_ratio,
        summed.inside_50_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_50_ratio,
        summed.inside_80_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_80_ratio,
        summed.inside_90_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_90_ratio,
        summed.inside_95_count::double precision
        / nullif(summed.forecast_count, 0) as coverage_95_ratio,
        summed.day_count,
        forecast.skill_error(
            1 - summed.beside_random_walk_crps::double precision
            / nullif(summed.random_walk_crps, 0),
            summed.random_walk_crps,
            summed.random_walk_crps_square,
            summed.random_walk_crps_product,
            summed.beside_random_walk_crps_square,
            summed.day_count
        ) as crps_skill_error,
        forecast.skill_verdict(
            1 - summed.beside_random_walk_crps::double precision
            / nullif(summed.random_walk_crps, 0),
            forecast.skill_error(
                1 - summed.beside_random_walk_crps::double precision
                / nullif(summed.random_walk_crps, 0),
                summed.random_walk_crps,
                summed.random_walk_crps_square,
                summed.random_walk_crps_product,
                summed.beside_random_walk_crps_square,
                summed.day_count
            ),
            summed.day_count
        ) as verdict,
        (
            summed.har_crps / 1e6 / nullif(summed.har_count, 0)
        )::double precision as har_mean_crps,
        1 - summed.beside_har_crps::double precision
        / nullif(summed.har_crps, 0) as har_crps_skill_ratio,
        forecast.skill_error(
            1 - summed.beside_har_crps::double precision
            / nullif(summed.har_crps, 0),
            summed.har_crps,
            summed.har_crps_square,
            summed.har_crps_product,
            summed.beside_har_crps_square,
            summed.har_day_count
        ) as har_crps_skill_error
    from summed
    left join ticker using (ticker)
)

select * from final;

comment on view bi.accuracy is
'One row per ticker and horizon: how good its scored forecasts were, over all '
'time. Refreshed forecasts do not count; see refresh_accuracy.';
comment on column bi.accuracy.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.accuracy.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.accuracy.is_simulated is
'True if the market is simulated.';
comment on column bi.accuracy.currency is
'Currency of all prices of the row.';
comment on column bi.accuracy.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.accuracy.forecast_count is
'Number of scored forecasts.';
comment on column bi.accuracy.fallback_count is
'How many of them are the random walk''s in place of a model''s.';
comment on column bi.accuracy.dividend_count is
'How many of them lie across a dividend, which the price lost.';
comment on column bi.accuracy.first_target_at is
'When the first of the forecast bars closed, UTC.';
comment on column bi.accuracy.last_target_at is
'When the last of the forecast bars closed, UTC.';
comment on column bi.accuracy.mean_absolute_error is
'Mean distance of the median from the actual close, in currency.';
comment on column bi.accuracy.last_close_mean_absolute_error is
'Mean distance of the last close from the actual close, in currency.';
comment on column bi.accuracy.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.accuracy.without_dividend_mean_crps is
'The same over the forecasts that lie across no dividend, in basis points of '
'log return.';
comment on column bi.accuracy.random_walk_mean_crps is
'Mean CRPS of the random walk, in basis points of log return.';
comment on column bi.accuracy.crps_skill_ratio is
'Share of the random walk''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.accuracy.coverage_50_ratio is
'Share of closes within q25 and q75; 0.5 is right.';
comment on column bi.accuracy.coverage_80_ratio is
'Share of closes within q10 and q90; 0.8 is right.';
comment on column bi.accuracy.coverage_90_ratio is
'Share of closes within q05 and q95; 0.9 is right.';
comment on column bi.accuracy.coverage_95_ratio is
'Share of closes within q025 and q975; 0.95 is right.';
comment on column bi.accuracy.day_count is
'Number of days with a scored forecast and the random walk beside it.';
comment on column bi.accuracy.crps_skill_error is
'Standard error of that share, a ratio, with a day as one observation; null '
'for fewer than two days.';
comment on column bi.accuracy.verdict is
'The skill over the random walk in words: too few days (fewer than 20), edge, '
'no edge shown, or worse than the random walk; an edge is two standard '
'errors.';
comment on column bi.accuracy.har_mean_crps is
'Mean CRPS of the seasonal HAR, in basis points of log return; null where it '
'made no forecast.';
comment on column bi.accuracy.har_crps_skill_ratio is
'Share of the seasonal HAR''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.accuracy.har_crps_skill_error is
'Standard error of that share, a ratio, with a day as one observation; null '
'for fewer than two days.';
