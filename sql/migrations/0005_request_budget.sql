-- How often a source may be asked, by all processes of all workers together.

create table forecast.request_budget (
    source text primary key,
    next_at timestamptz not null,
    reopens_at timestamptz not null default '-infinity'
);

comment on table forecast.request_budget is
'One row per source that is paced: what every process looks at before it asks.';
comment on column forecast.request_budget.source is
'The source: yahoo.';
comment on column forecast.request_budget.next_at is
'When the next request may be made that nobody has taken yet, UTC.';
comment on column forecast.request_budget.reopens_at is
'When asking is allowed again, after the source refused one of us, UTC.';
