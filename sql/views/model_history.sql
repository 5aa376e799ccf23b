-- grain: one row per ticker and version of its model

create view bi.model_history as

with ticker as (
    select * from forecast.ticker
),

-- a version that may serve does so until the next one that may
version as (
    select
        version.*,
        case
            when version.is_promoted
                then lead(version.as_of) over (
                    partition by version.ticker, version.is_promoted
                    order by version.as_of
                )
        end as until_as_of
    from forecast.model_version as version
),

final as (
    select
        version.ticker,
        ticker.source,
        ticker.is_simulated,
        version.as_of,
        version.as_of at time zone ticker.timezone as as_of_exchange,
        version.model_version,
        version.parent_version,
        version.kind,
        (version.config ->> 'steps')::integer as step_count,
        version.config ->> 'reason' as reason,
        version.is_promoted,
        version.until_as_of,
        version.is_promoted
        and version.until_as_of is null as is_serving,
        version.window_count,
        version.loss_before,
        version.loss_after,
        (version.sequential_test ->> 'challenger_number')::integer
            as challenger_number,
        (version.sequential_test ->> 'bar_count')::integer as bar_count,
        test.e_value,
        (version.sequential_test ->> 'is_proven')::boolean as is_proven,
        version.is_pruned,
        version.unreadable_at,
        version.unreadable_reason
    from version
    left join ticker using (ticker)
    left join lateral (
        select avg(exp(log_e_value::double precision)) as e_value
        from jsonb_array_elements_text(
            version.sequential_test -> 'log_e_values'
        ) as log_e_value
    ) as test on true
)

select * from final;

comment on view bi.model_history is
'One row per ticker and version of its model: which weights served from when '
'to when, what they were made from, and the evidence for them.';
comment on column bi.model_history.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.model_history.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.model_history.is_simulated is
'True if the market is simulated.';
comment on column bi.model_history.as_of is
'Hours from this instant on may use the version, UTC.';
comment on column bi.model_history.as_of_exchange is
'The same instant in the exchange''s time zone, without a zone.';
comment on column bi.model_history.model_version is
'Content hash of the weights and their provenance.';
comment on column bi.model_history.parent_version is
'model_version that the training started from; for a first training that of '
'the backbone, null without one.';
comment on column bi.model_history.kind is
'first_training, fine_tune (of a challenger), or restart (the reference''s '
'weights in place of a challenger that was rejected).';
comment on column bi.model_history.step_count is
'Number of training steps of the version; 0 in a first training: the weights '
'are the backbone''s. Null for a restart.';
comment on column bi.model_history.reason is
'Reason for a restart; null for other kinds.';
comment on column bi.model_history.is_promoted is
'True if the version may serve: first trainings, restarts, and challengers '
'that the sequential test has proven better than their reference.';
comment on column bi.model_history.until_as_of is
'as_of of the next version that may serve, UTC; null if there is none, or if '
'this one may not serve.';
comment on column bi.model_history.is_serving is
'True for the ticker''s newest version that may serve.';
comment on column bi.model_history.window_count is
'Number of windows in the training data.';
comment on column bi.model_history.loss_before is
'Pinball loss before the training on bars that it did not use, in scaled '
'units; null without such bars.';
comment on column bi.model_history.loss_after is
'The same loss after the training, in scaled units.';
comment on column bi.model_history.challenger_number is
'Number of the ticker''s challenger, from 1; null for a first training.';
comment on column bi.model_history.bar_count is
'Number of bars on which the challenger was compared with its reference.';
comment on column bi.model_history.e_value is
'Evidence that the challenger is better than its reference, as an e-value, a '
'ratio: 1 is none, challenger n needs 20 n (n + 1).';
comment on column bi.model_history.is_proven is
'True if that e-value was reached once.';
comment on column bi.model_history.is_pruned is
'True if the weights were removed from the disk.';
comment on column bi.model_history.unreadable_at is
'as_of of the first hour that could not read the weights, UTC; null if they '
'could be read when an hour last needed them.';
comment on column bi.model_history.unreadable_reason is
'What is wrong with the weights, such as a missing file; null if nothing is '
'known to be.';
