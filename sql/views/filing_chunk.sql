-- grain: one row per part of a filing's text that can be found and cited

create view bi.filing_chunk as

with chunk as (
    select * from filings.chunk
    where words is not null
),

final as (
    select
        chunk_id,
        version_id,
        number,
        section,
        titles,
        first_character,
        end_character,
        lead,
        text,
        is_table,
        words,
        word_count
    from chunk
)

select * from final;

comment on view bi.filing_chunk is
'One row per part of a filing''s text that can be found and cited: some '
'sentences, or rows of a table; bi.filing has the filing of its version_id.';
comment on column bi.filing_chunk.chunk_id is
'Number of the part in the database.';
comment on column bi.filing_chunk.version_id is
'The content that it is a part of, as in bi.filing.';
comment on column bi.filing_chunk.number is
'Place among the parts of the text.';
comment on column bi.filing_chunk.section is
'Anchor of its section.';
comment on column bi.filing_chunk.titles is
'Titles of the sections around it, outermost first.';
comment on column bi.filing_chunk.first_character is
'Its first character in the filing''s text, from 0 on.';
comment on column bi.filing_chunk.end_character is
'The character after its last.';
comment on column bi.filing_chunk.lead is
'What is shown before it: the headings of a table''s later rows.';
comment on column bi.filing_chunk.text is
'The words as they stand in the filing, as Markdown.';
comment on column bi.filing_chunk.is_table is
'True if it is rows of a table.';
comment on column bi.filing_chunk.words is
'Stems of its English words and pairs of its Korean syllables, for a search.';
comment on column bi.filing_chunk.word_count is
'Number of words in it.';
