-- Backbones that were pre-trained here, and which of them counted when.

create table forecast.backbone (
    request_id text not null primary key,
    as_of timestamptz not null,
    cutoff_at timestamptz not null,
    tickers text[] not null,
    simulated_count integer not null,
    seed bigint not null,
    present_version text,
    model_version text,
    bar_count bigint,
    code_version text,
    scores jsonb,
    is_promoted boolean not null default false,
    reason text,
    promoted_at timestamptz,
    updated_at timestamptz not null default now(),
    constraint backbone_cutoff_lies_before_as_of check (cutoff_at < as_of),
    constraint backbone_counts_from_0 check (
        simulated_count >= 0 and bar_count >= 0
    ),
    constraint promoted_backbone_is_there_and_was_scored check (
        not is_promoted
        or (
            model_version is not null
            and scores is not null
            and promoted_at is not null
        )
    )
);

create index backbone_promoted on forecast.backbone (as_of) where is_promoted;

comment on table forecast.backbone is
'One row per request to pre-train a backbone; the one that comes with the code '
'has no row.';
comment on column forecast.backbone.request_id is
'Id of the run that was asked to train it.';
comment on column forecast.backbone.as_of is
'The instant beyond which neither its training nor its scores knew anything, '
'UTC.';
comment on column forecast.backbone.cutoff_at is
'It was taught by bars that closed before this instant, and scored on those '
'from it to as_of, UTC.';
comment on column forecast.backbone.tickers is
'The tracked tickers that teach it; see forecast.ticker.';
comment on column forecast.backbone.simulated_count is
'Simulated tickers that teach it beside them.';
comment on column forecast.backbone.seed is
'Seed of the training.';
comment on column forecast.backbone.present_version is
'The backbone that it had to match, of those trained here; null for the one '
'that comes with the code.';
comment on column forecast.backbone.model_version is
'Content hash (sha256, hex) of its weights and their provenance, and the name '
'of its folder; null until it is trained.';
comment on column forecast.backbone.bar_count is
'Bars that taught it, simulated ones included; null until it is trained.';
comment on column forecast.backbone.code_version is
'Hash over the source of features and model; null until it is trained.';
comment on column forecast.backbone.scores is
'CRPS skills against the random walk, as ratios, of it, of the scale alone and '
'of the present backbone, as JSON; null until it is scored.';
comment on column forecast.backbone.is_promoted is
'True where instants from as_of on may use it.';
comment on column forecast.backbone.reason is
'Why it was promoted or not; null until that is decided.';
comment on column forecast.backbone.promoted_at is
'When it was promoted, UTC; null where it was not.';
comment on column forecast.backbone.updated_at is
'When the row was written or its content last changed, UTC.';


create table forecast.backbone_choice (
    as_of timestamptz not null primary key,
    model_version text,
    is_shipped boolean not null
);

comment on table forecast.backbone_choice is
'One row per instant that an hour or a request was planned as of: the backbone '
'that counts there, however often it is run again.';
comment on column forecast.backbone_choice.as_of is
'as_of of the hour or request, UTC.';
comment on column forecast.backbone_choice.model_version is
'model_version of the backbone; null where none fitted, or for a shipped one '
'that nobody wrote down.';
comment on column forecast.backbone_choice.is_shipped is
'Whether it is the one that came with the code.';

-- there was no other backbone until now
insert into forecast.backbone_choice (as_of, is_shipped)
select
    as_of,
    true as is_shipped
from forecast.outcome
union
select
    as_of,
    true as is_shipped
from forecast.onboarding;
