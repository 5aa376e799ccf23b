-- What the model saw, and how its targets were scaled.

create table forecast.feature (
    ticker text not null,
    closed_at timestamptz not null,
    known_at timestamptz not null,
    log_return_1 real not null,
    log_return_3 real not null,
    log_return_7 real not null,
    log_return_14 real not null,
    log_return_35 real not null,
    overnight_gap real not null,
    rsi_14 real not null,
    macd real not null,
    macd_signal real not null,
    bollinger_position_20 real not null,
    atr_ratio_14 real not null,
    stochastic_k_14 real not null,
    stochastic_d_3 real not null,
    volume_ratio_20 real not null,
    has_volume real not null,
    obv_ratio_20 real not null,
    realised_volatility_7 real not null,
    realised_volatility_35 real not null,
    realised_volatility_140 real not null,
    slot_sin real not null,
    slot_cos real not null,
    weekday_sin real not null,
    weekday_cos real not null,
    minutes_to_close_ratio real not null,
    is_session_first real not null,
    slot_count real not null,
    bars_to_break real not null,
    hours_to_next real not null,
    hours_to_last real not null,
    surprise real not null,
    gap_surprise real not null,
    body_surprise real not null,
    close_position real not null,
    range_surprise real not null,
    level real not null,
    level_ratio_1 real not null,
    level_ratio_8 real not null,
    level_ratio_32 real not null,
    level_ratio_96 real not null,
    return_range_8 real not null,
    return_range_32 real not null,
    night_ratio_32 real not null,
    night_ratio_96 real not null,
    still_ratio real not null,
    typical_log_return real not null,
    scale_1 real not null,
    scale_2 real not null,
    scale_3 real not null,
    scale_4 real not null,
    scale_5 real not null,
    scale_6 real not null,
    scale_7 real not null,
    primary key (ticker, closed_at, known_at)
);

-- what did the last update know?
create index feature_by_known_at on forecast.feature (ticker, known_at);

comment on table forecast.feature is
'One row per ticker, bar and time it was computed anew; never changed. '
'Formulas and sources: include/features.';
comment on column forecast.feature.ticker is 'Symbol; see forecast.ticker.';
comment on column forecast.feature.closed_at is
'End of the bar that the row describes, UTC.';
comment on column forecast.feature.known_at is
'From when on these values were known to us, UTC; the newest row counts.';
comment on column forecast.feature.log_return_1 is
'Log return over 1 bar.';
comment on column forecast.feature.log_return_3 is
'Log return over 3 bars.';
comment on column forecast.feature.log_return_7 is
'Log return over 7 bars.';
comment on column forecast.feature.log_return_14 is
'Log return over 14 bars.';
comment on column forecast.feature.log_return_35 is
'Log return over 35 bars.';
comment on column forecast.feature.overnight_gap is
'Log of a session''s first open over the close before; else 0.';
comment on column forecast.feature.rsi_14 is
'Relative strength index over 14 bars, 0 to 100.';
comment on column forecast.feature.macd is
'12-bar less 26-bar average of the close, as a share of the close.';
comment on column forecast.feature.macd_signal is
'9-bar average of macd, same unit.';
comment on column forecast.feature.bollinger_position_20 is
'Place of the close in its 20-bar Bollinger band: -1 lower edge, 1 upper.';
comment on column forecast.feature.atr_ratio_14 is
'Average true range over 14 bars, as a share of the close.';
comment on column forecast.feature.stochastic_k_14 is
'Place of the close in the range of 14 bars, 0 to 100.';
comment on column forecast.feature.stochastic_d_3 is
'3-bar mean of stochastic_k_14, 0 to 100.';
comment on column forecast.feature.volume_ratio_20 is
'Volume over the mean of the known volumes of 20 bars; 0 where unknown.';
comment on column forecast.feature.has_volume is
'1 where the volume is known, else 0.';
comment on column forecast.feature.obv_ratio_20 is
'Volume of rising less of falling bars over all, 20 bars, -1 to 1.';
comment on column forecast.feature.realised_volatility_7 is
'Root mean square of the last 7 one-bar log returns.';
comment on column forecast.feature.realised_volatility_35 is
'Root mean square of the last 35 one-bar log returns.';
comment on column forecast.feature.realised_volatility_140 is
'Root mean square of the last 140 one-bar log returns.';
comment on column forecast.feature.slot_sin is
'Sine of the bar''s place in its session.';
comment on column forecast.feature.slot_cos is
'Cosine of the bar''s place in its session.';
comment on column forecast.feature.weekday_sin is
'Sine of the exchange''s weekday.';
comment on column forecast.feature.weekday_cos is
'Cosine of the exchange''s weekday.';
comment on column forecast.feature.minutes_to_close_ratio is
'Share of the session that is left at the bar''s end, 0 to 1.';
comment on column forecast.feature.is_session_first is
'1 where the bar opens a session, else 0.';
comment on column forecast.feature.slot_count is
'Bars of the session, in units of one bar.';
comment on column forecast.feature.bars_to_break is
'Bars until a new session has opened, units of one bar; 8: none near.';
comment on column forecast.feature.hours_to_next is
'Hours from this close to that of the next bar.';
comment on column forecast.feature.hours_to_last is
'Hours from this close to that of the bar 7 ahead.';
comment on column forecast.feature.surprise is
'Log return in scaled units: over the scale of the bar before.';
comment on column forecast.feature.gap_surprise is
'The part of surprise from last close to open, scaled units.';
comment on column forecast.feature.body_surprise is
'The part of surprise from open to close, scaled units.';
comment on column forecast.feature.close_position is
'Place of the close in the true range, -1 to 1.';
comment on column forecast.feature.range_surprise is
'Log of the true range over the expected one.';
comment on column forecast.feature.level is
'Log of volatility over its long-run mean, season removed.';
comment on column forecast.feature.level_ratio_1 is
'Log of the 1-bar half-life average over level.';
comment on column forecast.feature.level_ratio_8 is
'Log of the 8-bar half-life average over level.';
comment on column forecast.feature.level_ratio_32 is
'Log of the 32-bar half-life average over level.';
comment on column forecast.feature.level_ratio_96 is
'Log of the 96-bar half-life average over level.';
comment on column forecast.feature.return_range_8 is
'Log of absolute returns over ranges, half-life 8 bars.';
comment on column forecast.feature.return_range_32 is
'Log of absolute returns over ranges, half-life 32 bars.';
comment on column forecast.feature.night_ratio_32 is
'Log of opening bars ranges over all, half-life 32 bars.';
comment on column forecast.feature.night_ratio_96 is
'Log of opening bars ranges over all, half-life 96 bars.';
comment on column forecast.feature.still_ratio is
'Share of closes equal to the one before, half-life 32 bars.';
comment on column forecast.feature.typical_log_return is
'Log of the long-run mean absolute one-bar return.';
comment on column forecast.feature.scale_1 is
'Expected deviation of the log return 1 bar ahead.';
comment on column forecast.feature.scale_2 is
'Expected deviation of the log return 2 bars ahead.';
comment on column forecast.feature.scale_3 is
'Expected deviation of the log return 3 bars ahead.';
comment on column forecast.feature.scale_4 is
'Expected deviation of the log return 4 bars ahead.';
comment on column forecast.feature.scale_5 is
'Expected deviation of the log return 5 bars ahead.';
comment on column forecast.feature.scale_6 is
'Expected deviation of the log return 6 bars ahead.';
comment on column forecast.feature.scale_7 is
'Expected deviation of the log return 7 bars ahead.';
