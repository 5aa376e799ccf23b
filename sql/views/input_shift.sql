-- grain: one row per look, market and input of the network

create view bi.input_shift as

with look as (
    select * from forecast.drift_look
),

newest as (
    select max(as_of) as as_of from look
),

shift as (
    select * from forecast.input_shift
),

final as (
    select
        shift.as_of,
        shift.is_simulated,
        shift.calendar,
        shift.input,
        shift.row_count,
        shift.stability_index,
        shift.distance,
        shift.is_shifted,
        look.backbone_version,
        look.as_of = newest.as_of as is_newest
    from shift
    inner join look on shift.as_of = look.as_of
    cross join newest
)

select * from final;

comment on view bi.input_shift is
'One row per look, market and input of the network: how far its values of the '
'last 28 days are from those that the backbone was trained on.';
comment on column bi.input_shift.as_of is
'as_of of the look: it knew nothing later, UTC.';
comment on column bi.input_shift.is_simulated is
'True if the market is simulated.';
comment on column bi.input_shift.calendar is
'Session calendar of the market; all for all markets together.';
comment on column bi.input_shift.input is
'Name of the input; surprise is the log return in units of the scale.';
comment on column bi.input_shift.row_count is
'Number of values.';
comment on column bi.input_shift.stability_index is
'Population stability index, a pure ratio: 0 is the same distribution.';
comment on column bi.input_shift.distance is
'First Wasserstein distance, a ratio to the training set''s standard '
'deviation.';
comment on column bi.input_shift.is_shifted is
'True from a population stability index of 0.25 on.';
comment on column bi.input_shift.backbone_version is
'model_version of the backbone that was trained on the reference.';
comment on column bi.input_shift.is_newest is
'True for the newest look.';
