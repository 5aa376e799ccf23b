-- grain: one row per market, horizon, kind of forecast, window and method

create view bi.leaderboard as

with period as (
    select given.window_days
    from (values (7), (30), (90), (null)) as given (window_days)
),

-- a market's days, and those of all markets
day as (
    select
        is_simulated,
        calendar,
        horizon,
        is_refresh,
        day_exchange,
        forecast_count,
        crps,
        random_walk_count,
        beside_random_walk_crps,
        random_walk_crps,
        har_count,
        beside_har_crps,
        har_crps,
        inside_90_count,
        random_walk_inside_90_count,
        har_inside_90_count
    from forecast.accuracy_market_day
    union all
    select
        is_simulated,
        null as calendar,
        horizon,
        is_refresh,
        day_exchange,
        sum(forecast_count) as forecast_count,
        sum(crps) as crps,
        sum(random_walk_count) as random_walk_count,
        sum(beside_random_walk_crps) as beside_random_walk_crps,
        sum(random_walk_crps) as random_walk_crps,
        sum(har_count) as har_count,
        sum(beside_har_crps) as beside_har_crps,
        sum(har_crps) as har_crps,
        sum(inside_90_count) as inside_90_count,
        sum(random_walk_inside_90_count) as random_walk_inside_90_count,
        sum(har_inside_90_count) as har_inside_90_count
    from forecast.accuracy_market_day
    group by is_simulated, horizon, is_refresh, day_exchange
),

summed as (
    select
        day.is_simulated,
        day.calendar,
        day.horizon,
        day.is_refresh,
        period.window_days,
        sum(day.forecast_count) as forecast_count,
        sum(day.crps) as crps,
        sum(day.random_walk_count) as random_walk_count,
        sum(day.beside_random_walk_crps) as beside_random_walk_crps,
        sum(day.random_walk_crps) as random_walk_crps,
        sum(day.har_count) as har_count,
        sum(day.beside_har_crps) as beside_har_crps,
        sum(day.har_crps) as har_crps,
        sum(day.inside_90_count) as inside_90_count,
        sum(day.random_walk_inside_90_count) as random_walk_inside_90_count,
        sum(day.har_inside_90_count) as har_inside_90_count,
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
            as beside_har_crps_square
    from period
    inner join day
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

compared as (
    select
        summed.is_simulated,
        summed.calendar,
        summed.horizon,
        summed.is_refresh,
        summed.window_days,
        method.*
    from summed
    cross join
        lateral (
            values
            (
                'hourcast',
                summed.day_count,
                summed.forecast_count,
                summed.crps,
                summed.inside_90_count,
                1::double precision,
                null::double precision,
                null::double precision
            ),
            (
                'random_walk',
                summed.day_count,
                summed.random_walk_count,
                summed.random_walk_crps,
                summed.random_walk_inside_90_count,
                summed.random_walk_crps::double precision
                / nullif(summed.beside_random_walk_crps, 0),
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
                )
            ),
            (
                'seasonal_har',
                summed.har_day_count,
                summed.har_count,
                summed.har_crps,
                summed.har_inside_90_count,
                summed.har_crps::double precision
                / nullif(summed.beside_har_crps, 0),
                1 - summed.beside_har_crps::double precision
                / nullif(summed.har_crps, 0),
                forecast.skill_error(
                    1 - summed.beside_har_crps::double precision
                    / nullif(summed.har_crps, 0),
                    summed.har_crps,
                    summed.har_crps_square,
                    summed.har_crps_product,
                    summed.beside_har_crps_square,
                    summed.har_day_count
                )
            )
        )
            as method (
                method,
                day_count,
                forecast_count,
                crps,
                inside_90_count,
                ratio_to_ours,
                crps_skill_ratio,
                crps_skill_error
            )
    where method.forecast_count > 0
),

-- tickers by the length of the window that holds their newest score
counted as (
    select
        is_simulated,
        calendar,
        horizon,
        is_refresh,
        count(*) filter (where age_days < 7) as in_7_count,
        count(*) filter (where age_days < 30) as in_30_count,
        count(*) filter (where age_days < 90) as in_90_count,
        count(*) as ever_count
    from (
        select
            ticker.is_simulated,
            ticker.calendar,
            total.horizon,
            total.is_refresh,
            (now() at time zone 'UTC')::date
            - (total.last_target_at at time zone ticker.timezone)::date
                as age_days
        from forecast.accuracy_total as total
        inner join forecast.ticker using (ticker)
    ) as newest
    group by is_simulated, calendar, horizon, is_refresh
),

final as (
    select
        compared.is_simulated,
        compared.calendar,
        compared.horizon,
        compared.is_refresh,
        compared.window_days,
        compared.method,
        of_market.ticker_count,
        compared.day_count,
        compared.forecast_count::bigint as forecast_count,
        (compared.crps / 1e6 / compared.forecast_count)::double precision
            as mean_crps,
        compared.crps_skill_ratio,
        compared.crps_skill_error,
        compared.inside_90_count::double precision / compared.forecast_count
            as coverage_90_ratio,
        rank() over (
            partition by
                compared.is_simulated,
                compared.calendar,
                compared.horizon,
                compared.is_refresh,
                compared.window_days
            order by compared.ratio_to_ours
        ) as place
    from compared
    left join lateral (
        select
            sum(
                case compared.window_days
                    when 7 then counted.in_7_count
                    when 30 then counted.in_30_count
                    when 90 then counted.in_90_count
                    else counted.ever_count
                end
            )::bigint as ticker_count
        from counted
        where
            counted.is_simulated = compared.is_simulated
            and counted.calendar
            = coalesce(compared.calendar, counted.calendar)
            and counted.horizon = compared.horizon
            and counted.is_refresh = compared.is_refresh
    ) as of_market on true
)

select * from final;

comment on view bi.leaderboard is
'One row per market (a session calendar, simulated or not; null for all), '
'horizon, kind of forecast, window and method: Hourcast and the baselines on '
'the same bars.';
comment on column bi.leaderboard.is_simulated is
'True if the market is simulated.';
comment on column bi.leaderboard.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...; null for all markets together.';
comment on column bi.leaderboard.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.leaderboard.is_refresh is
'True for the refreshed forecasts of the night, false for regular ones.';
comment on column bi.leaderboard.window_days is
'Length of the window in days of the exchange, up to today (UTC); null for '
'all time.';
comment on column bi.leaderboard.method is
'hourcast, random_walk or seasonal_har.';
comment on column bi.leaderboard.ticker_count is
'Number of tickers with a scored forecast in the window.';
comment on column bi.leaderboard.day_count is
'Number of days with a scored forecast of the method.';
comment on column bi.leaderboard.forecast_count is
'Number of scored forecasts of the method.';
comment on column bi.leaderboard.mean_crps is
'Mean CRPS of the method, in basis points of log return; less is better.';
comment on column bi.leaderboard.crps_skill_ratio is
'Share of the method''s CRPS that Hourcast saves on the same bars; null for '
'Hourcast itself.';
comment on column bi.leaderboard.crps_skill_error is
'Standard error of that share, a ratio, with a day as one observation; null '
'for Hourcast itself and for fewer than two days.';
comment on column bi.leaderboard.coverage_90_ratio is
'Share of closes within the method''s q05 and q95; 0.9 is right.';
comment on column bi.leaderboard.place is
'Place of the method by its CRPS on the same bars as Hourcast: 1 is the '
'lowest.';
