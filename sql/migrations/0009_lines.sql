-- A ticker's line: what is fine-tuned, hour by hour, since it last began at
-- its origin, and the evidence on whether it may serve.

alter table forecast.model_version drop constraint model_kind_is_known;
alter table forecast.model_version add constraint model_kind_is_known check (
    kind in ('first_training', 'fine_tune', 'restart')
);
comment on column forecast.model_version.kind is
'first_training, fine_tune or restart: the weights that the ticker''s line '
'began at, once more.';
comment on column forecast.model_version.parent_version is
'model_version that the training started from, or that a restart ended; for '
'a first training the backbone''s, null where there was none.';
comment on column forecast.model_version.is_promoted is
'Whether it may serve: a first training, a restart, and what was fine-tuned '
'once its line was proven better than its origin.';

alter table forecast.model_version add column evidence jsonb;
comment on column forecast.model_version.evidence is
'What is known of the line against its origin (include/evaluation/promotion): '
'wagers counted so far; null for a first training.';

alter table forecast.model_version
add column is_pruned boolean not null default false;
-- which files hold nothing that is needed any more?
create index model_version_by_artefact on forecast.model_version (artefact);
comment on column forecast.model_version.is_pruned is
'Whether its weights were removed from the disk, being needed no more.';
