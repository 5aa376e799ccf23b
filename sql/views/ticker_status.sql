-- grain: one row per ticker that was ever requested

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
        next_target.target_at as next_target_at,
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
            prediction.is_fallback,
            prediction.target_at
        from forecast.prediction
        where prediction.ticker = ticker.ticker
        order by prediction.as_of desc
        limit 1
    ) as newest_forecast on true
    left join lateral (
        select min(ahead.target_at) as target_at
        from unnest(newest_forecast.target_at) as ahead (target_at)
        where ahead.target_at > now()
    ) as next_target on true
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
'One row per ticker: its status, its newest data and its last hour''s result.';
comment on column bi.ticker_status.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.ticker_status.name is
'Display name; null if unknown.';
comment on column bi.ticker_status.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.ticker_status.is_simulated is
'True if the market is simulated.';
comment on column bi.ticker_status.status is
'pending, backfilling, training, active, stale, rejected, failed, retired.';
comment on column bi.ticker_status.status_reason is
'Reason for this status; null if there is none to give.';
comment on column bi.ticker_status.status_at is
'When status or reason last changed, UTC.';
comment on column bi.ticker_status.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...; null until validated.';
comment on column bi.ticker_status.exchange_timezone is
'IANA time zone of its exchange; null until validated.';
comment on column bi.ticker_status.currency is
'Currency of its prices; null if unknown.';
comment on column bi.ticker_status.activated_as_of is
'Hours after this instant plan the ticker, UTC.';
comment on column bi.ticker_status.retired_as_of is
'Hours after this instant omit the ticker, UTC; null if tracked.';
comment on column bi.ticker_status.last_bar_closed_at is
'When its newest bar closed, UTC.';
comment on column bi.ticker_status.last_bar_age_hours is
'Hours since then, with nights and weekends.';
comment on column bi.ticker_status.last_forecast_as_of is
'as_of of its newest forecast, UTC.';
comment on column bi.ticker_status.next_target_at is
'When the first bar of that forecast closes that is not past, UTC; null if all '
'are past.';
comment on column bi.ticker_status.is_last_forecast_fallback is
'True if that forecast is a fallback (the random walk''s).';
comment on column bi.ticker_status.last_outcome_as_of is
'as_of of the newest hour that planned it, UTC.';
comment on column bi.ticker_status.last_outcome_status is
'Its result there: planned, forecast, fallback, skipped or failed.';
comment on column bi.ticker_status.last_outcome_reason is
'Reason for that result; null if there is none to give.';
