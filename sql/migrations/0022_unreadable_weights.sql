-- Which weights an hour could not read.

alter table forecast.model_version
add column unreadable_at timestamptz,
add column unreadable_reason text;
comment on column forecast.model_version.unreadable_at is
'as_of of the first hour that could not read the weights, UTC; null if they '
'could be read when an hour last needed them.';
comment on column forecast.model_version.unreadable_reason is
'What is wrong with the weights; null if nothing is known to be.';
