-- Vectors of chunks for a search by meaning, which is optional: one table for
-- each version of a model. The role of the product may create no table, so
-- it calls a function that creates this one kind of table and nothing else. The
-- tables need the extension vector, which a server may lack.

create table filings.embedding_model (
    model_id integer generated always as identity primary key,
    name text not null,
    fingerprint text not null,
    dimension_count integer not null,
    created_at timestamptz not null,
    constraint embedding_model_is_unique unique (name, fingerprint),
    constraint embedding_model_has_an_index check (
        dimension_count between 1 and 4000
    )
);

comment on table filings.embedding_model is
'One row per version of an embedding model. Its vectors are in the table '
'filings.vector_ with its number.';
comment on column filings.embedding_model.model_id is
'Number of the row.';
comment on column filings.embedding_model.name is
'Name of the model, as the setting has it.';
comment on column filings.embedding_model.fingerprint is
'SHA-256 of the weights, or of the name and address of a service.';
comment on column filings.embedding_model.dimension_count is
'Count of numbers of a vector.';
comment on column filings.embedding_model.created_at is
'When the first chunk was to be embedded, UTC.';


create function filings.make_vector_table(chosen integer) returns void
language plpgsql security definer
set search_path = pg_catalog
as $$
declare
    wanted text := 'vector_' || chosen;
    size integer;
begin
    select model.dimension_count into strict size
    from filings.embedding_model as model
    where model.model_id = chosen;
    if to_regclass('filings.' || wanted) is not null then
        return;
    end if;
    perform set_config(
        'search_path', 'pg_catalog, ' || quote_ident(namespace.nspname), true
    )
    from pg_extension as extension
    inner join pg_namespace as namespace
        on extension.extnamespace = namespace.oid
    where extension.extname = 'vector';
    execute format(
        'create table filings.%I ('
        'chunk_id bigint primary key references filings.chunk '
        'on delete cascade, '
        'version_id bigint not null, '
        'vector halfvec(%s) not null)',
        wanted, size
    );
    execute format(
        'create index %I on filings.%I using hnsw (vector halfvec_cosine_ops)',
        wanted || '_nearest', wanted
    );
    execute format(
        'create index %I on filings.%I (version_id)',
        wanted || '_of_version', wanted
    );
    execute format(
        'comment on table filings.%I is %L',
        wanted, 'One row per chunk: its vector by model ' || chosen || '.'
    );
    execute format(
        'grant select, insert, delete on filings.%I to %I',
        wanted, session_user
    );
end
$$;
comment on function filings.make_vector_table is
'Creates the table of the vectors of a model, if it is missing.';
revoke all on function filings.make_vector_table from public;
