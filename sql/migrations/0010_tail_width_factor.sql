-- Calibration corrects the 80 % and the 90 % interval each by its own past.

alter table forecast.prediction
add column tail_width_factor double precision,
add constraint tail_width_factor_is_positive check (
    tail_width_factor > 0 and tail_width_factor < 'infinity'
);

comment on column forecast.prediction.width_factor is
'What calibration multiplied the distances of q10 and q90 from the median by
(log prices); those of q25 and q75 by its square root.';
comment on column forecast.prediction.tail_width_factor is
'What calibration multiplied the distances of q025, q05, q95 and q975 from the
median by (log prices). Null where width_factor was for all quantiles.';
