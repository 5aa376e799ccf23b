-- A search counts how many chunks have a word. Where there are many chunks, it
-- counts a common word in one of 128 chunks: these are the indexes for it.

create index chunk_sample_words on filings.chunk using gin (words)
where chunk_id % 128 = 0;
create index chunk_sample_size on filings.chunk (version_id)
include (word_count)
where chunk_id % 128 = 0 and words is not null;
