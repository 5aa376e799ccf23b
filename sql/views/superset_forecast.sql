-- grain: one row per ticker and bar end, past or forecast

create view bi.superset_forecast as

with bar as (
    select * from forecast.bar
),

-- bars that came, and those that the newest forecast is about
bar_end as (
    select
        bar.ticker,
        bar.closed_at,
        bar.close
    from bar
    union all
    select
        ticker.ticker,
        ahead.target_at as closed_at,
        null as close
    from forecast.ticker
    cross join
        lateral (
            select prediction.target_at
            from forecast.prediction
            where prediction.ticker = ticker.ticker
            order by prediction.as_of desc
            limit 1
        ) as newest
    cross join lateral unnest(newest.target_at) as ahead (target_at)
    where
        not exists (
            select from forecast.bar
            where
                bar.ticker = ticker.ticker
                and bar.closed_at = ahead.target_at
        )
),

final as (
    select
        bar_end.ticker,
        ticker.source,
        ticker.is_simulated,
        ticker.status,
        ticker.currency,
        bar_end.closed_at,
        bar_end.close,
        newest.quantiles[newest.horizon][5] / scale.factor as close__yhat,
        newest.quantiles[newest.horizon][2] / scale.factor
            as close__yhat_lower,
        newest.quantiles[newest.horizon][8] / scale.factor
            as close__yhat_upper,
        newest.as_of,
        newest.horizon,
        newest.is_refresh,
        newest.is_fallback
    from bar_end
    inner join forecast.ticker using (ticker)
    left join lateral (
        select
            prediction.as_of,
            prediction.anchored_at,
            prediction.quantiles,
            prediction.is_refresh,
            prediction.is_fallback,
            array_position(prediction.target_at, bar_end.closed_at) as horizon
        from forecast.prediction
        where
            prediction.ticker = bar_end.ticker
            and prediction.anchored_at < bar_end.closed_at
            and prediction.anchored_at > bar_end.closed_at - interval '30 days'
            and bar_end.closed_at = any(prediction.target_at)
        order by prediction.anchored_at desc, prediction.as_of desc
        limit 1
    ) as newest on true
    left join lateral forecast.split_factor_between(
        bar_end.ticker, newest.as_of, 'infinity', newest.anchored_at
    ) as scale on true
)

select * from final;

comment on view bi.superset_forecast is
'One row per ticker and bar end, of the bars that came and of those that the '
'ticker''s newest forecast is about: the close if it is known, and the newest '
'forecast of it, in the columns that Superset draws as a band. Prices are on '
'today''s scale.';
comment on column bi.superset_forecast.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.superset_forecast.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.superset_forecast.is_simulated is
'True if the market is simulated.';
comment on column bi.superset_forecast.status is
'Status of the ticker now; see ticker_status.';
comment on column bi.superset_forecast.currency is
'Currency of all prices of the row.';
comment on column bi.superset_forecast.closed_at is
'When the bar closed or will close, UTC.';
comment on column bi.superset_forecast.close is
'Its close, in the ticker''s currency; null until it is known.';
comment on column bi.superset_forecast.close__yhat is
'Median of the newest forecast of it, in the ticker''s currency.';
comment on column bi.superset_forecast.close__yhat_lower is
'Lower edge of its 90 % interval (q05), in the ticker''s currency.';
comment on column bi.superset_forecast.close__yhat_upper is
'Upper edge of its 90 % interval (q95), in the ticker''s currency.';
comment on column bi.superset_forecast.as_of is
'as_of of that forecast, UTC; null without a forecast.';
comment on column bi.superset_forecast.horizon is
'Number of bars ahead of that forecast; null without a forecast.';
comment on column bi.superset_forecast.is_refresh is
'True if the forecast starts from a price of extended hours; null if none.';
comment on column bi.superset_forecast.is_fallback is
'True if it is the random walk''s forecast in place of a model''s; null if '
'there is none.';
