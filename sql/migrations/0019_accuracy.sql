-- Sums of the scores by day, for all time and by market, so that a reader does
-- not add up millions of scores. The code is in include/store/accuracy.py.

create table forecast.accuracy_day (
    ticker text not null,
    horizon integer not null,
    is_refresh boolean not null,
    day_exchange date not null,
    forecast_count integer not null,
    fallback_count integer not null,
    dividend_count integer not null,
    absolute_error numeric not null,
    last_close_absolute_error numeric not null,
    pinball bigint not null,
    crps bigint not null,
    without_dividend_crps bigint not null,
    random_walk_count integer not null,
    beside_random_walk_crps bigint not null,
    random_walk_crps bigint not null,
    har_count integer not null,
    beside_har_crps bigint not null,
    har_crps bigint not null,
    inside_50_count integer not null,
    inside_80_count integer not null,
    inside_90_count integer not null,
    inside_95_count integer not null,
    random_walk_inside_90_count integer not null,
    har_inside_90_count integer not null,
    below_025_count integer not null,
    below_05_count integer not null,
    below_10_count integer not null,
    below_25_count integer not null,
    below_50_count integer not null,
    below_75_count integer not null,
    below_90_count integer not null,
    below_95_count integer not null,
    below_975_count integer not null,
    direction_count integer not null,
    direction_hit_count integer not null,
    primary key (ticker, horizon, is_refresh, day_exchange)
);

comment on table forecast.accuracy_day is
'One row per ticker, horizon, kind of forecast and day: the sums of the '
'scores. They are whole numbers or exact decimals, so the order of adding '
'does not change them.';
comment on column forecast.accuracy_day.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.accuracy_day.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.accuracy_day.is_refresh is
'True for refreshed forecasts, false for regular ones.';
comment on column forecast.accuracy_day.day_exchange is
'Day in the exchange''s time zone on which the forecast bars close.';
comment on column forecast.accuracy_day.forecast_count is
'Number of scored forecasts.';
comment on column forecast.accuracy_day.fallback_count is
'How many of them are fallbacks.';
comment on column forecast.accuracy_day.dividend_count is
'How many of them lie across a dividend.';
comment on column forecast.accuracy_day.absolute_error is
'Sum of the distances of the median from the actual close, in the ticker''s '
'currency, on today''s price scale.';
comment on column forecast.accuracy_day.last_close_absolute_error is
'Sum of the distances of the last close from the actual close, in the '
'ticker''s currency, on today''s price scale.';
comment on column forecast.accuracy_day.pinball is
'Sum of the mean pinball losses, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_day.crps is
'Sum of the CRPS, in millionths of a basis point of log return.';
comment on column forecast.accuracy_day.without_dividend_crps is
'Sum of the CRPS of the forecasts that lie across no dividend, in '
'millionths of a basis point of log return.';
comment on column forecast.accuracy_day.random_walk_count is
'How many of them have a score of the random walk beside them.';
comment on column forecast.accuracy_day.beside_random_walk_crps is
'Sum of the CRPS of these, in millionths of a basis point of log return.';
comment on column forecast.accuracy_day.random_walk_crps is
'Sum of the random walk''s CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_day.har_count is
'How many of them have a score of the seasonal HAR beside them.';
comment on column forecast.accuracy_day.beside_har_crps is
'Sum of the CRPS of these, in millionths of a basis point of log return.';
comment on column forecast.accuracy_day.har_crps is
'Sum of the seasonal HAR''s CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_day.inside_50_count is
'Number of closes within q25 and q75.';
comment on column forecast.accuracy_day.inside_80_count is
'Number of closes within q10 and q90.';
comment on column forecast.accuracy_day.inside_90_count is
'Number of closes within q05 and q95.';
comment on column forecast.accuracy_day.inside_95_count is
'Number of closes within q025 and q975.';
comment on column forecast.accuracy_day.random_walk_inside_90_count is
'Number of closes within the random walk''s q05 and q95.';
comment on column forecast.accuracy_day.har_inside_90_count is
'Number of closes within the seasonal HAR''s q05 and q95.';
comment on column forecast.accuracy_day.below_025_count is
'Number of closes at or below q025.';
comment on column forecast.accuracy_day.below_05_count is
'Number of closes at or below q05.';
comment on column forecast.accuracy_day.below_10_count is
'Number of closes at or below q10.';
comment on column forecast.accuracy_day.below_25_count is
'Number of closes at or below q25.';
comment on column forecast.accuracy_day.below_50_count is
'Number of closes at or below q50.';
comment on column forecast.accuracy_day.below_75_count is
'Number of closes at or below q75.';
comment on column forecast.accuracy_day.below_90_count is
'Number of closes at or below q90.';
comment on column forecast.accuracy_day.below_95_count is
'Number of closes at or below q95.';
comment on column forecast.accuracy_day.below_975_count is
'Number of closes at or below q975.';
comment on column forecast.accuracy_day.direction_count is
'Number of forecasts whose median and whose close both differ from the '
'price that the forecast started from.';
comment on column forecast.accuracy_day.direction_hit_count is
'How many of these moved to the side of the median.';

-- the newest days of all tickers
create index accuracy_day_by_day
on forecast.accuracy_day (horizon, day_exchange);


create table forecast.accuracy_total (
    ticker text not null,
    horizon integer not null,
    is_refresh boolean not null,
    day_count integer not null,
    har_day_count integer not null,
    first_target_at timestamptz not null,
    last_target_at timestamptz not null,
    forecast_count integer not null,
    fallback_count integer not null,
    dividend_count integer not null,
    absolute_error numeric not null,
    last_close_absolute_error numeric not null,
    pinball bigint not null,
    crps bigint not null,
    without_dividend_crps bigint not null,
    random_walk_count integer not null,
    beside_random_walk_crps bigint not null,
    random_walk_crps bigint not null,
    har_count integer not null,
    beside_har_crps bigint not null,
    har_crps bigint not null,
    inside_50_count integer not null,
    inside_80_count integer not null,
    inside_90_count integer not null,
    inside_95_count integer not null,
    random_walk_inside_90_count integer not null,
    har_inside_90_count integer not null,
    below_025_count integer not null,
    below_05_count integer not null,
    below_10_count integer not null,
    below_25_count integer not null,
    below_50_count integer not null,
    below_75_count integer not null,
    below_90_count integer not null,
    below_95_count integer not null,
    below_975_count integer not null,
    direction_count integer not null,
    direction_hit_count integer not null,
    random_walk_crps_square numeric not null,
    random_walk_crps_product numeric not null,
    beside_random_walk_crps_square numeric not null,
    har_crps_square numeric not null,
    har_crps_product numeric not null,
    beside_har_crps_square numeric not null,
    primary key (ticker, horizon, is_refresh)
);

comment on table forecast.accuracy_total is
'One row per ticker, horizon and kind of forecast: the sums over all its '
'days, and what the standard errors of the skills need.';
comment on column forecast.accuracy_total.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.accuracy_total.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.accuracy_total.is_refresh is
'True for refreshed forecasts, false for regular ones.';
comment on column forecast.accuracy_total.day_count is
'Number of days with a score of the random walk.';
comment on column forecast.accuracy_total.har_day_count is
'Number of days with a score of the seasonal HAR.';
comment on column forecast.accuracy_total.first_target_at is
'When the first of the forecast bars closed, UTC.';
comment on column forecast.accuracy_total.last_target_at is
'When the last of the forecast bars closed, UTC.';
comment on column forecast.accuracy_total.forecast_count is
'Number of scored forecasts.';
comment on column forecast.accuracy_total.fallback_count is
'How many of them are fallbacks.';
comment on column forecast.accuracy_total.dividend_count is
'How many of them lie across a dividend.';
comment on column forecast.accuracy_total.absolute_error is
'Sum of the distances of the median from the actual close, in the ticker''s '
'currency, on today''s price scale.';
comment on column forecast.accuracy_total.last_close_absolute_error is
'Sum of the distances of the last close from the actual close, in the '
'ticker''s currency, on today''s price scale.';
comment on column forecast.accuracy_total.pinball is
'Sum of the mean pinball losses, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_total.crps is
'Sum of the CRPS, in millionths of a basis point of log return.';
comment on column forecast.accuracy_total.without_dividend_crps is
'Sum of the CRPS of the forecasts that lie across no dividend, in '
'millionths of a basis point of log return.';
comment on column forecast.accuracy_total.random_walk_count is
'How many of them have a score of the random walk beside them.';
comment on column forecast.accuracy_total.beside_random_walk_crps is
'Sum of the CRPS of these, in millionths of a basis point of log return.';
comment on column forecast.accuracy_total.random_walk_crps is
'Sum of the random walk''s CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_total.har_count is
'How many of them have a score of the seasonal HAR beside them.';
comment on column forecast.accuracy_total.beside_har_crps is
'Sum of the CRPS of these, in millionths of a basis point of log return.';
comment on column forecast.accuracy_total.har_crps is
'Sum of the seasonal HAR''s CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_total.inside_50_count is
'Number of closes within q25 and q75.';
comment on column forecast.accuracy_total.inside_80_count is
'Number of closes within q10 and q90.';
comment on column forecast.accuracy_total.inside_90_count is
'Number of closes within q05 and q95.';
comment on column forecast.accuracy_total.inside_95_count is
'Number of closes within q025 and q975.';
comment on column forecast.accuracy_total.random_walk_inside_90_count is
'Number of closes within the random walk''s q05 and q95.';
comment on column forecast.accuracy_total.har_inside_90_count is
'Number of closes within the seasonal HAR''s q05 and q95.';
comment on column forecast.accuracy_total.below_025_count is
'Number of closes at or below q025.';
comment on column forecast.accuracy_total.below_05_count is
'Number of closes at or below q05.';
comment on column forecast.accuracy_total.below_10_count is
'Number of closes at or below q10.';
comment on column forecast.accuracy_total.below_25_count is
'Number of closes at or below q25.';
comment on column forecast.accuracy_total.below_50_count is
'Number of closes at or below q50.';
comment on column forecast.accuracy_total.below_75_count is
'Number of closes at or below q75.';
comment on column forecast.accuracy_total.below_90_count is
'Number of closes at or below q90.';
comment on column forecast.accuracy_total.below_95_count is
'Number of closes at or below q95.';
comment on column forecast.accuracy_total.below_975_count is
'Number of closes at or below q975.';
comment on column forecast.accuracy_total.direction_count is
'Number of forecasts whose median and whose close both differ from the '
'price that the forecast started from.';
comment on column forecast.accuracy_total.direction_hit_count is
'How many of these moved to the side of the median.';
comment on column forecast.accuracy_total.random_walk_crps_square is
'Sum over the days of the square of random_walk_crps of the day. The unit '
'is that of the sums, squared: log return squared.';
comment on column forecast.accuracy_total.random_walk_crps_product is
'Sum over the days of the product of random_walk_crps and '
'beside_random_walk_crps of the day. The unit is that of the sums, squared: '
'log return squared.';
comment on column forecast.accuracy_total.beside_random_walk_crps_square is
'Sum over the days of the square of beside_random_walk_crps of the day. The '
'unit is that of the sums, squared: log return squared.';
comment on column forecast.accuracy_total.har_crps_square is
'Sum over the days of the square of har_crps of the day. The unit is that '
'of the sums, squared: log return squared.';
comment on column forecast.accuracy_total.har_crps_product is
'Sum over the days of the product of har_crps and beside_har_crps of the '
'day. The unit is that of the sums, squared: log return squared.';
comment on column forecast.accuracy_total.beside_har_crps_square is
'Sum over the days of the square of beside_har_crps of the day. The unit is '
'that of the sums, squared: log return squared.';


create table forecast.accuracy_market_day (
    is_simulated boolean not null,
    calendar text not null,
    horizon integer not null,
    is_refresh boolean not null,
    day_exchange date not null,
    forecast_count integer not null,
    fallback_count integer not null,
    dividend_count integer not null,
    pinball bigint not null,
    crps bigint not null,
    without_dividend_crps bigint not null,
    random_walk_count integer not null,
    beside_random_walk_crps bigint not null,
    random_walk_crps bigint not null,
    har_count integer not null,
    beside_har_crps bigint not null,
    har_crps bigint not null,
    inside_50_count integer not null,
    inside_80_count integer not null,
    inside_90_count integer not null,
    inside_95_count integer not null,
    random_walk_inside_90_count integer not null,
    har_inside_90_count integer not null,
    below_025_count integer not null,
    below_05_count integer not null,
    below_10_count integer not null,
    below_25_count integer not null,
    below_50_count integer not null,
    below_75_count integer not null,
    below_90_count integer not null,
    below_95_count integer not null,
    below_975_count integer not null,
    direction_count integer not null,
    direction_hit_count integer not null,
    primary key (is_simulated, calendar, horizon, is_refresh, day_exchange)
);

comment on table forecast.accuracy_market_day is
'One row per market, horizon, kind of forecast and day: the sums of the '
'scores of all its tickers.';
comment on column forecast.accuracy_market_day.is_simulated is
'True if the market is simulated.';
comment on column forecast.accuracy_market_day.calendar is
'Session calendar of its tickers: XNYS, XTAI, 24/7, FX, ...';
comment on column forecast.accuracy_market_day.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.accuracy_market_day.is_refresh is
'True for refreshed forecasts, false for regular ones.';
comment on column forecast.accuracy_market_day.day_exchange is
'Day in the exchange''s time zone on which the forecast bars close.';
comment on column forecast.accuracy_market_day.forecast_count is
'Number of scored forecasts.';
comment on column forecast.accuracy_market_day.fallback_count is
'How many of them are fallbacks.';
comment on column forecast.accuracy_market_day.dividend_count is
'How many of them lie across a dividend.';
comment on column forecast.accuracy_market_day.pinball is
'Sum of the mean pinball losses, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_market_day.crps is
'Sum of the CRPS, in millionths of a basis point of log return.';
comment on column forecast.accuracy_market_day.without_dividend_crps is
'Sum of the CRPS of the forecasts that lie across no dividend, in '
'millionths of a basis point of log return.';
comment on column forecast.accuracy_market_day.random_walk_count is
'How many of them have a score of the random walk beside them.';
comment on column forecast.accuracy_market_day.beside_random_walk_crps is
'Sum of the CRPS of these, in millionths of a basis point of log return.';
comment on column forecast.accuracy_market_day.random_walk_crps is
'Sum of the random walk''s CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_market_day.har_count is
'How many of them have a score of the seasonal HAR beside them.';
comment on column forecast.accuracy_market_day.beside_har_crps is
'Sum of the CRPS of these, in millionths of a basis point of log return.';
comment on column forecast.accuracy_market_day.har_crps is
'Sum of the seasonal HAR''s CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_market_day.inside_50_count is
'Number of closes within q25 and q75.';
comment on column forecast.accuracy_market_day.inside_80_count is
'Number of closes within q10 and q90.';
comment on column forecast.accuracy_market_day.inside_90_count is
'Number of closes within q05 and q95.';
comment on column forecast.accuracy_market_day.inside_95_count is
'Number of closes within q025 and q975.';
comment on column forecast.accuracy_market_day.random_walk_inside_90_count is
'Number of closes within the random walk''s q05 and q95.';
comment on column forecast.accuracy_market_day.har_inside_90_count is
'Number of closes within the seasonal HAR''s q05 and q95.';
comment on column forecast.accuracy_market_day.below_025_count is
'Number of closes at or below q025.';
comment on column forecast.accuracy_market_day.below_05_count is
'Number of closes at or below q05.';
comment on column forecast.accuracy_market_day.below_10_count is
'Number of closes at or below q10.';
comment on column forecast.accuracy_market_day.below_25_count is
'Number of closes at or below q25.';
comment on column forecast.accuracy_market_day.below_50_count is
'Number of closes at or below q50.';
comment on column forecast.accuracy_market_day.below_75_count is
'Number of closes at or below q75.';
comment on column forecast.accuracy_market_day.below_90_count is
'Number of closes at or below q90.';
comment on column forecast.accuracy_market_day.below_95_count is
'Number of closes at or below q95.';
comment on column forecast.accuracy_market_day.below_975_count is
'Number of closes at or below q975.';
comment on column forecast.accuracy_market_day.direction_count is
'Number of forecasts whose median and whose close both differ from the '
'price that the forecast started from.';
comment on column forecast.accuracy_market_day.direction_hit_count is
'How many of these moved to the side of the median.';


-- no common table expression: the planner could not join the view by key
create view forecast.accuracy_addend as
select
    ticker,
    as_of,
    horizon,
    is_refresh,
    coalesce(calendar, 'unknown') as calendar,
    is_simulated,
    day_exchange,
    target_at,
    1 as forecast_count,
    is_fallback::integer as fallback_count,
    (dividend_gap <> 0)::integer as dividend_count,
    error_today::numeric as absolute_error,
    abs(close_today - last_close_today)::numeric as last_close_absolute_error,
    round(pinball::double precision * 1e6)::bigint as pinball,
    round(crps * 1e6)::bigint as crps,
    case
        when dividend_gap = 0 then round(crps * 1e6)::bigint else 0
    end as without_dividend_crps,
    (random_walk_crps is not null)::integer as random_walk_count,
    case
        when random_walk_crps is null then 0 else round(crps * 1e6)::bigint
    end as beside_random_walk_crps,
    coalesce(round(random_walk_crps * 1e6), 0)::bigint as random_walk_crps,
    (seasonal_har_crps is not null)::integer as har_count,
    case
        when seasonal_har_crps is null then 0 else round(crps * 1e6)::bigint
    end as beside_har_crps,
    coalesce(round(seasonal_har_crps * 1e6), 0)::bigint as har_crps,
    inside & 1 as inside_50_count,
    inside >> 1 & 1 as inside_80_count,
    inside >> 2 & 1 as inside_90_count,
    inside >> 3 & 1 as inside_95_count,
    inside >> 6 & 1 as random_walk_inside_90_count,
    inside >> 10 & 1 as har_inside_90_count,
    (actual_close <= q025)::integer as below_025_count,
    (actual_close <= q05)::integer as below_05_count,
    (actual_close <= q10)::integer as below_10_count,
    (actual_close <= q25)::integer as below_25_count,
    (actual_close <= q50)::integer as below_50_count,
    (actual_close <= q75)::integer as below_75_count,
    (actual_close <= q90)::integer as below_90_count,
    (actual_close <= q95)::integer as below_95_count,
    (actual_close <= q975)::integer as below_975_count,
    (actual_close <> start_price and q50 <> start_price)::integer
        as direction_count,
    (
        (actual_close - start_price) * (q50 - start_price) > 0
    )::integer as direction_hit_count
from (
    select
        score.*,
        ticker.calendar,
        ticker.is_simulated,
        prediction.target_at[score.horizon] as target_at,
        (
            prediction.target_at[score.horizon]
            at time zone coalesce(ticker.timezone, 'UTC')
        )::date as day_exchange,
        prediction.is_fallback,
        score.absolute_error / close_scale.factor as error_today,
        score.actual_close / close_scale.factor as close_today,
        prediction.last_close / price_scale.factor as last_close_today,
        coalesce(prediction.believed_price, prediction.last_close)
        / scale.factor as start_price,
        prediction.quantiles[score.horizon][1] / scale.factor as q025,
        prediction.quantiles[score.horizon][2] / scale.factor as q05,
        prediction.quantiles[score.horizon][3] / scale.factor as q10,
        prediction.quantiles[score.horizon][4] / scale.factor as q25,
        prediction.quantiles[score.horizon][5] / scale.factor as q50,
        prediction.quantiles[score.horizon][6] / scale.factor as q75,
        prediction.quantiles[score.horizon][7] / scale.factor as q90,
        prediction.quantiles[score.horizon][8] / scale.factor as q95,
        prediction.quantiles[score.horizon][9] / scale.factor as q975
    from forecast.score
    inner join forecast.prediction using (ticker, as_of)
    inner join forecast.ticker using (ticker)
    -- to the scale on which it was scored, so that a later split moves nothing
    left join lateral forecast.split_factor_between(
        ticker, as_of, score.scored_as_of, prediction.anchored_at
    ) as scale on true
    -- to today's scale
    left join lateral forecast.split_factor_between(
        ticker, as_of, 'infinity', prediction.anchored_at
    ) as price_scale on true
    left join lateral forecast.split_factor_between(
        ticker, score.scored_as_of, 'infinity', as_of
    ) as close_scale on true
) as compared;

comment on view forecast.accuracy_addend is
'One row per scored forecast: the keys of its sums in forecast.accuracy_day '
'and its like, and what it adds to them.';
comment on column forecast.accuracy_addend.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.accuracy_addend.as_of is
'as_of of the forecast, UTC.';
comment on column forecast.accuracy_addend.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.accuracy_addend.is_refresh is
'True for a refreshed forecast, false for a regular one.';
comment on column forecast.accuracy_addend.calendar is
'Session calendar of the ticker; unknown without one.';
comment on column forecast.accuracy_addend.is_simulated is
'True if the market is simulated.';
comment on column forecast.accuracy_addend.day_exchange is
'Day in the exchange''s time zone on which the forecast bar closes.';
comment on column forecast.accuracy_addend.target_at is
'When the forecast bar closes, UTC.';
comment on column forecast.accuracy_addend.forecast_count is
'What it adds to: number of scored forecasts.';
comment on column forecast.accuracy_addend.fallback_count is
'What it adds to: how many of them are fallbacks.';
comment on column forecast.accuracy_addend.dividend_count is
'What it adds to: how many of them lie across a dividend.';
comment on column forecast.accuracy_addend.absolute_error is
'What it adds to: sum of the distances of the median from the actual close, '
'in the ticker''s currency, on today''s price scale.';
comment on column forecast.accuracy_addend.last_close_absolute_error is
'What it adds to: sum of the distances of the last close from the actual '
'close, in the ticker''s currency, on today''s price scale.';
comment on column forecast.accuracy_addend.pinball is
'What it adds to: sum of the mean pinball losses, in millionths of a basis '
'point of log return.';
comment on column forecast.accuracy_addend.crps is
'What it adds to: sum of the CRPS, in millionths of a basis point of log '
'return.';
comment on column forecast.accuracy_addend.without_dividend_crps is
'What it adds to: sum of the CRPS of the forecasts that lie across no '
'dividend, in millionths of a basis point of log return.';
comment on column forecast.accuracy_addend.random_walk_count is
'What it adds to: how many of them have a score of the random walk beside '
'them.';
comment on column forecast.accuracy_addend.beside_random_walk_crps is
'What it adds to: sum of the CRPS of these, in millionths of a basis point '
'of log return.';
comment on column forecast.accuracy_addend.random_walk_crps is
'What it adds to: sum of the random walk''s CRPS, in millionths of a basis '
'point of log return.';
comment on column forecast.accuracy_addend.har_count is
'What it adds to: how many of them have a score of the seasonal HAR beside '
'them.';
comment on column forecast.accuracy_addend.beside_har_crps is
'What it adds to: sum of the CRPS of these, in millionths of a basis point '
'of log return.';
comment on column forecast.accuracy_addend.har_crps is
'What it adds to: sum of the seasonal HAR''s CRPS, in millionths of a basis '
'point of log return.';
comment on column forecast.accuracy_addend.inside_50_count is
'What it adds to: number of closes within q25 and q75.';
comment on column forecast.accuracy_addend.inside_80_count is
'What it adds to: number of closes within q10 and q90.';
comment on column forecast.accuracy_addend.inside_90_count is
'What it adds to: number of closes within q05 and q95.';
comment on column forecast.accuracy_addend.inside_95_count is
'What it adds to: number of closes within q025 and q975.';
comment on column forecast.accuracy_addend.random_walk_inside_90_count is
'What it adds to: number of closes within the random walk''s q05 and q95.';
comment on column forecast.accuracy_addend.har_inside_90_count is
'What it adds to: number of closes within the seasonal HAR''s q05 and q95.';
comment on column forecast.accuracy_addend.below_025_count is
'What it adds to: number of closes at or below q025.';
comment on column forecast.accuracy_addend.below_05_count is
'What it adds to: number of closes at or below q05.';
comment on column forecast.accuracy_addend.below_10_count is
'What it adds to: number of closes at or below q10.';
comment on column forecast.accuracy_addend.below_25_count is
'What it adds to: number of closes at or below q25.';
comment on column forecast.accuracy_addend.below_50_count is
'What it adds to: number of closes at or below q50.';
comment on column forecast.accuracy_addend.below_75_count is
'What it adds to: number of closes at or below q75.';
comment on column forecast.accuracy_addend.below_90_count is
'What it adds to: number of closes at or below q90.';
comment on column forecast.accuracy_addend.below_95_count is
'What it adds to: number of closes at or below q95.';
comment on column forecast.accuracy_addend.below_975_count is
'What it adds to: number of closes at or below q975.';
comment on column forecast.accuracy_addend.direction_count is
'What it adds to: number of forecasts whose median and whose close both '
'differ from the price that the forecast started from.';
comment on column forecast.accuracy_addend.direction_hit_count is
'What it adds to: how many of these moved to the side of the median.';


-- A ratio of sums over days, with the day as one observation.
create function forecast.skill_error(
    skill_ratio double precision,
    baseline_sum double precision,
    baseline_square double precision,
    product_sum double precision,
    ours_square double precision,
    day_count bigint
)
returns double precision
language sql immutable parallel safe
return
case
    when day_count > 1 and baseline_sum > 0
        then sqrt(
            greatest(
                (1 - skill_ratio) ^ 2 * baseline_square
                - 2 * (1 - skill_ratio) * product_sum
                + ours_square,
                0
            )
            * day_count / (day_count - 1)
        )
        / baseline_sum
end;

comment on function forecast.skill_error is
'Standard error of 1 - ours / baseline, both summed over days: the sums over '
'the days of the squares and of the product of the days'' sums, and the number '
'of days; null for fewer than two.';


create function forecast.skill_verdict(
    skill_ratio double precision, error double precision, day_count bigint
)
returns text
language sql immutable parallel safe
return
case
    when day_count < 20 or error is null then 'too few days'
    when skill_ratio > 2 * error then 'edge'
    when skill_ratio < -2 * error then 'worse than the random walk'
    else 'no edge shown'
end;

comment on function forecast.skill_verdict is
'A skill over the random walk in words: it must be two standard errors from 0.';


create function forecast.share_bound(
    hit_count bigint, total_count bigint, deviations double precision
)
returns double precision
language sql immutable parallel safe
return
case
    when total_count > 0
        then (
            hit_count + deviations ^ 2 / 2
            + deviations * sqrt(
                hit_count * (total_count - hit_count)::double precision
                / total_count
                + deviations ^ 2 / 4
            )
        )
        / (total_count + deviations ^ 2)
end;

comment on function forecast.share_bound is
'Bound of Wilson''s interval of a share, so many standard deviations above '
'(positive) or below (negative); null without observations.';
