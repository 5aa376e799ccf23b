-- grain: one row per ticker and horizon, of the ticker's newest forecast

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
        prediction.anchored_at,
        prediction.last_close / scale.factor as last_close,
        prediction.q025 / scale.factor as q025,
        prediction.q05 / scale.factor as q05,
        prediction.q10 / scale.factor as q10,
        prediction.q25 / scale.factor as q25,
        prediction.q50 / scale.factor as q50,
        prediction.q75 / scale.factor as q75,
        prediction.q90 / scale.factor as q90,
        prediction.q95 / scale.factor as q95,
        prediction.q975 / scale.factor as q975,
        walk.q05 / scale.factor as random_walk_q05,
        walk.q50 / scale.factor as random_walk_q50,
        walk.q95 / scale.factor as random_walk_q95,
        prediction.is_fallback,
        prediction.fallback_reason,
        prediction.model_version,
        prediction.made_at
    from newest
    inner join forecast.prediction
        on
            newest.ticker = prediction.ticker
            and newest.as_of = prediction.as_of
    inner join ticker on newest.ticker = ticker.ticker
    left join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = prediction.ticker
            and split.known_at > prediction.as_of
    ) as scale on true
    left join forecast.baseline_prediction as walk
        on
            prediction.ticker = walk.ticker
            and prediction.as_of = walk.as_of
            and prediction.horizon = walk.horizon
            and walk.baseline = 'random_walk'
)

select * from final;

comment on view bi.latest_forecast is
'One row per ticker and horizon: what is forecast now, as prices '
'on today''s scale.';
comment on column bi.latest_forecast.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.latest_forecast.name is
'Name for people; null where unknown.';
comment on column bi.latest_forecast.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.latest_forecast.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.latest_forecast.status is
'The ticker''s status; only an active one gets new forecasts.';
comment on column bi.latest_forecast.currency is
'Currency of all prices of the row.';
comment on column bi.latest_forecast.as_of is
'The instant beyond which the forecast knew nothing, UTC.';
comment on column bi.latest_forecast.horizon is
'Bars ahead in the ticker''s own session calendar, from 1.';
comment on column bi.latest_forecast.target_at is
'When the bar that is forecast closes, UTC.';
comment on column bi.latest_forecast.target_at_exchange is
'The same on the clock of the exchange, without a zone.';
comment on column bi.latest_forecast.exchange_timezone is
'IANA time zone of that clock.';
comment on column bi.latest_forecast.anchored_at is
'When the newest known bar closed, UTC.';
comment on column bi.latest_forecast.last_close is
'Close of that bar, in currency.';
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
'Quantile 0.05 that the random walk gives, in currency.';
comment on column bi.latest_forecast.random_walk_q50 is
'Median that the random walk gives (the last close), in currency.';
comment on column bi.latest_forecast.random_walk_q95 is
'Quantile 0.95 that the random walk gives, in currency.';
comment on column bi.latest_forecast.is_fallback is
'True where the random walk stands in for a model.';
comment on column bi.latest_forecast.fallback_reason is
'Why it is a fallback; null where it is none.';
comment on column bi.latest_forecast.model_version is
'The model that made it (content hash); null for a fallback.';
comment on column bi.latest_forecast.made_at is
'When it was written, UTC.';
