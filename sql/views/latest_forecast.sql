-- grain: one row per ticker and horizon of the ticker's newest forecast

create view bi.latest_forecast as

with ticker as (
    select * from forecast.ticker
),

newest as (
    select
        ticker.ticker,
        made.as_of
    from ticker
    cross join lateral (
        select prediction.as_of
        from forecast.prediction
        where prediction.ticker = ticker.ticker
        order by prediction.as_of desc
        limit 1
    ) as made
),

final as (
    select
        prediction.ticker,
        ticker.name,
        ticker.source,
        ticker.is_simulated,
        ticker.status,
        ticker.currency,
        prediction.as_of,
        prediction.horizon,
        prediction.target_at,
        prediction.target_at at time zone ticker.timezone
            as target_at_exchange,
        ticker.timezone as exchange_timezone,
        prediction.target_at <= now() as is_past,
        prediction.target_at > now()
        and coalesce(
            lag(prediction.target_at) over bars_ahead <= now(), true
        ) as is_next,
        prediction.anchored_at,
        prediction.last_close / scale.factor as last_close,
        prediction.is_refresh,
        prediction.believed_price / scale.factor as believed_price,
        coalesce(prediction.believed_at, prediction.anchored_at) as price_at,
        prediction.q025 / scale.factor as q025,
        prediction.q05 / scale.factor as q05,
        prediction.q10 / scale.factor as q10,
        prediction.q25 / scale.factor as q25,
        prediction.q50 / scale.factor as q50,
        prediction.q75 / scale.factor as q75,
        prediction.q90 / scale.factor as q90,
        prediction.q95 / scale.factor as q95,
        prediction.q975 / scale.factor as q975,
        baseline.random_walk[prediction.horizon][2] / scale.factor
            as random_walk_q05,
        baseline.random_walk[prediction.horizon][5] / scale.factor
            as random_walk_q50,
        baseline.random_walk[prediction.horizon][8] / scale.factor
            as random_walk_q95,
        baseline.seasonal_har[prediction.horizon][2] / scale.factor
            as har_q05,
        baseline.seasonal_har[prediction.horizon][5] / scale.factor
            as har_q50,
        baseline.seasonal_har[prediction.horizon][8] / scale.factor
            as har_q95,
        prediction.is_fallback,
        prediction.fallback_reason,
        forecast.reason_text(prediction.reasons) as reasons,
        prediction.model_version,
        prediction.made_at
    from newest
    inner join forecast.prediction_by_horizon as prediction
        on
            newest.ticker = prediction.ticker
            and newest.as_of = prediction.as_of
    inner join ticker on newest.ticker = ticker.ticker
    left join lateral forecast.split_factor_between(
        prediction.ticker, prediction.as_of, 'infinity', prediction.anchored_at
    ) as scale on true
    left join forecast.baseline_prediction as baseline
        on
            prediction.ticker = baseline.ticker
            and prediction.as_of = baseline.as_of
    window
        bars_ahead as (
            partition by prediction.ticker order by prediction.horizon
        )
)

select * from final;

comment on view bi.latest_forecast is
'One row per ticker and horizon: the ticker''s newest forecast. Prices are on '
'today''s scale.';
comment on column bi.latest_forecast.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.latest_forecast.name is
'Display name; null if unknown.';
comment on column bi.latest_forecast.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.latest_forecast.is_simulated is
'True if the market is simulated.';
comment on column bi.latest_forecast.status is
'Status of the ticker; only an active ticker gets new forecasts.';
comment on column bi.latest_forecast.currency is
'Currency of all prices of the row.';
comment on column bi.latest_forecast.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column bi.latest_forecast.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column bi.latest_forecast.target_at is
'When the forecast bar closes, UTC.';
comment on column bi.latest_forecast.target_at_exchange is
'The same instant in the exchange''s time zone, without a zone.';
comment on column bi.latest_forecast.exchange_timezone is
'IANA name of that time zone.';
comment on column bi.latest_forecast.is_past is
'True if the forecast bar has closed by now; until the hour''s run, the first '
'targets of the newest forecast may be past.';
comment on column bi.latest_forecast.is_next is
'True for the first target of the ticker that is not past; false for all if '
'all are past.';
comment on column bi.latest_forecast.anchored_at is
'When the newest bar known at as_of closed, UTC.';
comment on column bi.latest_forecast.last_close is
'Close of that bar, in currency.';
comment on column bi.latest_forecast.is_refresh is
'True if the forecast starts from a price of extended hours.';
comment on column bi.latest_forecast.believed_price is
'That price, in currency; null for a regular forecast.';
comment on column bi.latest_forecast.price_at is
'When the price that the forecast starts from is from, UTC: believed_price, or '
'last_close without one.';
comment on column bi.latest_forecast.q025 is
'Quantile 0.025 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q05 is
'Quantile 0.05 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q10 is
'Quantile 0.1 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q25 is
'Quantile 0.25 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q50 is
'Median of the close at target_at, in currency.';
comment on column bi.latest_forecast.q75 is
'Quantile 0.75 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q90 is
'Quantile 0.9 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q95 is
'Quantile 0.95 of the close at target_at, in currency.';
comment on column bi.latest_forecast.q975 is
'Quantile 0.975 of the close at target_at, in currency.';
comment on column bi.latest_forecast.random_walk_q05 is
'Quantile 0.05 of the random walk''s forecast, in currency.';
comment on column bi.latest_forecast.random_walk_q50 is
'Median of the random walk''s forecast (the price at price_at), in currency.';
comment on column bi.latest_forecast.random_walk_q95 is
'Quantile 0.95 of the random walk''s forecast, in currency.';
comment on column bi.latest_forecast.har_q05 is
'Quantile 0.05 of the seasonal HAR''s forecast, in currency; null without one.';
comment on column bi.latest_forecast.har_q50 is
'Median of the seasonal HAR''s forecast, in currency; null without one.';
comment on column bi.latest_forecast.har_q95 is
'Quantile 0.95 of the seasonal HAR''s forecast, in currency; null without one.';
comment on column bi.latest_forecast.is_fallback is
'True if it is the random walk''s forecast in place of a model''s.';
comment on column bi.latest_forecast.fallback_reason is
'Reason for the fallback; null if it is not one.';
comment on column bi.latest_forecast.reasons is
'What moves or widens the forecast, in words: reports, announcements, the '
'night''s price, volatility; null if there is nothing.';
comment on column bi.latest_forecast.model_version is
'model_version of the model (content hash); null for a fallback.';
comment on column bi.latest_forecast.made_at is
'When it was written, UTC.';
