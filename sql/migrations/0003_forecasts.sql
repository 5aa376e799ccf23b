-- Models, their forecasts, the baselines' forecasts, and what became of them.

create table forecast.model_version (
    ticker text not null,
    as_of timestamptz not null,
    model_version text not null,
    parent_version text,
    kind text not null,
    is_promoted boolean not null,
    artefact text not null,
    artefact_row integer not null,
    config jsonb not null,
    seed bigint not null,
    code_version text not null,
    window_count integer not null,
    loss_before double precision,
    loss_after double precision,
    created_at timestamptz not null default now(),
    primary key (ticker, as_of),
    constraint model_kind_is_known check (
        kind in ('first_training', 'fine_tune')
    ),
    constraint artefact_row_counts_from_0 check (artefact_row >= 0)
);

comment on table forecast.model_version is
'One row per ticker and instant it was trained as of.';
comment on column forecast.model_version.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.model_version.as_of is
'The instant beyond which its training knew nothing, UTC.';
comment on column forecast.model_version.model_version is
'Content hash (sha256, hex) of the ticker''s weights and their provenance.';
comment on column forecast.model_version.parent_version is
'model_version that the training started from; null for a first training.';
comment on column forecast.model_version.kind is
'first_training or fine_tune.';
comment on column forecast.model_version.is_promoted is
'True where it may serve: it was not worse on windows held out.';
comment on column forecast.model_version.artefact is
'File with the weights, relative to the folder of models.';
comment on column forecast.model_version.artefact_row is
'Row of the ticker in the stacked file, from 0.';
comment on column forecast.model_version.config is
'How it was trained, as JSON.';
comment on column forecast.model_version.seed is
'Seed of the training.';
comment on column forecast.model_version.code_version is
'Hash over the source of features and model.';
comment on column forecast.model_version.window_count is
'Windows that the training could draw from.';
comment on column forecast.model_version.loss_before is
'Pinball loss on held-out windows before training, in scaled units.';
comment on column forecast.model_version.loss_after is
'Pinball loss on held-out windows after training, in scaled units.';
comment on column forecast.model_version.created_at is
'When the row was written or its content last changed, UTC.';


create table forecast.prediction (
    ticker text not null,
    as_of timestamptz not null,
    horizon integer not null,
    target_at timestamptz not null,
    anchored_at timestamptz not null,
    last_close double precision not null,
    q025 double precision not null,
    q05 double precision not null,
    q10 double precision not null,
    q25 double precision not null,
    q50 double precision not null,
    q75 double precision not null,
    q90 double precision not null,
    q95 double precision not null,
    q975 double precision not null,
    model_version text,
    width_factor double precision not null,
    is_fallback boolean not null,
    fallback_reason text,
    source text not null,
    origin text not null,
    made_at timestamptz not null default now(),
    primary key (ticker, as_of, horizon),
    constraint horizon_counts_from_1 check (horizon >= 1),
    constraint target_lies_after_anchor check (target_at > anchored_at),
    constraint anchor_was_known check (anchored_at <= as_of),
    constraint quantiles_are_prices_in_order check (
        0 < q025 and q025 <= q05 and q05 <= q10 and q10 <= q25
        and q25 <= q50 and q50 <= q75 and q75 <= q90 and q90 <= q95
        and q95 <= q975 and q975 < 'infinity'
    ),
    constraint width_factor_is_positive check (
        width_factor > 0 and width_factor < 'infinity'
    ),
    constraint fallback_has_a_reason check (
        is_fallback = (fallback_reason is not null)
    ),
    constraint forecast_has_a_model check (
        is_fallback or model_version is not null
    ),
    constraint origin_is_known check (origin in ('hourly', 'onboarding'))
);

-- which forecasts have matured?
create index prediction_by_target_at on forecast.prediction (target_at);
-- the newest forecast for a ticker's time
create index prediction_by_ticker_and_target_at
on forecast.prediction (ticker, target_at, as_of);

comment on table forecast.prediction is
'One row per ticker, as_of and horizon: the forecast close of one future bar.';
comment on column forecast.prediction.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.prediction.as_of is
'The instant beyond which the forecast knew nothing, UTC.';
comment on column forecast.prediction.horizon is
'Bars ahead in the ticker''s own session calendar, from 1.';
comment on column forecast.prediction.target_at is
'closed_at of the bar that the forecast is about, UTC.';
comment on column forecast.prediction.anchored_at is
'closed_at of the newest bar that was known, UTC.';
comment on column forecast.prediction.last_close is
'Close of that bar, in the ticker''s currency.';
comment on column forecast.prediction.q025 is
'Quantile 0.025 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q05 is
'Quantile 0.05 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q10 is
'Quantile 0.1 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q25 is
'Quantile 0.25 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q50 is
'Median of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q75 is
'Quantile 0.75 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q90 is
'Quantile 0.9 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q95 is
'Quantile 0.95 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.q975 is
'Quantile 0.975 of the close at target_at, in the ticker''s currency.';
comment on column forecast.prediction.model_version is
'The model that made it; null for a fallback.';
comment on column forecast.prediction.width_factor is
'What calibration multiplied the distances from the median by (log prices).';
comment on column forecast.prediction.is_fallback is
'True where the random walk stands in for a model.';
comment on column forecast.prediction.fallback_reason is
'Why it is a fallback; null where it is none.';
comment on column forecast.prediction.source is
'Source of the bars that it was made from.';
comment on column forecast.prediction.origin is
'hourly, or onboarding for a ticker''s first forecast.';
comment on column forecast.prediction.made_at is
'When the row was written or its content last changed, UTC.';


create table forecast.baseline_prediction (
    ticker text not null,
    as_of timestamptz not null,
    horizon integer not null,
    baseline text not null,
    q025 double precision not null,
    q05 double precision not null,
    q10 double precision not null,
    q25 double precision not null,
    q50 double precision not null,
    q75 double precision not null,
    q90 double precision not null,
    q95 double precision not null,
    q975 double precision not null,
    made_at timestamptz not null default now(),
    primary key (ticker, as_of, horizon, baseline),
    constraint baseline_is_not_us check (baseline <> 'hourcast'),
    constraint baseline_quantiles_are_prices_in_order check (
        0 < q025 and q025 <= q05 and q05 <= q10 and q10 <= q25
        and q25 <= q50 and q50 <= q75 and q75 <= q90 and q90 <= q95
        and q95 <= q975 and q975 < 'infinity'
    )
);

comment on table forecast.baseline_prediction is
'One row per prediction and baseline: what the baseline said of the same bar.';
comment on column forecast.baseline_prediction.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.baseline_prediction.as_of is
'The instant beyond which it knew nothing, UTC.';
comment on column forecast.baseline_prediction.horizon is
'Bars ahead in the ticker''s own session calendar, from 1.';
comment on column forecast.baseline_prediction.baseline is
'Name of the baseline, such as random_walk.';
comment on column forecast.baseline_prediction.q025 is
'Quantile 0.025 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q05 is
'Quantile 0.05 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q10 is
'Quantile 0.1 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q25 is
'Quantile 0.25 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q50 is
'Median of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q75 is
'Quantile 0.75 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q90 is
'Quantile 0.9 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q95 is
'Quantile 0.95 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.q975 is
'Quantile 0.975 of the close, in the ticker''s currency.';
comment on column forecast.baseline_prediction.made_at is
'When the row was written or its content last changed, UTC.';


create table forecast.score (
    ticker text not null,
    as_of timestamptz not null,
    horizon integer not null,
    method text not null,
    actual_close double precision not null,
    actual_known_at timestamptz not null,
    pinball double precision not null,
    crps double precision not null,
    absolute_error double precision not null,
    is_inside_50 boolean not null,
    is_inside_80 boolean not null,
    is_inside_90 boolean not null,
    is_inside_95 boolean not null,
    scored_as_of timestamptz not null,
    primary key (ticker, as_of, horizon, method),
    constraint actual_was_known check (actual_known_at <= scored_as_of)
);

comment on table forecast.score is
'One row per matured forecast and method: what it was worth.';
comment on column forecast.score.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.score.as_of is
'as_of of the forecast, UTC.';
comment on column forecast.score.horizon is
'Horizon of the forecast, in bars.';
comment on column forecast.score.method is
'hourcast, or the name of the baseline.';
comment on column forecast.score.actual_close is
'Close of the target bar when it was scored, in the ticker''s currency.';
comment on column forecast.score.actual_known_at is
'From when on that close was known to us, UTC.';
comment on column forecast.score.pinball is
'Mean pinball loss of the nine quantiles, in basis points of log return.';
comment on column forecast.score.crps is
'CRPS from the nine quantiles, in basis points of log return; less is better.';
comment on column forecast.score.absolute_error is
'Distance of the median from the actual close, in the ticker''s currency.';
comment on column forecast.score.is_inside_50 is
'Whether the actual close lies within q25 and q75.';
comment on column forecast.score.is_inside_80 is
'Whether the actual close lies within q10 and q90.';
comment on column forecast.score.is_inside_90 is
'Whether the actual close lies within q05 and q95.';
comment on column forecast.score.is_inside_95 is
'Whether the actual close lies within q025 and q975.';
comment on column forecast.score.scored_as_of is
'as_of of the hour that scored it, UTC.';
