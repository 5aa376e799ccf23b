-- grain: one row per ticker and bar

create view bi.bar as

with ticker as (
    select * from forecast.ticker
),

bar as (
    select * from forecast.bar
),

final as (
    select
        bar.ticker,
        ticker.source,
        ticker.is_simulated,
        ticker.currency,
        bar.opened_at,
        bar.opened_at at time zone ticker.timezone as opened_at_exchange,
        bar.closed_at,
        bar.closed_at at time zone ticker.timezone as closed_at_exchange,
        ticker.timezone as exchange_timezone,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.known_at
    from bar
    left join ticker using (ticker)
)

select * from final;

comment on view bi.bar is
'One row per ticker and bar: prices and volume as they are known now. Prices '
'are on today''s scale and not adjusted for dividends.';
comment on column bi.bar.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.bar.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.bar.is_simulated is
'True if the market is simulated.';
comment on column bi.bar.currency is
'Currency of the prices.';
comment on column bi.bar.opened_at is
'Start of the bar, UTC.';
comment on column bi.bar.opened_at_exchange is
'The same instant in the exchange''s time zone, without a zone.';
comment on column bi.bar.closed_at is
'End of the bar by its exchange''s calendar, UTC.';
comment on column bi.bar.closed_at_exchange is
'The same instant in the exchange''s time zone, without a zone.';
comment on column bi.bar.exchange_timezone is
'IANA name of that time zone.';
comment on column bi.bar.open is
'First price, in currency.';
comment on column bi.bar.high is
'Highest price, in currency.';
comment on column bi.bar.low is
'Lowest price, in currency.';
comment on column bi.bar.close is
'Last price, in currency.';
comment on column bi.bar.volume is
'Traded units as the source counts them; null if unknown.';
comment on column bi.bar.known_at is
'Since when these values are known, UTC.';
