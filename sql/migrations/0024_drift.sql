-- What the daily looks found: the sequential tests of each market, with the
-- state from which the next look goes on, and the distances of the inputs.

create table forecast.drift_look (
    as_of timestamptz not null primary key,
    counted_at timestamptz not null,
    backbone_version text,
    made_at timestamptz not null default now()
);

comment on table forecast.drift_look is
'One row per daily look at drift.';
comment on column forecast.drift_look.as_of is
'The instant beyond which the look knew nothing, UTC.';
comment on column forecast.drift_look.counted_at is
'Days that began before this instant have been counted, UTC.';
comment on column forecast.drift_look.backbone_version is
'model_version of the backbone in use; null for none. With another one the '
'tests of the forecasts begin again.';
comment on column forecast.drift_look.made_at is
'When the row was written, UTC.';


create table forecast.drift (
    as_of timestamptz not null,
    is_simulated boolean not null,
    calendar text not null,
    kind text not null,
    day_count integer not null,
    observed_ratio double precision,
    expected_ratio double precision,
    e_value double precision not null,
    is_drifted boolean not null,
    drifted_at timestamptz,
    state jsonb not null,
    primary key (as_of, is_simulated, calendar, kind),
    constraint drift_look_is_there foreign key (as_of)
    references forecast.drift_look (as_of) on delete cascade,
    constraint drift_kind_is_known check (
        kind in (
            'coverage', 'pit', 'skill',
            'missing', 'late', 'rejected', 'revised'
        )
    ),
    constraint drift_has_a_beginning check (
        is_drifted = (drifted_at is not null)
    )
);

comment on table forecast.drift is
'One row per look, market and kind: the test after the days counted so far.';
comment on column forecast.drift.as_of is
'as_of of the look, UTC.';
comment on column forecast.drift.is_simulated is
'True if the market is simulated.';
comment on column forecast.drift.calendar is
'Session calendar of the market; all for all markets together.';
comment on column forecast.drift.kind is
'coverage, pit, skill, missing, late, rejected or revised; see docs/drift.md.';
comment on column forecast.drift.day_count is
'Number of days that the test has counted since it began.';
comment on column forecast.drift.observed_ratio is
'Mean over the newest 28 counted days, a ratio: share inside the 90 % interval '
'(coverage), share outside it (pit), score difference against HAR (skill), or '
'share of the due bars.';
comment on column forecast.drift.expected_ratio is
'What that ratio usually is: 0.9, 0.1, 0, or the usual share of the due bars.';
comment on column forecast.drift.e_value is
'Evidence of a change, a ratio: drift is proven from 7000 on.';
comment on column forecast.drift.is_drifted is
'True if drift is proven.';
comment on column forecast.drift.drifted_at is
'as_of of the first look in a row that found it proven, UTC; null if it is '
'not.';
comment on column forecast.drift.state is
'State of the test and the newest days, from which the next look goes on.';


create table forecast.input_shift (
    as_of timestamptz not null,
    is_simulated boolean not null,
    calendar text not null,
    input text not null,
    row_count bigint not null,
    stability_index double precision not null,
    distance double precision not null,
    is_shifted boolean not null,
    primary key (as_of, is_simulated, calendar, input),
    constraint input_look_is_there foreign key (as_of)
    references forecast.drift_look (as_of) on delete cascade
);

comment on table forecast.input_shift is
'One row per look, market and input of the network: how far its values of the '
'last 28 days are from the training set''s.';
comment on column forecast.input_shift.as_of is
'as_of of the look, UTC.';
comment on column forecast.input_shift.is_simulated is
'True if the market is simulated.';
comment on column forecast.input_shift.calendar is
'Session calendar of the market; all for all markets together.';
comment on column forecast.input_shift.input is
'Name of the input; see include/features/windows.py.';
comment on column forecast.input_shift.row_count is
'Number of values.';
comment on column forecast.input_shift.stability_index is
'Population stability index, a pure ratio: 0 is the same distribution.';
comment on column forecast.input_shift.distance is
'First Wasserstein distance, a ratio to the training set''s standard '
'deviation.';
comment on column forecast.input_shift.is_shifted is
'True from a population stability index of 0.25 on.';
