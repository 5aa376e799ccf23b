-- One function for the split factor, and comments in plain words.

-- The planner inlines it, like the functions below: it costs what the query
-- costs. The order of the sum makes the result the same under every plan.
create function forecast.split_factor_between(
    of_ticker text,
    since_at timestamptz,
    until_at timestamptz
)
returns table (factor double precision)
language sql stable parallel safe
begin atomic
    select coalesce(exp(sum(ln(factor) order by known_at)), 1)
    from forecast.split
    where ticker = of_ticker and known_at > since_at and known_at <= until_at;
end;

comment on function forecast.split_factor_between is
'Product of the factors of a ticker''s splits that became known after since_at '
'and by until_at (UTC): one row, 1 without a split. A price on the scale of '
'since_at divided by it is on the scale of until_at. Pass infinity for today.';

-- Postgres checks what a function reads with the rights of the role that reads
-- the view, not of the view's owner. A reader has no usage on schema forecast
-- and so reads this table through the views of bi alone.
grant select on table forecast.split to public;


create or replace function forecast.dividends_known_at(moment timestamptz)
returns table (
    ticker text,
    ex_at timestamptz,
    amount double precision,
    known_at timestamptz
)
language sql stable
as $$
    select
        dividend.ticker, dividend.ex_at,
        dividend.amount / scale.factor, dividend.known_at
    from forecast.dividend
    cross join lateral forecast.split_factor_between(
        dividend.ticker, dividend.known_at, moment
    ) as scale
    where dividend.known_at <= moment
$$;

comment on function forecast.dividends_known_at is
'The dividends as known at a moment (UTC): one row per ticker and ex-date, '
'amounts on the price scale of that moment.';
comment on function forecast.bars_known_at is
'The bars as known at a moment (UTC): one row per ticker and bar.';
comment on function forecast.dividend_gap_between is
'Log return by which the dividends between since_at and until_at moved the '
'price, as known at as_of (all UTC): one row. For each ex-date it adds log(1 '
'- amount / last close before it). 0 without a dividend. Amounts that are not '
'below that close are left out.';


comment on table forecast.alembic_version is
'Number of the newest migration of this schema.';
comment on column forecast.alembic_version.version_num is
'Number of the newest applied file of sql/migrations.';

comment on table forecast.ticker is
'One row per ticker that was ever requested: its profile and its status.';
comment on column forecast.ticker.source is
'Source of its bars: yahoo, files or simulated.';
comment on column forecast.ticker.is_simulated is
'True if the market is simulated.';
comment on column forecast.ticker.status_reason is
'Reason for this status; null if there is none to give.';
comment on column forecast.ticker.calendar is
'Session calendar: XNYS, XTAI, 24/7, FX, ...; null until validated.';
comment on column forecast.ticker.currency is
'Currency of its prices, from its source; null if unknown.';
comment on column forecast.ticker.name is
'Display name, from its source; null if unknown.';
comment on column forecast.ticker.feed_delay_minutes is
'Minutes from the end of a bar until the feed has its final values.';
comment on column forecast.ticker.history_days is
'Days of history that its onboarding request named.';
comment on column forecast.ticker.onboarded_as_of is
'as_of of its first successful onboarding, UTC.';
comment on column forecast.ticker.activated_as_of is
'as_of of its newest successful onboarding; later hours plan it, UTC.';
comment on column forecast.ticker.retired_as_of is
'as_of of its retirement; later hours omit it; null if tracked, UTC.';

comment on table forecast.bar is
'One row per ticker and bar: its current values. Earlier values are in '
'bar_revision.';
comment on column forecast.bar.closed_at is
'End of the bar by the exchange''s calendar, UTC.';
comment on column forecast.bar.volume is
'Traded units as the source counts them; null if unknown, never 0.';
comment on column forecast.bar.known_at is
'When these values became known, UTC.';

comment on table forecast.bar_revision is
'One row per ticker, bar and reading that a later reading superseded. Its '
'values were current from known_at until superseded_at.';
comment on column forecast.bar_revision.closed_at is
'End of the bar in this reading, UTC.';
comment on column forecast.bar_revision.open is
'First price in this reading, in the ticker''s currency.';
comment on column forecast.bar_revision.high is
'Highest price in this reading, in the ticker''s currency.';
comment on column forecast.bar_revision.low is
'Lowest price in this reading, in the ticker''s currency.';
comment on column forecast.bar_revision.close is
'Last price in this reading, in the ticker''s currency.';
comment on column forecast.bar_revision.volume is
'Traded units in this reading; null if unknown.';
comment on column forecast.bar_revision.known_at is
'When these values became known, UTC.';
comment on column forecast.bar_revision.superseded_at is
'When the values that superseded them became known, UTC.';

comment on table forecast.bar_rejected is
'One row per ticker, bar and failed check: rejected bars, with the values of '
'the first rejected reading.';
comment on column forecast.bar_rejected.opened_at is
'Start of the bar as the source sent it, UTC.';
comment on column forecast.bar_rejected.reason is
'Name of the failed check, such as low_above_body.';
comment on column forecast.bar_rejected.closed_at is
'End of the bar, UTC; null if the calendar has no such bar.';
comment on column forecast.bar_rejected.open is
'First price as sent, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.high is
'Highest price as sent, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.low is
'Lowest price as sent, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.close is
'Last price as sent, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.volume is
'Traded units as sent; NaN if unknown.';

comment on table forecast.split is
'One row per ticker and split. From known_at on, all bars of the ticker are '
'on the new price scale; the values on the old scale are in bar_revision.';
comment on column forecast.split.known_at is
'When the stored bars moved to the new price scale, UTC.';
comment on column forecast.split.effective_at is
'Start of the first bar that traded on the new price scale, UTC.';
comment on column forecast.split.factor is
'Units after the split for one unit before, a ratio. The split divides '
'prices by it and multiplies volumes by it.';
comment on column forecast.split.is_announced is
'True if the source announced the split; false if the prices showed it.';

comment on table forecast.dividend is
'One row per ticker and dividend. Bars are not adjusted for dividends: the '
'price falls by about the amount on the ex-date.';
comment on column forecast.dividend.ex_at is
'Start of the ex-date''s session, UTC.';
comment on column forecast.dividend.amount is
'Amount per unit, in the ticker''s currency, on the price scale of known_at.';
comment on column forecast.dividend.known_at is
'When the dividend became known, UTC.';

comment on table forecast.expected_day is
'One row per ticker and day: how many bars were due by the calendar.';
comment on column forecast.expected_day.day_exchange is
'Day in the exchange''s time zone on which the bars open.';
comment on column forecast.expected_day.last_closed_at is
'End of the last of these bars that was due so far, UTC.';
comment on column forecast.expected_day.as_of is
'as_of of the run that last found a further bar due, UTC.';

comment on table forecast.feature is
'One row per ticker, bar and computation; never updated. The formulas and '
'their sources are in include/features.';
comment on column forecast.feature.known_at is
'When these values became known, UTC; the newest row of a bar is in force.';
comment on column forecast.feature.dividend_gap is
'Log of 1 less the dividend over the last close, on the first bar of an '
'ex-date; else 0.';

comment on column forecast.model_version.as_of is
'The training used nothing known later than this instant, UTC.';
comment on column forecast.model_version.parent_version is
'model_version that the training started from, or that a restart replaced. '
'For a first training the backbone''s; null without a backbone.';
comment on column forecast.model_version.config is
'Settings of the training, as JSON.';
comment on column forecast.model_version.window_count is
'Number of windows that the training could sample.';
comment on column forecast.model_version.is_pruned is
'True if its weights were deleted from the disk.';

comment on column forecast.prediction.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column forecast.prediction.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';
comment on column forecast.prediction.target_at is
'closed_at of the forecast bar, UTC.';
comment on column forecast.prediction.anchored_at is
'closed_at of the newest bar known at as_of, UTC.';
comment on column forecast.prediction.model_version is
'model_version of the model; null for a fallback.';
comment on column forecast.prediction.width_factor is
'Factor by which calibration multiplied the distances of q10 and q90 from the '
'median, in log prices; those of q25 and q75 by its square root.';
comment on column forecast.prediction.tail_width_factor is
'Factor by which calibration multiplied the distances of q025, q05, q95 and '
'q975 from the median, in log prices. Null if width_factor was used for all.';
comment on column forecast.prediction.is_fallback is
'True if it is the random walk''s forecast in place of a model''s.';
comment on column forecast.prediction.fallback_reason is
'Reason for the fallback; null if it is not one.';
comment on column forecast.prediction.source is
'Source of the bars that the forecast used.';

comment on table forecast.baseline_prediction is
'One row per ticker, as_of, horizon and baseline: the baseline''s forecast of '
'the same bar.';
comment on column forecast.baseline_prediction.as_of is
'The forecast used nothing known later than this instant, UTC.';
comment on column forecast.baseline_prediction.horizon is
'Number of bars ahead in the ticker''s session calendar, from 1.';

comment on table forecast.score is
'One row per matured forecast and method: its losses.';
comment on column forecast.score.horizon is
'Horizon of the forecast, in bars.';
comment on column forecast.score.actual_close is
'Close of the target bar as known at scored_as_of, in the ticker''s currency.';
comment on column forecast.score.actual_known_at is
'When that close became known, UTC.';
comment on column forecast.score.dividend_gap is
'Log return by which dividends between the last close and the target moved '
'the price, as known at scored_as_of; 0 without a dividend.';

comment on table forecast.outcome is
'One row per hour and ticker: the plan of the hour and its result.';
comment on column forecast.outcome.as_of is
'as_of of the hour: it used nothing known later, UTC.';
comment on column forecast.outcome.shard_index is
'Number of the shard that processes the ticker, from 0.';
comment on column forecast.outcome.shard_count is
'Number of shards of the hour.';
comment on column forecast.outcome.stage is
'Last completed stage: planned, fetched, featured, trained or predicted.';
comment on column forecast.outcome.status is
'Result: planned (unfinished), forecast, fallback, skipped or failed.';
comment on column forecast.outcome.reason is
'Reason for the status; null if there is none to give.';

comment on table forecast.onboarding is
'One row per onboarding request and ticker that it names.';
comment on column forecast.onboarding.request_id is
'Id of the requested run, such as manual__2026-01-05T10:00:00+00:00.';
comment on column forecast.onboarding.ticker is
'Symbol in its normal form; as typed if it is no valid symbol.';
comment on column forecast.onboarding.as_of is
'as_of of the onboarding: it used nothing known later, UTC.';
comment on column forecast.onboarding.source is
'Requested source of the bars; null for a retirement.';
comment on column forecast.onboarding.history_days is
'Requested days of history.';
comment on column forecast.onboarding.shard_index is
'Number of the shard that processes it, from 0; null if it reached none.';
comment on column forecast.onboarding.shard_count is
'Number of shards of the request; null if it reached none.';
comment on column forecast.onboarding.stage is
'Last completed stage: requested, validated, backfilled, trained or forecast.';
comment on column forecast.onboarding.result is
'active, already_active, rejected, failed, pending, retired or not_tracked; '
'null while it is in progress.';
comment on column forecast.onboarding.reason is
'Reason for the result; null if there is none to give.';

comment on table forecast.request_budget is
'One row per source with a rate limit. All processes share it.';
comment on column forecast.request_budget.source is
'Name of the source: yahoo.';
comment on column forecast.request_budget.next_at is
'When the next free request may be sent, UTC.';
comment on column forecast.request_budget.reopens_at is
'No request before this instant, after the source refused one, UTC.';

comment on table forecast.backbone is
'One row per request to pre-train a backbone. The backbone that ships with '
'the code has no row.';
comment on column forecast.backbone.request_id is
'Id of the requested run.';
comment on column forecast.backbone.as_of is
'Training and scores used nothing known later than this instant, UTC.';
comment on column forecast.backbone.cutoff_at is
'Training used bars that closed before this instant; the scores used those '
'from it to as_of, UTC.';
comment on column forecast.backbone.tickers is
'Tracked tickers in the training data; see forecast.ticker.';
comment on column forecast.backbone.simulated_count is
'Number of simulated tickers in the training data.';
comment on column forecast.backbone.present_version is
'model_version of the backbone that it had to match; null for the shipped '
'one.';
comment on column forecast.backbone.bar_count is
'Number of bars in the training data, simulated ones included; null until it '
'is trained.';
comment on column forecast.backbone.scores is
'CRPS skills over the random walk, as ratios: of the backbone, of the scale '
'alone and of the present backbone, as JSON; null until it is scored.';
comment on column forecast.backbone.is_promoted is
'True if runs with this as_of or a later one may use it.';
comment on column forecast.backbone.reason is
'Reason why it was promoted or not; null until that is decided.';
comment on column forecast.backbone.promoted_at is
'When it was promoted, UTC; null if it was not.';

comment on table forecast.backbone_choice is
'One row per as_of of an hour or request: the backbone that it uses, also '
'when it is run again.';
comment on column forecast.backbone_choice.model_version is
'model_version of the backbone; null if none fitted, or for a shipped one '
'without a recorded version.';
comment on column forecast.backbone_choice.is_shipped is
'True if it is the backbone that ships with the code.';
