-- grain: one row per market, horizon, kind of forecast, window and quantile

create view bi.calibration as

with period as (
    select given.window_days
    from (values (30), (90), (null)) as given (window_days)
),

summed as (
    select
        day.is_simulated,
        day.calendar,
        day.horizon,
        day.is_refresh,
        period.window_days,
        sum(day.forecast_count) as forecast_count,
        sum(day.below_025_count) as below_025_count,
        sum(day.below_05_count) as below_05_count,
        sum(day.below_10_count) as below_10_count,
        sum(day.below_25_count) as below_25_count,
        sum(day.below_50_count) as below_50_count,
        sum(day.below_75_count) as below_75_count,
        sum(day.below_90_count) as below_90_count,
        sum(day.below_95_count) as below_95_count,
        sum(day.below_975_count) as below_975_count
    from period
    inner join forecast.accuracy_market_day as day
        on
            period.window_days is null
            or day.day_exchange
            > (now() at time zone 'UTC')::date - period.window_days
    group by
        day.is_simulated,
        day.calendar,
        day.horizon,
        day.is_refresh,
        period.window_days
),

final as (
    select
        summed.is_simulated,
        summed.calendar,
        summed.horizon,
        summed.is_refresh,
        summed.window_days,
        level.quantile_level,
        summed.forecast_count,
        level.below_count,
        level.below_count::double precision / summed.forecast_count
            as observed_ratio
    from summed
    cross join lateral (
        values
        (0.025::double precision, summed.below_025_count),
        (0.05::double precision, summed.below_05_count),
        (0.10::double precision, summed.below_10_count),
        (0.25::double precision, summed.below_25_count),
        (0.50::double precision, summed.below_50_count),
        (0.75::double precision, summed.below_75_count),
        (0.90::double precision, summed.below_90_count),
        (0.95::double precision, summed.below_95_count),
        (0.975::double precision, summed.below_975_count)
    ) as level (quantile_level, below_count)
)

select * from final;

comment on view bi.calibration is
'One row per market (a session calendar, simulated or not), horizon, kind of '
'forecast, window and quantile: what share of the closes lay at or below the '
'quantile.';
comment on column bi.calibration.is_simulated is
'True if the market is simulated.';
comment on column bi.calibration.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...';
comment on column bi.calibration.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.calibration.is_refresh is
'True for the refreshed forecasts of the night, false for regular ones.';
comment on column bi.calibration.window_days is
'Length of the window in days of the exchange, up to today (UTC); null for '
'all time.';
comment on column bi.calibration.quantile_level is
'Level of the quantile, a ratio: the share of closes that should lie at or '
'below it.';
comment on column bi.calibration.forecast_count is
'Number of scored forecasts.';
comment on column bi.calibration.below_count is
'Number of closes at or below the quantile.';
comment on column bi.calibration.observed_ratio is
'Share of closes at or below the quantile.';
