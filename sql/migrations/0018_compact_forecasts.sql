-- A forecast of all horizons is one row with arrays, and a score row has all
-- methods. Views give the rows by horizon and by method.

drop view if exists
bi.accuracy, bi.forecast, bi.forecast_interval, bi.hour_outcome,
bi.latest_forecast, bi.refresh_accuracy, bi.superset_forecast,
bi.ticker_status;
alter table forecast.prediction rename to former_prediction;
alter index forecast.prediction_pkey rename to former_prediction_pkey;
alter table forecast.baseline_prediction rename to former_baseline;
alter index forecast.baseline_prediction_pkey rename to former_baseline_pkey;
alter table forecast.score rename to former_score;
alter index forecast.score_pkey rename to former_score_pkey;
set local work_mem = '128MB';
set local maintenance_work_mem = '256MB';


-- The planner puts the expressions of these functions in their place.
create function forecast.are_prices_in_order(
    quantiles double precision[], horizon integer
)
returns boolean
language sql immutable parallel safe
return
0 < quantiles[horizon][1]
and quantiles[horizon][1] <= quantiles[horizon][2]
and quantiles[horizon][2] <= quantiles[horizon][3]
and quantiles[horizon][3] <= quantiles[horizon][4]
and quantiles[horizon][4] <= quantiles[horizon][5]
and quantiles[horizon][5] <= quantiles[horizon][6]
and quantiles[horizon][6] <= quantiles[horizon][7]
and quantiles[horizon][7] <= quantiles[horizon][8]
and quantiles[horizon][8] <= quantiles[horizon][9]
and quantiles[horizon][9] < 'infinity';

comment on function forecast.are_prices_in_order is
'Whether the nine quantiles of a horizon are positive and in order; null if '
'the array has no such horizon.';


create function forecast.model_bytes(model_version text)
returns bytea
language sql immutable parallel safe
return
case
    when model_version ~ '^[0-9a-f]{64}$' then decode(model_version, 'hex')
    else convert_to(model_version, 'UTF8')
end;

comment on function forecast.model_bytes is
'A model_version as it is stored: the 32 bytes of its sha256.';

create function forecast.model_name(bytea)
returns text
language sql immutable parallel safe
return
case
    when length($1) = 32 then encode($1, 'hex')
    else convert_from($1, 'UTF8')
end;

comment on function forecast.model_name is
'The model_version of which these are the stored bytes.';


-- the widest columns first, so that nothing is lost to alignment
create table forecast.prediction (
    as_of timestamptz not null,
    anchored_at timestamptz not null,
    made_at timestamptz not null default now(),
    last_close double precision not null,
    believed_at timestamptz,
    believed_price double precision,
    target_at timestamptz[] not null,
    quantiles double precision[] not null,
    width_factor double precision[] not null,
    tail_width_factor double precision[],
    is_fallback boolean not null,
    is_refresh boolean not null default false,
    ticker text not null,
    source text not null,
    written_by text not null,
    model_version bytea,
    fallback_reason text,
    reasons jsonb,
    constraint every_horizon_is_complete check (
        cardinality(target_at) between 1 and 7
        and array_ndims(quantiles) = 2
        and array_length(quantiles, 1) = cardinality(target_at)
        and array_length(quantiles, 2) = 9
        and cardinality(width_factor) = cardinality(target_at)
        and coalesce(cardinality(tail_width_factor), cardinality(target_at))
        = cardinality(target_at)
    ),
    constraint target_lies_after_anchor check (anchored_at < all(target_at)),
    constraint anchor_was_known check (anchored_at <= as_of),
    constraint quantiles_are_prices_in_order check (
        forecast.are_prices_in_order(quantiles, 1)
        and forecast.are_prices_in_order(quantiles, 2)
        and forecast.are_prices_in_order(quantiles, 3)
        and forecast.are_prices_in_order(quantiles, 4)
        and forecast.are_prices_in_order(quantiles, 5)
        and forecast.are_prices_in_order(quantiles, 6)
        and forecast.are_prices_in_order(quantiles, 7)
    ),
    constraint width_factor_is_positive check (
        0 < all(width_factor) and 'infinity' > all(width_factor)
    ),
    constraint tail_width_factor_is_positive check (
        0 < all(tail_width_factor) and 'infinity' > all(tail_width_factor)
    ),
    constraint fallback_has_a_reason check (
        is_fallback = (fallback_reason is not null)
    ),
    constraint forecast_has_a_model check (
        is_fallback or model_version is not null
    ),
    constraint written_by_is_known check (
        written_by in ('hourly', 'onboarding')
    ),
    constraint refresh_has_a_price check (
        is_refresh = (believed_price is not null)
        and is_refresh = (believed_at is not null)
        and (
            not is_refresh
            or (believed_price > 0 and believed_price < 'infinity')
        )
    ),
    constraint believed_price_was_known check (believed_at <= as_of)
);

-- arrays stay in their row, and nothing tries to compress them
alter table forecast.prediction
alter column target_at set storage plain,
alter column quantiles set storage plain,
alter column width_factor set storage plain,
alter column tail_width_factor set storage plain;

comment on table forecast.prediction is
'One row per ticker and as_of: the forecast closes of the next bars. An '
'array has one element a horizon, from 1.';
comment on column forecast.prediction.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column forecast.prediction.anchored_at is
'closed_at of the newest bar known at as_of, UTC.';
comment on column forecast.prediction.made_at is
'When the row was written or its content last changed, UTC.';
comment on column forecast.prediction.last_close is
'Close of the bar at anchored_at, in the ticker''s currency.';
comment on column forecast.prediction.believed_at is
'End of the newest 5-minute bar that believed_price comes from, UTC; null '
'for a regular forecast.';
comment on column forecast.prediction.believed_price is
'The price of extended hours that it starts from, in the ticker''s '
'currency, on the price scale of as_of; null for a regular forecast.';
comment on column forecast.prediction.target_at is
'By horizon: closed_at of the forecast bar, UTC.';
comment on column forecast.prediction.quantiles is
'By horizon: the quantiles 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95 and '
'0.975 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.width_factor is
'By horizon: factor by which calibration multiplied the distances of q10 '
'and q90 from the median, in log prices; those of q25 and q75 by its square '
'root.';
comment on column forecast.prediction.tail_width_factor is
'By horizon: factor by which calibration multiplied the distances of q025, '
'q05, q95 and q975 from the median, in log prices. Null if width_factor was '
'used for all.';
comment on column forecast.prediction.is_fallback is
'True if it is the random walk''s forecast in place of a model''s.';
comment on column forecast.prediction.is_refresh is
'True for a forecast that starts from a price of extended hours.';
comment on column forecast.prediction.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.prediction.source is
'Source of the bars that the forecast used.';
comment on column forecast.prediction.written_by is
'What wrote it: hourly (an hour) or onboarding.';
comment on column forecast.prediction.model_version is
'sha256 of the model (forecast.model_name gives its text); null for a '
'fallback.';
comment on column forecast.prediction.fallback_reason is
'Reason for the fallback; null if it is not one.';
comment on column forecast.prediction.reasons is
'By horizon, as a JSON array: what the forecast knew of the bars up to its '
'target that moves or widens it, objects with kind and text, or null. Null '
'if there is nothing for any horizon.';


create table forecast.baseline_prediction (
    as_of timestamptz not null,
    made_at timestamptz not null default now(),
    random_walk double precision[],
    seasonal_har double precision[],
    ticker text not null,
    constraint baseline_has_nine_quantiles check (
        coalesce(array_length(random_walk, 2), 9) = 9
        and coalesce(array_length(seasonal_har, 2), 9) = 9
        and coalesce(array_length(random_walk, 1), 7) <= 7
        and coalesce(array_length(seasonal_har, 1), 7) <= 7
    ),
    constraint baseline_quantiles_are_prices_in_order check (
        forecast.are_prices_in_order(random_walk, 1)
        and forecast.are_prices_in_order(random_walk, 2)
        and forecast.are_prices_in_order(random_walk, 3)
        and forecast.are_prices_in_order(random_walk, 4)
        and forecast.are_prices_in_order(random_walk, 5)
        and forecast.are_prices_in_order(random_walk, 6)
        and forecast.are_prices_in_order(random_walk, 7)
        and forecast.are_prices_in_order(seasonal_har, 1)
        and forecast.are_prices_in_order(seasonal_har, 2)
        and forecast.are_prices_in_order(seasonal_har, 3)
        and forecast.are_prices_in_order(seasonal_har, 4)
        and forecast.are_prices_in_order(seasonal_har, 5)
        and forecast.are_prices_in_order(seasonal_har, 6)
        and forecast.are_prices_in_order(seasonal_har, 7)
    )
);

alter table forecast.baseline_prediction
alter column random_walk set storage plain,
alter column seasonal_har set storage plain;

comment on table forecast.baseline_prediction is
'One row per ticker and as_of: the baselines'' forecasts of the bars of '
'forecast.prediction. An array has one element a horizon, from 1.';
comment on column forecast.baseline_prediction.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column forecast.baseline_prediction.made_at is
'When the row was written or its content last changed, UTC.';
comment on column forecast.baseline_prediction.random_walk is
'By horizon: the nine quantiles by the random walk, as in '
'forecast.prediction, in the ticker''s currency.';
comment on column forecast.baseline_prediction.seasonal_har is
'By horizon: the nine quantiles by seasonal HAR, in the ticker''s currency; '
'null if it had too little history.';
comment on column forecast.baseline_prediction.ticker is
'Symbol; see forecast.ticker.';


create table forecast.score (
    as_of timestamptz not null,
    actual_known_at timestamptz not null,
    scored_as_of timestamptz not null,
    actual_close double precision not null,
    crps double precision not null,
    random_walk_crps double precision,
    seasonal_har_crps double precision,
    absolute_error double precision not null,
    dividend_gap double precision not null,
    pinball real not null,
    horizon smallint not null,
    inside smallint not null,
    is_refresh boolean not null default false,
    ticker text not null,
    constraint actual_was_known check (actual_known_at <= scored_as_of)
);

comment on table forecast.score is
'One row per matured forecast (ticker, as_of, horizon): its losses and '
'those of its baselines. It is never changed.';
comment on column forecast.score.as_of is
'as_of of the forecast, UTC.';
comment on column forecast.score.actual_known_at is
'When the actual close became known, UTC.';
comment on column forecast.score.scored_as_of is
'as_of of the hour that scored it, UTC.';
comment on column forecast.score.actual_close is
'Close of the target bar as known at scored_as_of, in the ticker''s '
'currency.';
comment on column forecast.score.crps is
'CRPS from the nine quantiles, in basis points of log return; less is '
'better.';
comment on column forecast.score.random_walk_crps is
'The same for the random walk, in basis points of log return; null without '
'it.';
comment on column forecast.score.seasonal_har_crps is
'The same for seasonal HAR, in basis points of log return; null without it.';
comment on column forecast.score.absolute_error is
'Distance of the median from the actual close, in the ticker''s currency.';
comment on column forecast.score.dividend_gap is
'Log return by which dividends between the last close and the target moved '
'the price, as known at scored_as_of; 0 without a dividend.';
comment on column forecast.score.pinball is
'Mean pinball loss of the nine quantiles, in basis points of log return, to '
'7 digits.';
comment on column forecast.score.horizon is
'Horizon of the forecast, in bars.';
comment on column forecast.score.inside is
'Bits that say in which intervals the actual close lies: 1, 2, 4 and 8 for '
'the 50, 80, 90 and 95 % interval; the same times 16 for the random walk, '
'times 256 for seasonal HAR.';
comment on column forecast.score.is_refresh is
'True if the forecast is a refreshed one.';
comment on column forecast.score.ticker is
'Symbol; see forecast.ticker.';


-- in the order in which hours write: the newest rows stay together
insert into forecast.prediction (
    as_of, anchored_at, made_at, last_close, believed_at, believed_price,
    target_at, quantiles, width_factor, tail_width_factor,
    is_fallback, is_refresh, ticker, source, written_by, model_version,
    fallback_reason, reasons
)
select
    as_of,
    anchored_at,
    max(made_at) as made_at,
    last_close,
    believed_at,
    believed_price,
    array_agg(target_at order by horizon) as target_at,
    array_agg(
        array[q025, q05, q10, q25, q50, q75, q90, q95, q975] order by horizon
    ) as quantiles,
    array_agg(width_factor order by horizon) as width_factor,
    case
        when count(tail_width_factor) > 0
            then array_agg(tail_width_factor order by horizon)
    end as tail_width_factor,
    is_fallback,
    is_refresh,
    ticker,
    source,
    written_by,
    forecast.model_bytes(model_version) as model_version,
    fallback_reason,
    case
        when count(reasons) > 0 then jsonb_agg(reasons order by horizon)
    end as reasons
from forecast.former_prediction
group by
    ticker, as_of, anchored_at, last_close, believed_at, believed_price,
    is_fallback, is_refresh, source, written_by, model_version, fallback_reason
order by as_of, ticker;

insert into forecast.baseline_prediction (
    as_of, made_at, random_walk, seasonal_har, ticker
)
select
    as_of,
    max(made_at) as made_at,
    array_agg(
        array[q025, q05, q10, q25, q50, q75, q90, q95, q975] order by horizon
    ) filter (where baseline = 'random_walk') as random_walk,
    array_agg(
        array[q025, q05, q10, q25, q50, q75, q90, q95, q975] order by horizon
    ) filter (where baseline = 'seasonal_har') as seasonal_har,
    ticker
from forecast.former_baseline
group by ticker, as_of
order by as_of, ticker;

insert into forecast.score (
    as_of, actual_known_at, scored_as_of, actual_close, crps, random_walk_crps,
    seasonal_har_crps, absolute_error, dividend_gap, pinball, horizon, inside,
    is_refresh, ticker
)
select
    ours.as_of,
    ours.actual_known_at,
    ours.scored_as_of,
    ours.actual_close,
    ours.crps,
    walk.crps as random_walk_crps,
    har.crps as seasonal_har_crps,
    ours.absolute_error,
    ours.dividend_gap,
    ours.pinball,
    ours.horizon,
    ours.is_inside_50::integer + 2 * ours.is_inside_80::integer
    + 4 * ours.is_inside_90::integer + 8 * ours.is_inside_95::integer
    + coalesce(
        16 * walk.is_inside_50::integer + 32 * walk.is_inside_80::integer
        + 64 * walk.is_inside_90::integer + 128 * walk.is_inside_95::integer,
        0
    )
    + coalesce(
        256 * har.is_inside_50::integer + 512 * har.is_inside_80::integer
        + 1024 * har.is_inside_90::integer + 2048 * har.is_inside_95::integer,
        0
    ) as inside,
    ours.is_refresh,
    ours.ticker
from forecast.former_score as ours
left join forecast.former_score as walk
    on
        ours.ticker = walk.ticker
        and ours.as_of = walk.as_of
        and ours.horizon = walk.horizon
        and walk.method = 'random_walk'
left join forecast.former_score as har
    on
        ours.ticker = har.ticker
        and ours.as_of = har.as_of
        and ours.horizon = har.horizon
        and har.method = 'seasonal_har'
where ours.method = 'hourcast'
order by ours.scored_as_of, ours.ticker, ours.as_of, ours.horizon;

drop table
forecast.former_prediction, forecast.former_baseline, forecast.former_score;

alter table forecast.prediction add primary key (ticker, as_of);
alter table forecast.baseline_prediction add primary key (ticker, as_of);
-- in this order hours append to it, and its pages stay full
alter table forecast.score add primary key (ticker, horizon, as_of);
-- the newest forecast of a bar
create index prediction_by_anchored_at
on forecast.prediction (ticker, anchored_at, as_of);
-- which forecasts may have matured?
create index prediction_by_last_target_at
on forecast.prediction ((target_at[cardinality(target_at)]));
-- the last days of all tickers
create index prediction_by_as_of on forecast.prediction using brin (as_of);
create index score_by_as_of on forecast.score using brin (as_of);
analyze forecast.prediction;
analyze forecast.baseline_prediction;
analyze forecast.score;


create view forecast.prediction_by_horizon as
select
    prediction.ticker,
    prediction.as_of,
    ahead.horizon,
    prediction.target_at[ahead.horizon] as target_at,
    prediction.anchored_at,
    prediction.last_close,
    prediction.quantiles[ahead.horizon][1] as q025,
    prediction.quantiles[ahead.horizon][2] as q05,
    prediction.quantiles[ahead.horizon][3] as q10,
    prediction.quantiles[ahead.horizon][4] as q25,
    prediction.quantiles[ahead.horizon][5] as q50,
    prediction.quantiles[ahead.horizon][6] as q75,
    prediction.quantiles[ahead.horizon][7] as q90,
    prediction.quantiles[ahead.horizon][8] as q95,
    prediction.quantiles[ahead.horizon][9] as q975,
    forecast.model_name(prediction.model_version) as model_version,
    prediction.width_factor[ahead.horizon] as width_factor,
    prediction.tail_width_factor[ahead.horizon] as tail_width_factor,
    prediction.is_fallback,
    prediction.fallback_reason,
    prediction.source,
    prediction.written_by,
    prediction.is_refresh,
    prediction.believed_price,
    prediction.believed_at,
    nullif(prediction.reasons -> (ahead.horizon - 1), 'null')
        as reasons,
    prediction.made_at
from forecast.prediction
cross join (values (1), (2), (3), (4), (5), (6), (7)) as ahead (horizon)
where prediction.target_at[ahead.horizon] is not null;
-- grain: one row per ticker, as_of and horizon

comment on view forecast.prediction_by_horizon is
'One row per ticker, as_of and horizon: the forecast close of one future '
'bar. A condition on ticker or as_of reaches an index, one on target_at '
'does not.';
comment on column forecast.prediction_by_horizon.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.prediction_by_horizon.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column forecast.prediction_by_horizon.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.prediction_by_horizon.target_at is
'closed_at of the forecast bar, UTC.';
comment on column forecast.prediction_by_horizon.anchored_at is
'closed_at of the newest bar known at as_of, UTC.';
comment on column forecast.prediction_by_horizon.last_close is
'Close of that bar, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q025 is
'Quantile 0.025 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q05 is
'Quantile 0.05 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q10 is
'Quantile 0.1 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q25 is
'Quantile 0.25 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q50 is
'Median of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q75 is
'Quantile 0.75 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q90 is
'Quantile 0.9 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q95 is
'Quantile 0.95 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.q975 is
'Quantile 0.975 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction_by_horizon.model_version is
'model_version of the model; null for a fallback.';
comment on column forecast.prediction_by_horizon.width_factor is
'Factor by which calibration multiplied the distances of q10 and q90 from '
'the median, in log prices; those of q25 and q75 by its square root.';
comment on column forecast.prediction_by_horizon.tail_width_factor is
'Factor by which calibration multiplied the distances of q025, q05, q95 and '
'q975 from the median, in log prices. Null if width_factor was used for '
'all.';
comment on column forecast.prediction_by_horizon.is_fallback is
'True if it is the random walk''s forecast in place of a model''s.';
comment on column forecast.prediction_by_horizon.fallback_reason is
'Reason for the fallback; null if it is not one.';
comment on column forecast.prediction_by_horizon.source is
'Source of the bars that the forecast used.';
comment on column forecast.prediction_by_horizon.written_by is
'What wrote it: hourly (an hour) or onboarding.';
comment on column forecast.prediction_by_horizon.is_refresh is
'True for a forecast that starts from a price of extended hours.';
comment on column forecast.prediction_by_horizon.believed_price is
'That price, in the ticker''s currency, on the price scale of as_of; null '
'for a regular forecast.';
comment on column forecast.prediction_by_horizon.believed_at is
'End of the newest 5-minute bar that the price comes from, UTC; null for a '
'regular forecast.';
comment on column forecast.prediction_by_horizon.reasons is
'What the forecast knew of the bars up to its target that moves or widens '
'it: a JSON array of objects with kind and text; null if there is nothing.';
comment on column forecast.prediction_by_horizon.made_at is
'When the row was written or its content last changed, UTC.';


create view forecast.baseline_by_horizon as
select
    stored.ticker,
    stored.as_of,
    ahead.horizon,
    named.baseline,
    named.quantiles[ahead.horizon][1] as q025,
    named.quantiles[ahead.horizon][2] as q05,
    named.quantiles[ahead.horizon][3] as q10,
    named.quantiles[ahead.horizon][4] as q25,
    named.quantiles[ahead.horizon][5] as q50,
    named.quantiles[ahead.horizon][6] as q75,
    named.quantiles[ahead.horizon][7] as q90,
    named.quantiles[ahead.horizon][8] as q95,
    named.quantiles[ahead.horizon][9] as q975,
    stored.made_at
from forecast.baseline_prediction as stored
cross join
    lateral (
        values
        ('random_walk', stored.random_walk),
        ('seasonal_har', stored.seasonal_har)
    ) as named (baseline, quantiles)
cross join (values (1), (2), (3), (4), (5), (6), (7)) as ahead (horizon)
where named.quantiles[ahead.horizon][1] is not null;

comment on view forecast.baseline_by_horizon is
'One row per ticker, as_of, horizon and baseline: the baseline''s forecast '
'of the same bar.';
comment on column forecast.baseline_by_horizon.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.baseline_by_horizon.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column forecast.baseline_by_horizon.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.baseline_by_horizon.baseline is
'Name of the baseline: random_walk or seasonal_har.';
comment on column forecast.baseline_by_horizon.q025 is
'Quantile 0.025 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q05 is
'Quantile 0.05 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q10 is
'Quantile 0.1 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q25 is
'Quantile 0.25 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q50 is
'Median of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q75 is
'Quantile 0.75 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q90 is
'Quantile 0.9 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q95 is
'Quantile 0.95 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.q975 is
'Quantile 0.975 of the close at target_at, in the ticker''s currency.';
comment on column forecast.baseline_by_horizon.made_at is
'When the row was written or its content last changed, UTC.';


create view forecast.score_by_method as
select
    score.ticker,
    score.as_of,
    score.horizon::integer as horizon,
    scored.method,
    score.actual_close,
    score.actual_known_at,
    scored.pinball,
    scored.crps,
    scored.absolute_error,
    (score.inside & scored.unit) <> 0 as is_inside_50,
    (score.inside & (2 * scored.unit)) <> 0 as is_inside_80,
    (score.inside & (4 * scored.unit)) <> 0 as is_inside_90,
    (score.inside & (8 * scored.unit)) <> 0 as is_inside_95,
    score.dividend_gap,
    score.scored_as_of,
    score.is_refresh
from forecast.score
cross join
    lateral (
        values
        ('hourcast', score.crps, score.pinball, score.absolute_error, 1),
        ('random_walk', score.random_walk_crps, null, null, 16),
        ('seasonal_har', score.seasonal_har_crps, null, null, 256)
    ) as scored (method, crps, pinball, absolute_error, unit)
where scored.crps is not null;

comment on view forecast.score_by_method is
'One row per matured forecast and method: its losses.';
comment on column forecast.score_by_method.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.score_by_method.as_of is
'as_of of the forecast, UTC.';
comment on column forecast.score_by_method.horizon is
'Horizon of the forecast, in bars.';
comment on column forecast.score_by_method.method is
'hourcast, random_walk or seasonal_har.';
comment on column forecast.score_by_method.actual_close is
'Close of the target bar as known at scored_as_of, in the ticker''s '
'currency.';
comment on column forecast.score_by_method.actual_known_at is
'When that close became known, UTC.';
comment on column forecast.score_by_method.pinball is
'Mean pinball loss of the nine quantiles, in basis points of log return; '
'null for a baseline.';
comment on column forecast.score_by_method.crps is
'CRPS from the nine quantiles, in basis points of log return; less is '
'better.';
comment on column forecast.score_by_method.absolute_error is
'Distance of the median from the actual close, in the ticker''s currency; '
'null for a baseline.';
comment on column forecast.score_by_method.is_inside_50 is
'Whether the actual close lies within q25 and q75.';
comment on column forecast.score_by_method.is_inside_80 is
'Whether the actual close lies within q10 and q90.';
comment on column forecast.score_by_method.is_inside_90 is
'Whether the actual close lies within q05 and q95.';
comment on column forecast.score_by_method.is_inside_95 is
'Whether the actual close lies within q025 and q975.';
comment on column forecast.score_by_method.dividend_gap is
'Log return by which dividends between the last close and the target moved '
'the price, as known at scored_as_of; 0 without a dividend.';
comment on column forecast.score_by_method.scored_as_of is
'as_of of the hour that scored it, UTC.';
comment on column forecast.score_by_method.is_refresh is
'True if the forecast is a refreshed one.';
