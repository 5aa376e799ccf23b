-- A search at size reads which words of the question stand together in a
-- sample of the chunks, of 1 in 32 or fewer. Only the numbers of the sample's
-- chunks are read from an index, so the index of its words goes. Rows of
-- chunks stay whole: reading a word list from beside the table took as long as
-- ranking it.

drop index filings.chunk_sample_words;
drop index filings.chunk_sample_size;
create index chunk_sample on filings.chunk (version_id)
include (chunk_id, word_count)
where chunk_id % 32 = 0 and words is not null;
alter table filings.chunk set (toast_tuple_target = 4080);
