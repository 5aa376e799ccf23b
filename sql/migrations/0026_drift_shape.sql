-- The shape of the day is one more kind of drift.

alter table forecast.drift drop constraint drift_kind_is_known;
alter table forecast.drift add constraint drift_kind_is_known check (
    kind in (
        'coverage', 'pit', 'shape', 'skill',
        'missing', 'late', 'rejected', 'revised'
    )
);
comment on column forecast.drift.kind is
'coverage, pit, shape, skill, missing, late, rejected or revised; see '
'docs/drift.md.';
comment on column forecast.drift.observed_ratio is
'Mean over the newest 28 counted days, a ratio: share inside the 90 % interval '
'(coverage), share outside it (pit), share inside the 50 % interval in the '
'second half of the day less that in the first (shape), score difference '
'against HAR (skill), or share of the due bars.';
