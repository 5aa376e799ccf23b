-- grain: one row per ticker and bar end, past or forecast

create view bi.superset_forecast as

with bar as (
    select * from forecast.bar
),

prediction as (
    select * from forecast.prediction
),

-- the newest forecast of each bar: for past bars the one of horizon 1
newest as (
    select distinct on (ticker, target_at)
        ticker,
        target_at as closed_at,
        as_of,
        anchored_at,
        horizon,
        q05,
        q50,
        q95
    from prediction
    order by ticker asc, target_at asc, as_of desc
),

final as (
    select
        ticker,
        closed_at,
        bar.close,
        newest.q50 / scale.factor as close__yhat,
        newest.q05 / scale.factor as close__yhat_lower,
        newest.q95 / scale.factor as close__yhat_upper,
        newest.as_of,
        newest.horizon
    from bar
    full join newest using (ticker, closed_at)
    left join lateral forecast.split_factor_between(
        newest.ticker, newest.as_of, 'infinity', newest.anchored_at
    ) as scale on true
)

select * from final;

comment on view bi.superset_forecast is
'One row per ticker and bar end: the close if it is known, and the newest '
'forecast of it, in the columns that Superset draws as a band. Prices are on '
'today''s scale.';
comment on column bi.superset_forecast.ticker is
'Symbol as Yahoo spells it.';
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
