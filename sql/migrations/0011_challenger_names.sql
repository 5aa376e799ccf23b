-- Standard names for columns and JSON keys: the challenger that is fine-tuned,
-- the reference that it is compared with, and the sequential test between them.
-- Every row and every number stays.

alter table forecast.prediction rename column origin to written_by;
alter table forecast.prediction
rename constraint origin_is_known to written_by_is_known;
comment on column forecast.prediction.written_by is
'What wrote the forecast: hourly (an hour) or onboarding.';

alter table forecast.model_version rename column evidence to sequential_test;
update forecast.model_version
set
    sequential_test = jsonb_build_object(
        'reference', sequential_test -> 'origin',
        'counted_at', sequential_test -> 'counted_at',
        'challenger_number', sequential_test -> 'line',
        'bar_count', sequential_test -> 'bars',
        'log_e_values', sequential_test -> 'gains',
        'log_alarm_e_values', sequential_test -> 'alarms',
        'total_score_difference', sequential_test -> 'balance',
        'is_proven', sequential_test -> 'is_proven'
    )
where sequential_test is not null;
update forecast.model_version
set config = jsonb_set(config, '{reason}', '"it lost against its reference"')
where kind = 'restart' and config ->> 'reason' = 'it lost against its origin';

comment on column forecast.model_version.kind is
'first_training, fine_tune or restart. A restart has the weights of the '
'reference, in the place of a challenger that was rejected or unreadable.';
comment on column forecast.model_version.is_promoted is
'Whether it may serve: a first training, a restart, and a fine-tuned version '
'once the sequential test has proven its challenger better than its '
'reference.';
comment on column forecast.model_version.sequential_test is
'State of the sequential test of the challenger against its reference after '
'this version (include/evaluation/promotion.py); null for a first training.';

-- two reasons of fallbacks have new words; a replay compares them
update forecast.prediction
set
    fallback_reason = regexp_replace(
        fallback_reason,
        '^the model (\w+) answered nonsense for (.*)$',
        'the model \1 gave quantiles that are no plausible log returns at \2'
    )
where fallback_reason like 'the model % answered nonsense for %';
update forecast.prediction set fallback_reason = 'no model gave a forecast'
where fallback_reason = 'no model answered';
