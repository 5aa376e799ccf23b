-- grain: one row per ticker, as_of, horizon and level of the interval

create view bi.forecast_interval as
-- without named parts, so that an order with a limit reaches the indexes
select
    prediction.ticker,
    ticker.source,
    ticker.is_simulated,
    ticker.status,
    ticker.currency,
    prediction.as_of,
    prediction.horizon,
    prediction.target_at,
    prediction.target_at at time zone ticker.timezone
        as target_at_exchange,
    interval_of.level_ratio,
    interval_of.lower_price / scale.factor as lower_price,
    prediction.q50 / scale.factor as median_price,
    interval_of.upper_price / scale.factor as upper_price,
    (interval_of.upper_price - interval_of.lower_price)
    / prediction.q50 as width_ratio,
    score.actual_close / score_scale.factor as actual_close,
    interval_of.is_inside,
    prediction.is_refresh,
    prediction.is_fallback
from forecast.prediction_by_horizon as prediction
-- the factor that brings the prices of a row to today's scale
left join lateral forecast.split_factor_between(
    prediction.ticker, prediction.as_of, 'infinity', prediction.anchored_at
) as scale on true
left join forecast.ticker using (ticker)
left join forecast.score using (ticker, as_of, horizon)
left join lateral forecast.split_factor_between(
    score.ticker, score.scored_as_of, 'infinity', score.as_of
) as score_scale on true
cross join lateral (
    values
    (
        0.5::double precision,
        prediction.q25,
        prediction.q75,
        (score.inside & 1) <> 0
    ),
    (0.8, prediction.q10, prediction.q90, (score.inside & 2) <> 0),
    (0.9, prediction.q05, prediction.q95, (score.inside & 4) <> 0),
    (0.95, prediction.q025, prediction.q975, (score.inside & 8) <> 0)
) as interval_of (level_ratio, lower_price, upper_price, is_inside);

comment on view bi.forecast_interval is
'One row per ticker, as_of, horizon and level of the interval: the forecasts '
'of bi.forecast in the long form. Prices are on today''s scale.';
comment on column bi.forecast_interval.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.forecast_interval.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.forecast_interval.is_simulated is
'True if the market is simulated.';
comment on column bi.forecast_interval.status is
'Status of the ticker now; see ticker_status.';
comment on column bi.forecast_interval.currency is
'Currency of all prices of the row.';
comment on column bi.forecast_interval.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column bi.forecast_interval.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.forecast_interval.target_at is
'When the forecast bar closes, UTC.';
comment on column bi.forecast_interval.target_at_exchange is
'The same instant in the exchange''s time zone, without a zone.';
comment on column bi.forecast_interval.level_ratio is
'Share of closes that the interval is made to contain: 0.5, 0.8, 0.9 or 0.95.';
comment on column bi.forecast_interval.lower_price is
'Lower edge of the interval of the close at target_at, in currency.';
comment on column bi.forecast_interval.median_price is
'Median of the close at target_at, in currency.';
comment on column bi.forecast_interval.upper_price is
'Upper edge of the interval of the close at target_at, in currency.';
comment on column bi.forecast_interval.width_ratio is
'Width of the interval over the median, a ratio.';
comment on column bi.forecast_interval.actual_close is
'Close of the forecast bar, in currency; null until it is known.';
comment on column bi.forecast_interval.is_inside is
'True if it lies in the interval; null until it is known.';
comment on column bi.forecast_interval.is_refresh is
'True if the forecast starts from a price of extended hours.';
comment on column bi.forecast_interval.is_fallback is
'True if it is the random walk''s forecast in place of a model''s.';
