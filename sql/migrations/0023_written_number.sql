-- An hour that runs again reads the forecasts that were there the first time.
-- Their times of writing do not tell: a clock can jump. A number that counts
-- the writings does. Older forecasts have none and keep to their times.

create sequence forecast.prediction_written_number;

alter table forecast.prediction add column written_number bigint;
alter table forecast.prediction alter column written_number
set default nextval('forecast.prediction_written_number');

comment on column forecast.prediction.written_number is
'Counts the writings of forecasts: higher than that of every forecast that was '
'written before; null for those from before the count.';
