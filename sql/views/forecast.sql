-- grain: one row per ticker, as_of and horizon

create view bi.forecast as
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
    prediction.anchored_at,
    prediction.last_close / scale.factor as last_close,
    prediction.is_refresh,
    prediction.believed_price / scale.factor as believed_price,
    prediction.believed_at,
    prediction.q025 / scale.factor as q025,
    prediction.q05 / scale.factor as q05,
    prediction.q10 / scale.factor as q10,
    prediction.q25 / scale.factor as q25,
    prediction.q50 / scale.factor as q50,
    prediction.q75 / scale.factor as q75,
    prediction.q90 / scale.factor as q90,
    prediction.q95 / scale.factor as q95,
    prediction.q975 / scale.factor as q975,
    score.actual_close / score_scale.factor as actual_close,
    score.absolute_error / score_scale.factor as absolute_error,
    abs(
        score.actual_close / score_scale.factor
        - prediction.last_close / scale.factor
    ) as last_close_absolute_error,
    score.crps,
    score.random_walk_crps,
    score.seasonal_har_crps as har_crps,
    score.dividend_gap,
    (score.inside & 1) <> 0 as is_inside_50,
    (score.inside & 2) <> 0 as is_inside_80,
    (score.inside & 4) <> 0 as is_inside_90,
    (score.inside & 8) <> 0 as is_inside_95,
    prediction.is_fallback,
    prediction.fallback_reason,
    prediction.reasons,
    prediction.model_version,
    scale.factor as split_factor,
    prediction.written_by,
    prediction.written_by as origin,
    prediction.made_at
from forecast.prediction_by_horizon as prediction
-- the factor that brings the prices of a row to today's scale
left join lateral forecast.split_factor_between(
    prediction.ticker, prediction.as_of, 'infinity', prediction.anchored_at
) as scale on true
left join forecast.ticker using (ticker)
left join forecast.score using (ticker, as_of, horizon)
left join lateral forecast.split_factor_between(
    score.ticker, score.scored_as_of, 'infinity', score.as_of
) as score_scale on true;

comment on view bi.forecast is
'One row per ticker, as_of and horizon: every stored forecast, the actual '
'close once it is known, and the errors. Prices are on today''s scale. A bound '
'on as_of beside one on target_at saves time: only as_of has an index.';
comment on column bi.forecast.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.forecast.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.forecast.is_simulated is
'True if the market is simulated.';
comment on column bi.forecast.status is
'Status of the ticker now; see ticker_status.';
comment on column bi.forecast.currency is
'Currency of all prices of the row.';
comment on column bi.forecast.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column bi.forecast.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.forecast.target_at is
'When the forecast bar closes, UTC.';
comment on column bi.forecast.target_at_exchange is
'target_at on the clock of the ticker''s exchange.';
comment on column bi.forecast.anchored_at is
'When the newest bar known at as_of closed, UTC.';
comment on column bi.forecast.last_close is
'Close of that bar, in currency.';
comment on column bi.forecast.is_refresh is
'True if the forecast starts from a price of extended hours.';
comment on column bi.forecast.believed_price is
'That price, in currency; null for a regular forecast.';
comment on column bi.forecast.believed_at is
'When that price is from, UTC; null for a regular forecast.';
comment on column bi.forecast.q025 is
'Quantile 0.025 of the close at target_at, in currency.';
comment on column bi.forecast.q05 is
'Quantile 0.05 of the close at target_at, in currency.';
comment on column bi.forecast.q10 is
'Quantile 0.1 of the close at target_at, in currency.';
comment on column bi.forecast.q25 is
'Quantile 0.25 of the close at target_at, in currency.';
comment on column bi.forecast.q50 is
'Median of the close at target_at, in currency.';
comment on column bi.forecast.q75 is
'Quantile 0.75 of the close at target_at, in currency.';
comment on column bi.forecast.q90 is
'Quantile 0.9 of the close at target_at, in currency.';
comment on column bi.forecast.q95 is
'Quantile 0.95 of the close at target_at, in currency.';
comment on column bi.forecast.q975 is
'Quantile 0.975 of the close at target_at, in currency.';
comment on column bi.forecast.actual_close is
'Close of the target bar, in currency; null until it is known.';
comment on column bi.forecast.absolute_error is
'Distance of the median from the actual close, in currency.';
comment on column bi.forecast.last_close_absolute_error is
'Distance of the last close from the actual close, in currency.';
comment on column bi.forecast.crps is
'CRPS of the nine quantiles, in basis points of log return; less is better.';
comment on column bi.forecast.random_walk_crps is
'CRPS of the random walk on the same bar, in basis points of log return.';
comment on column bi.forecast.har_crps is
'CRPS of seasonal HAR on the same bar, in basis points of log return; null if '
'it had too little history.';
comment on column bi.forecast.dividend_gap is
'Log return by which dividends between last_close and the target moved the '
'price: 0 without a dividend, else negative; null until the actual close is '
'known.';
comment on column bi.forecast.is_inside_50 is
'Whether the actual close lies within q25 and q75.';
comment on column bi.forecast.is_inside_80 is
'Whether the actual close lies within q10 and q90.';
comment on column bi.forecast.is_inside_90 is
'Whether the actual close lies within q05 and q95.';
comment on column bi.forecast.is_inside_95 is
'Whether the actual close lies within q025 and q975.';
comment on column bi.forecast.is_fallback is
'True if it is the random walk''s forecast in place of a model''s.';
comment on column bi.forecast.fallback_reason is
'Reason for the fallback; null if it is not one.';
comment on column bi.forecast.reasons is
'What moves or widens the forecast, as JSON: objects with kind and text; null '
'if there is nothing.';
comment on column bi.forecast.model_version is
'model_version of the model (content hash); null for a fallback.';
comment on column bi.forecast.split_factor is
'Ratio by which splits after as_of divided its prices; 1 without one.';
comment on column bi.forecast.written_by is
'What wrote the forecast: hourly (an hour) or onboarding.';
comment on column bi.forecast.origin is
'Same as written_by; kept for existing queries.';
comment on column bi.forecast.made_at is
'When it was written, UTC.';
