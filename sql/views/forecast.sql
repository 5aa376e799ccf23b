-- grain: one row per ticker, as_of and horizon

create view bi.forecast as

with ticker as (
    select * from forecast.ticker
),

-- on today's scale: what later splits divide prices by
prediction as (
    select
        prediction.*,
        scale.factor as split_factor
    from forecast.prediction
    left join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = prediction.ticker
            and split.known_at > prediction.as_of
    ) as scale on true
),

score as (
    select
        score.*,
        scale.factor as split_factor
    from forecast.score
    left join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = score.ticker
            and split.known_at > score.scored_as_of
    ) as scale on true
    where score.method = 'hourcast'
),

final as (
    select
        prediction.ticker,
        ticker.source,
        ticker.is_simulated,
        ticker.currency,
        prediction.as_of,
        prediction.horizon,
        prediction.target_at,
        prediction.anchored_at,
        prediction.last_close / prediction.split_factor as last_close,
        prediction.q025 / prediction.split_factor as q025,
        prediction.q05 / prediction.split_factor as q05,
        prediction.q10 / prediction.split_factor as q10,
        prediction.q25 / prediction.split_factor as q25,
        prediction.q50 / prediction.split_factor as q50,
        prediction.q75 / prediction.split_factor as q75,
        prediction.q90 / prediction.split_factor as q90,
        prediction.q95 / prediction.split_factor as q95,
        prediction.q975 / prediction.split_factor as q975,
        score.actual_close / score.split_factor as actual_close,
        score.absolute_error / score.split_factor as absolute_error,
        abs(
            score.actual_close / score.split_factor
            - prediction.last_close / prediction.split_factor
        ) as last_close_absolute_error,
        score.crps,
        score.dividend_gap,
        score.is_inside_50,
        score.is_inside_80,
        score.is_inside_90,
        score.is_inside_95,
        prediction.is_fallback,
        prediction.fallback_reason,
        prediction.model_version,
        prediction.split_factor,
        prediction.origin,
        prediction.made_at
    from prediction
    left join ticker using (ticker)
    left join score using (ticker, as_of, horizon)
)

select * from final;

comment on view bi.forecast is
'One row per ticker, as_of and horizon: every forecast ever made, with what '
'came once it is known, and both errors. Prices are on today''s scale.';
comment on column bi.forecast.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.forecast.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.forecast.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.forecast.currency is
'Currency of all prices of the row.';
comment on column bi.forecast.as_of is
'The instant beyond which the forecast knew nothing, UTC.';
comment on column bi.forecast.horizon is
'Bars ahead in the ticker''s own session calendar, from 1.';
comment on column bi.forecast.target_at is
'When the bar that is forecast closes, UTC.';
comment on column bi.forecast.anchored_at is
'When the newest known bar closed, UTC.';
comment on column bi.forecast.last_close is
'Close of that bar, in currency.';
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
comment on column bi.forecast.dividend_gap is
'Log return by which dividends between last_close and the target moved the '
'price: 0 without one, else below; null until the actual close is known.';
comment on column bi.forecast.is_inside_50 is
'Whether the actual close lies within q25 and q75.';
comment on column bi.forecast.is_inside_80 is
'Whether the actual close lies within q10 and q90.';
comment on column bi.forecast.is_inside_90 is
'Whether the actual close lies within q05 and q95.';
comment on column bi.forecast.is_inside_95 is
'Whether the actual close lies within q025 and q975.';
comment on column bi.forecast.is_fallback is
'True where the random walk stands in for a model.';
comment on column bi.forecast.fallback_reason is
'Why it is a fallback; null where it is none.';
comment on column bi.forecast.model_version is
'The model that made it (content hash); null for a fallback.';
comment on column bi.forecast.split_factor is
'Ratio by which splits since then divided its prices; 1 without one.';
comment on column bi.forecast.origin is
'hourly, or onboarding for a ticker''s first forecast.';
comment on column bi.forecast.made_at is
'When it was written, UTC.';
