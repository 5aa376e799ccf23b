-- grain: one row per ticker and bar end: past closes, and what is forecast

create view bi.superset_forecast as

with bar as (
    select * from forecast.bar
),

prediction as (
    select * from forecast.prediction
),

-- of all forecasts of one bar the newest: one bar ahead for the past
newest as (
    select distinct on (ticker, target_at)
        ticker,
        target_at as closed_at,
        as_of,
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
    left join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = newest.ticker
            and split.known_at > newest.as_of
    ) as scale on true
)

select * from final;

comment on view bi.superset_forecast is
'One row per ticker and bar end: the close where it is known, and the newest '
'forecast of it, in the columns that Superset draws as a band. Prices are on '
'today''s scale.';
comment on column bi.superset_forecast.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.superset_forecast.closed_at is
'When the bar closed or will close, UTC.';
comment on column bi.superset_forecast.close is
'Its close, in the ticker''s currency; null while it is to come.';
comment on column bi.superset_forecast.close__yhat is
'Median of the newest forecast of it, in the ticker''s currency.';
comment on column bi.superset_forecast.close__yhat_lower is
'Lower edge of its 90 % interval (q05), in the ticker''s currency.';
comment on column bi.superset_forecast.close__yhat_upper is
'Upper edge of its 90 % interval (q95), in the ticker''s currency.';
comment on column bi.superset_forecast.as_of is
'as_of of that forecast, UTC; null where there is none.';
comment on column bi.superset_forecast.horizon is
'Bars that it looked ahead; null where there is none.';
