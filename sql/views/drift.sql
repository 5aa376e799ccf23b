-- grain: one row per look, market and kind of drift

create view bi.drift as

with newest as (
    select max(as_of) as as_of from forecast.drift_look
),

tested as (
    select
        drift.as_of,
        drift.is_simulated,
        drift.calendar,
        drift.kind,
        drift.day_count,
        drift.observed_ratio,
        drift.expected_ratio,
        drift.e_value,
        7000::double precision as needed_e_value,
        drift.is_drifted,
        drift.drifted_at,
        case
            when drift.is_drifted then 'drifted'
            when drift.day_count < 14 then 'too few days'
            else 'steady'
        end as status,
        case drift.kind
            when 'coverage'
                then
                    format(
                        'the 90 %% intervals contained %s %% of the closes',
                        round(100 * drift.observed_ratio::numeric, 1)
                    )
            when 'pit'
                then
                    format(
                        '%s %% of the closes were outside the 90 %% intervals',
                        round(100 * drift.observed_ratio::numeric, 1)
                    )
            when 'shape'
                then
                    format(
                        'the 50 %% intervals contained %s percentage points '
                        'more of the closes in the second half of the days',
                        round(100 * drift.observed_ratio::numeric, 1)
                    )
            when 'skill'
                then
                    format(
                        'the CRPS was %s than that of HAR',
                        case
                            when drift.observed_ratio > 0 then 'higher'
                            else 'not higher'
                        end
                    )
            else
                format(
                    '%s %% of the due bars were %s; usual are %s %%',
                    round(100 * drift.observed_ratio::numeric, 1),
                    drift.kind,
                    round(100 * drift.expected_ratio::numeric, 1)
                )
        end as reason
    from forecast.drift
),

described as (
    select
        as_of,
        is_simulated,
        calendar,
        'inputs' as kind,
        null::integer as day_count,
        null::double precision as observed_ratio,
        null::double precision as expected_ratio,
        null::double precision as e_value,
        null::double precision as needed_e_value,
        false as is_drifted,
        null::timestamptz as drifted_at,
        case when bool_or(is_shifted) then 'shifted' else 'steady' end
            as status,
        format(
            '%s of %s inputs are shifted; the farthest is %s, with an index '
            'of %s',
            count(*) filter (where is_shifted),
            count(*),
            (array_agg(input order by stability_index desc))[1],
            round(max(stability_index)::numeric, 2)
        ) as reason
    from forecast.input_shift
    group by as_of, is_simulated, calendar
),

final as (
    select
        found.*,
        found.as_of = newest.as_of as is_newest
    from (
        select * from tested
        union all
        select * from described
    ) as found
    cross join newest
)

select * from final;

comment on view bi.drift is
'One row per look, market and kind of drift: what the daily tests found in the '
'outcomes and the bars, and how far the inputs are from the training set.';
comment on column bi.drift.as_of is
'as_of of the look: it knew nothing later, UTC.';
comment on column bi.drift.is_simulated is
'True if the market is simulated.';
comment on column bi.drift.calendar is
'Session calendar of the market; all for all markets together.';
comment on column bi.drift.kind is
'coverage, pit, shape, skill, missing, late, rejected, revised or inputs; '
'see docs/drift.md.';
comment on column bi.drift.day_count is
'Number of days that the test has counted since it began; null for inputs.';
comment on column bi.drift.observed_ratio is
'Mean over the newest 28 counted days, a ratio: share inside the 90 % interval '
'(coverage), share outside it (pit), share inside the 50 % interval in the '
'second half of the day less that in the first (shape), score difference '
'against HAR (skill), or share of the due bars; null for inputs.';
comment on column bi.drift.expected_ratio is
'What that ratio usually is: 0.9, 0.1, 0, 0, or the usual share of the due '
'bars; null for inputs.';
comment on column bi.drift.e_value is
'Evidence of a change, a ratio; null for inputs, which have no test.';
comment on column bi.drift.needed_e_value is
'Evidence from which on drift is proven, a ratio; null for inputs.';
comment on column bi.drift.is_drifted is
'True if drift is proven.';
comment on column bi.drift.drifted_at is
'as_of of the first look in a row that found it proven, UTC; null if it is '
'not.';
comment on column bi.drift.status is
'drifted, steady, too few days (fewer than 14), or, for inputs, shifted.';
comment on column bi.drift.reason is
'What the last 28 days were like, in words.';
comment on column bi.drift.is_newest is
'True for the newest look.';
