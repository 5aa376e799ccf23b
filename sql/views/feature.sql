-- grain: one row per ticker and bar with features

create view bi.feature as

with feature as (
    select * from forecast.feature
),

-- of several rows of a bar, the newest is in force
newest as (
    select distinct on (ticker, closed_at) *
    from feature
    order by ticker asc, closed_at asc, known_at desc
),

final as (
    select
        newest.ticker,
        newest.closed_at,
        newest.known_at,
        newest.log_return_1,
        newest.log_return_3,
        newest.log_return_7,
        newest.log_return_14,
        newest.log_return_35,
        newest.overnight_gap,
        newest.dividend_gap,
        newest.rsi_14,
        newest.macd,
        newest.macd_signal,
        newest.bollinger_position_20,
        newest.atr_ratio_14,
        newest.stochastic_k_14,
        newest.stochastic_d_3,
        newest.volume_ratio_20,
        newest.has_volume,
        newest.obv_ratio_20,
        newest.realised_volatility_7,
        newest.realised_volatility_35,
        newest.realised_volatility_140,
        newest.slot_sin,
        newest.slot_cos,
        newest.weekday_sin,
        newest.weekday_cos,
        newest.minutes_to_close_ratio,
        newest.is_session_first,
        newest.slot_count,
        newest.bars_to_break,
        newest.hours_to_next,
        newest.hours_to_last,
        newest.surprise,
        newest.gap_surprise,
        newest.body_surprise,
        newest.close_position,
        newest.range_surprise,
        newest.level,
        newest.level_ratio_1,
        newest.level_ratio_8,
        newest.level_ratio_32,
        newest.level_ratio_96,
        newest.return_range_8,
        newest.return_range_32,
        newest.night_ratio_32,
        newest.night_ratio_96,
        newest.still_ratio,
        newest.typical_log_return,
        newest.scale_1,
        newest.scale_2,
        newest.scale_3,
        newest.scale_4,
        newest.scale_5,
        newest.scale_6,
        newest.scale_7
    from newest
)

select * from final;

comment on view bi.feature is
'One row per ticker and bar: the features of the bar as they are known now. '
'They are the input of the model, and pure numbers.';
comment on column bi.feature.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.feature.closed_at is
'End of the bar that the row describes, UTC.';
comment on column bi.feature.known_at is
'When these values became known, UTC; the newest row of a bar is in force.';
comment on column bi.feature.log_return_1 is
'Log return over 1 bar.';
comment on column bi.feature.log_return_3 is
'Log return over 3 bars.';
comment on column bi.feature.log_return_7 is
'Log return over 7 bars.';
comment on column bi.feature.log_return_14 is
'Log return over 14 bars.';
comment on column bi.feature.log_return_35 is
'Log return over 35 bars.';
comment on column bi.feature.overnight_gap is
'Log of a session''s first open over the close before; else 0.';
comment on column bi.feature.dividend_gap is
'Log of 1 less the dividend over the last close, on the first bar of an';
comment on column bi.feature.rsi_14 is
'Relative strength index over 14 bars, 0 to 100.';
comment on column bi.feature.macd is
'12-bar less 26-bar average of the close, as a share of the close.';
comment on column bi.feature.macd_signal is
'9-bar average of macd, same unit.';
comment on column bi.feature.bollinger_position_20 is
'Place of the close in its 20-bar Bollinger band: -1 lower edge, 1 upper.';
comment on column bi.feature.atr_ratio_14 is
'Average true range over 14 bars, as a share of the close.';
comment on column bi.feature.stochastic_k_14 is
'Place of the close in the range of 14 bars, 0 to 100.';
comment on column bi.feature.stochastic_d_3 is
'3-bar mean of stochastic_k_14, 0 to 100.';
comment on column bi.feature.volume_ratio_20 is
'Volume over the mean of the known volumes of 20 bars; 0 where unknown.';
comment on column bi.feature.has_volume is
'1 where the volume is known, else 0.';
comment on column bi.feature.obv_ratio_20 is
'Volume of rising less of falling bars over all, 20 bars, -1 to 1.';
comment on column bi.feature.realised_volatility_7 is
'Root mean square of the last 7 one-bar log returns.';
comment on column bi.feature.realised_volatility_35 is
'Root mean square of the last 35 one-bar log returns.';
comment on column bi.feature.realised_volatility_140 is
'Root mean square of the last 140 one-bar log returns.';
comment on column bi.feature.slot_sin is
'Sine of the bar''s place in its session.';
comment on column bi.feature.slot_cos is
'Cosine of the bar''s place in its session.';
comment on column bi.feature.weekday_sin is
'Sine of the exchange''s weekday.';
comment on column bi.feature.weekday_cos is
'Cosine of the exchange''s weekday.';
comment on column bi.feature.minutes_to_close_ratio is
'Share of the session that is left at the bar''s end, 0 to 1.';
comment on column bi.feature.is_session_first is
'1 where the bar opens a session, else 0.';
comment on column bi.feature.slot_count is
'Bars of the session, in units of one bar.';
comment on column bi.feature.bars_to_break is
'Bars until a new session has opened, units of one bar; 8: none near.';
comment on column bi.feature.hours_to_next is
'Hours from this close to that of the next bar.';
comment on column bi.feature.hours_to_last is
'Hours from this close to that of the bar 7 ahead.';
comment on column bi.feature.surprise is
'Log return in scaled units: over the scale of the bar before.';
comment on column bi.feature.gap_surprise is
'The part of surprise from last close to open, scaled units.';
comment on column bi.feature.body_surprise is
'The part of surprise from open to close, scaled units.';
comment on column bi.feature.close_position is
'Place of the close in the true range, -1 to 1.';
comment on column bi.feature.range_surprise is
'Log of the true range over the expected one.';
comment on column bi.feature.level is
'Log of volatility over its long-run mean, season removed.';
comment on column bi.feature.level_ratio_1 is
'Log of the 1-bar half-life average over level.';
comment on column bi.feature.level_ratio_8 is
'Log of the 8-bar half-life average over level.';
comment on column bi.feature.level_ratio_32 is
'Log of the 32-bar half-life average over level.';
comment on column bi.feature.level_ratio_96 is
'Log of the 96-bar half-life average over level.';
comment on column bi.feature.return_range_8 is
'Log of absolute returns over ranges, half-life 8 bars.';
comment on column bi.feature.return_range_32 is
'Log of absolute returns over ranges, half-life 32 bars.';
comment on column bi.feature.night_ratio_32 is
'Log of opening bars ranges over all, half-life 32 bars.';
comment on column bi.feature.night_ratio_96 is
'Log of opening bars ranges over all, half-life 96 bars.';
comment on column bi.feature.still_ratio is
'Share of closes equal to the one before, half-life 32 bars.';
comment on column bi.feature.typical_log_return is
'Log of the long-run mean absolute one-bar return.';
comment on column bi.feature.scale_1 is
'Expected deviation of the log return 1 bar ahead.';
comment on column bi.feature.scale_2 is
'Expected deviation of the log return 2 bars ahead.';
comment on column bi.feature.scale_3 is
'Expected deviation of the log return 3 bars ahead.';
comment on column bi.feature.scale_4 is
'Expected deviation of the log return 4 bars ahead.';
comment on column bi.feature.scale_5 is
'Expected deviation of the log return 5 bars ahead.';
comment on column bi.feature.scale_6 is
'Expected deviation of the log return 6 bars ahead.';
comment on column bi.feature.scale_7 is
'Expected deviation of the log return 7 bars ahead.';
