-- grain: one row per ticker, horizon and window

create view bi.accuracy_window as

with ticker as (
    select * from forecast.ticker
),

period as (
    select given.window_days
    from (values (1), (7), (30), (90)) as given (window_days)
),

in_window as (
    select
        period.window_days,
        day.ticker,
        day.horizon,
        sum(day.forecast_count) as forecast_count,
        sum(day.fallback_count) as fallback_count,
        sum(day.absolute_error) as absolute_error,
        sum(day.last_close_absolute_error) as last_close_absolute_error,
        sum(day.pinball) as pinball,
        sum(day.crps) as crps,
        sum(day.random_walk_count) as random_walk_count,
        sum(day.beside_random_walk_crps) as beside_random_walk_crps,
        sum(day.random_walk_crps) as random_walk_crps,
        sum(day.har_count) as har_count,
        sum(day.beside_har_crps) as beside_har_crps,
        sum(day.har_crps) as har_crps,
        sum(day.inside_50_count) as inside_50_count,
        sum(day.inside_80_count) as inside_80_count,
        sum(day.inside_90_count) as inside_90_count,
        sum(day.inside_95_count) as inside_95_count,
        sum(day.direction_count) as direction_count,
        sum(day.direction_hit_count) as direction_hit_count,
        count(*) filter (where day.random_walk_count > 0) as day_count,
        count(*) filter (where day.har_count > 0) as har_day_count,
        sum(day.random_walk_crps::double precision * day.random_walk_crps)
            as random_walk_crps_square,
        sum(
            day.random_walk_crps::double precision * day.beside_random_walk_crps
        )
            as random_walk_crps_product,
        sum(
            day.beside_random_walk_crps::double precision
            * day.beside_random_walk_crps
        )
            as beside_random_walk_crps_square,
        sum(day.har_crps::double precision * day.har_crps)
            as har_crps_square,
        sum(day.har_crps::double precision * day.beside_har_crps)
            as har_crps_product,
        sum(day.beside_har_crps::double precision * day.beside_har_crps)
            as beside_har_crps_square,
        min(day.day_exchange) as first_day_exchange,
        max(day.day_exchange) as last_day_exchange
    from period
    inner join forecast.accuracy_day as day
        on
            day.day_exchange
            > (now() at time zone 'UTC')::date - period.window_days
    where not day.is_refresh
    group by period.window_days, day.ticker, day.horizon
),

all_time as (
    select
        null::integer as window_days,
        total.ticker,
        total.horizon,
        total.forecast_count,
        total.fallback_count,
        total.absolute_error,
        total.last_close_absolute_error,
        total.pinball,
        total.crps,
        total.random_walk_count,
        total.beside_random_walk_crps,
        total.random_walk_crps,
        total.har_count,
        total.beside_har_crps,
        total.har_crps,
        total.inside_50_count,
        total.inside_80_count,
        total.inside_90_count,
        total.inside_95_count,
        total.direction_count,
        total.direction_hit_count,
        total.day_count::bigint as day_count,
        total.har_day_count::bigint as har_day_count,
        total.random_walk_crps_square::double precision,
        total.random_walk_crps_product::double precision,
        total.beside_random_walk_crps_square::double precision,
        total.har_crps_square::double precision,
        total.har_crps_product::double precision,
        total.beside_har_crps_square::double precision,
        (total.first_target_at at time zone ticker.timezone)::date
            as first_day_exchange,
        (total.last_target_at at time zone ticker.timezone)::date
            as last_day_exchange
    from forecast.accuracy_total as total
    left join ticker using (ticker)
    where not total.is_refresh
),

summed as (
    select * from in_window
    union all
    select * from all_time
),

final as (
    select
        summed.ticker,
        ticker.source,
        ticker.is_simulated,
        ticker.currency,
        ticker.calendar,
        summed.horizon,
        summed.window_days,
        summed.day_count,
        summed.forecast_count,
        summed.fallback_count,
        summed.first_day_exchange,
        summed.last_day_exchange,
        (summed.absolute_error / nullif(summed.forecast_count, 0))
        ::double precision as mean_absolute_error,
        (summed.last_close_absolute_error / nullif(summed.forecast_count, 0))
        ::double precision as last_close_mean_absolute_error,
        (
            summed.pinball / 1e6 / nullif(summed.forecast_count, 0)
        )::double precision as mean_pinball,
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
        forecast.skill_error(
            1 - summed.beside_random_walk_crps::double precision
            / nullif(summed.random_walk_crps, 0),
            summed.random_walk_crps,
            summed.random_walk_crps_square,
            summed.random_walk_crps_product,
            summed.beside_random_walk_crps_square,
            summed.day_count
        ) as crps_skill_error,
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
        ) as har_crps_skill_error,
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
        / nullif(summed.direction_count, 0) as direction_hit_ratio,
        forecast.share_bound(
            summed.direction_hit_count, summed.direction_count, -1.96
        ) as direction_hit_lower_ratio,
        forecast.share_bound(
            summed.direction_hit_count, summed.direction_count, 1.96
        ) as direction_hit_upper_ratio,
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
        ) as verdict
    from summed
    left join ticker using (ticker)
)

select * from final;

comment on view bi.accuracy_window is
'One row per ticker, horizon and window: how good its forecasts of the last '
'1, 7, 30 and 90 days were, and those of all time. Refreshed forecasts do not '
'count.';
comment on column bi.accuracy_window.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.accuracy_window.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.accuracy_window.is_simulated is
'True if the market is simulated.';
comment on column bi.accuracy_window.currency is
'Currency of all prices of the row.';
comment on column bi.accuracy_window.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...';
comment on column bi.accuracy_window.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.accuracy_window.window_days is
'Length of the window in days of the exchange, up to today (UTC); null for '
'all time.';
comment on column bi.accuracy_window.day_count is
'Number of days with a scored forecast and the random walk beside it.';
comment on column bi.accuracy_window.forecast_count is
'Number of scored forecasts.';
comment on column bi.accuracy_window.fallback_count is
'How many of them are the random walk''s in place of a model''s.';
comment on column bi.accuracy_window.first_day_exchange is
'First day of the window with a scored forecast, in the exchange''s time zone.';
comment on column bi.accuracy_window.last_day_exchange is
'Last day of the window with a scored forecast, in the exchange''s time zone.';
comment on column bi.accuracy_window.mean_absolute_error is
'Mean distance of the median from the actual close, in currency.';
comment on column bi.accuracy_window.last_close_mean_absolute_error is
'Mean distance of the last close from the actual close, in currency.';
comment on column bi.accuracy_window.mean_pinball is
'Mean pinball loss of the nine quantiles, in basis points of log return.';
comment on column bi.accuracy_window.mean_crps is
'Mean CRPS, in basis points of log return; less is better.';
comment on column bi.accuracy_window.random_walk_mean_crps is
'Mean CRPS of the random walk, in basis points of log return.';
comment on column bi.accuracy_window.har_mean_crps is
'Mean CRPS of the seasonal HAR, in basis points of log return; null where it '
'made no forecast.';
comment on column bi.accuracy_window.crps_skill_ratio is
'Share of the random walk''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.accuracy_window.crps_skill_error is
'Standard error of that share, a ratio, with a day as one observation; null '
'for fewer than two days.';
comment on column bi.accuracy_window.har_crps_skill_ratio is
'Share of the seasonal HAR''s CRPS that is saved on the same bars; above 0 is '
'better.';
comment on column bi.accuracy_window.har_crps_skill_error is
'Standard error of that share, a ratio, with a day as one observation; null '
'for fewer than two days.';
comment on column bi.accuracy_window.coverage_50_ratio is
'Share of closes within q25 and q75; 0.5 is right.';
comment on column bi.accuracy_window.coverage_80_ratio is
'Share of closes within q10 and q90; 0.8 is right.';
comment on column bi.accuracy_window.coverage_90_ratio is
'Share of closes within q05 and q95; 0.9 is right.';
comment on column bi.accuracy_window.coverage_95_ratio is
'Share of closes within q025 and q975; 0.95 is right.';
comment on column bi.accuracy_window.direction_count is
'Number of forecasts whose median and whose close both differ from the price '
'that the forecast started from.';
comment on column bi.accuracy_window.direction_hit_ratio is
'Share of these that moved to the side of the median.';
comment on column bi.accuracy_window.direction_hit_lower_ratio is
'Lower end of the 95 % interval of that share, a ratio.';
comment on column bi.accuracy_window.direction_hit_upper_ratio is
'Upper end of the 95 % interval of that share, a ratio.';
comment on column bi.accuracy_window.verdict is
'The skill over the random walk in words: too few days (fewer than 20), edge, '
'no edge shown, or worse than the random walk; an edge is two standard '
'errors.';
