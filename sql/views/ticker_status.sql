-- grain: one row per ticker that was ever asked for

create view bi.ticker_status as

with ticker as (
    select * from forecast.ticker
),

final as (
    select
        ticker.ticker,
        ticker.name,
        ticker.source,
        ticker.is_simulated,
        ticker.status,
        ticker.status_reason,
        ticker.status_at,
        ticker.calendar,
        ticker.timezone as exchange_timezone,
        ticker.currency,
        ticker.activated_as_of,
        ticker.retired_as_of,
        newest_bar.closed_at as last_bar_closed_at,
        extract(epoch from now() - newest_bar.closed_at)
        / 3600 as last_bar_age_hours,
        newest_forecast.as_of as last_forecast_as_of,
        newest_forecast.target_at as next_target_at,
        newest_forecast.is_fallback as is_last_forecast_fallback,
        newest_outcome.as_of as last_outcome_as_of,
        newest_outcome.status as last_outcome_status,
        newest_outcome.reason as last_outcome_reason
    from ticker
    left join lateral (
        select bar.closed_at
        from forecast.bar
        where bar.ticker = ticker.ticker
        order by bar.closed_at desc
        limit 1
    ) as newest_bar on true
    left join lateral (
        select
            prediction.as_of,
            prediction.target_at,
            prediction.is_fallback
        from forecast.prediction
        where prediction.ticker = ticker.ticker
        order by prediction.as_of desc, prediction.horizon asc
        limit 1
    ) as newest_forecast on true
    left join lateral (
        select
            outcome.as_of,
            outcome.status,
            outcome.reason
        from forecast.outcome
        where outcome.ticker = ticker.ticker
        order by outcome.as_of desc
        limit 1
    ) as newest_outcome on true
)

select * from final;

comment on view bi.ticker_status is
'One row per ticker: where its life stands and how fresh its data is.';
comment on column bi.ticker_status.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.ticker_status.name is
'Name for people; null where unknown.';
comment on column bi.ticker_status.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.ticker_status.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.ticker_status.status is
'pending, backfilling, training, active, stale, rejected, failed, retired.';
comment on column bi.ticker_status.status_reason is
'Why it has this status; null where there is nothing to say.';
comment on column bi.ticker_status.status_at is
'When status or reason last changed, UTC.';
comment on column bi.ticker_status.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...; null until validated.';
comment on column bi.ticker_status.exchange_timezone is
'IANA time zone of its exchange; null until validated.';
comment on column bi.ticker_status.currency is
'Currency of its prices; null where unknown.';
comment on column bi.ticker_status.activated_as_of is
'The instant after which hours plan it, UTC.';
comment on column bi.ticker_status.retired_as_of is
'The instant after which hours leave it out, UTC; null if tracked.';
comment on column bi.ticker_status.last_bar_closed_at is
'When its newest bar closed, UTC.';
comment on column bi.ticker_status.last_bar_age_hours is
'Hours since then; nights and weekends count.';
comment on column bi.ticker_status.last_forecast_as_of is
'as_of of its newest forecast, UTC.';
comment on column bi.ticker_status.next_target_at is
'When the first bar of that forecast closes, UTC.';
comment on column bi.ticker_status.is_last_forecast_fallback is
'Whether the random walk stands in for a model there.';
comment on column bi.ticker_status.last_outcome_as_of is
'The newest hour that planned it, UTC.';
comment on column bi.ticker_status.last_outcome_status is
'What became of it there: planned, forecast, fallback, skipped or failed.';
comment on column bi.ticker_status.last_outcome_reason is
'Why; null where there is nothing to say.';
