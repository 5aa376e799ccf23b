-- An embedding model that is no longer used can be removed with its vectors.
-- The role of the product may drop no table, so it calls this function, which
-- drops the table of one model and nothing else.

create function filings.drop_vector_table(chosen integer) returns void
language plpgsql security definer
set search_path = pg_catalog
as $$
begin
    execute format('drop table if exists filings.%I', 'vector_' || chosen);
    delete from filings.embedding_model where model_id = chosen;
end
$$;
comment on function filings.drop_vector_table is
'Removes a model and the table of its vectors.';
revoke all on function filings.drop_vector_table from public;
