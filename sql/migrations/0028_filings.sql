-- What companies filed: raw answers as they came, versions of each filing, its
-- text as Markdown, and the chunks of it that can be found and cited.

create schema filings;
comment on schema filings is
'Filings of the SEC and of DART. No hour reads it; see docs/filings.md.';


create table filings.company (
    source text not null,
    number text not null,
    name text not null,
    tickers text[] not null,
    primary key (source, number),
    constraint company_source_is_known check (source in ('edgar', 'dart'))
);

comment on table filings.company is
'One row per company and source.';
comment on column filings.company.source is
'Where its filings are from: edgar or dart.';
comment on column filings.company.number is
'CIK of ten digits, or code of eight digits at DART.';
comment on column filings.company.name is
'Name as the source writes it.';
comment on column filings.company.tickers is
'Symbols as the source spells them: BRK-B, 005930.';


create table filings.filing (
    source text not null,
    receipt text not null,
    number text not null,
    form text not null,
    items text[] not null,
    period_end date,
    filed_on date not null,
    accepted_at timestamptz not null,
    main_document text not null,
    address text not null,
    is_amendment boolean not null,
    primary key (source, receipt),
    constraint filing_has_a_company foreign key (source, number)
    references filings.company (source, number)
);
create index filing_of_company on filings.filing (source, number, accepted_at);

comment on table filings.filing is
'One row per filing.';
comment on column filings.filing.source is
'Where it is from: edgar or dart.';
comment on column filings.filing.receipt is
'Accession number of the SEC, or receipt number of DART.';
comment on column filings.filing.number is
'The company''s number at the source.';
comment on column filings.filing.form is
'Form, such as 10-K.';
comment on column filings.filing.items is
'Items of an 8-K, such as 2.02.';
comment on column filings.filing.period_end is
'Last day that it reports on, by the company''s fiscal calendar; null for '
'none.';
comment on column filings.filing.filed_on is
'Day of filing on the source''s clock.';
comment on column filings.filing.accepted_at is
'From when on it counts as known, UTC; never too early.';
comment on column filings.filing.main_document is
'File name of its main document.';
comment on column filings.filing.address is
'Where it was, or is to be, fetched from.';
comment on column filings.filing.is_amendment is
'True if it corrects an earlier filing.';


create table filings.version (
    version_id bigint generated always as identity primary key,
    source text not null,
    receipt text not null,
    version integer not null,
    sha256 text not null,
    address text not null,
    fetched_at timestamptz not null,
    known_at timestamptz not null,
    superseded_at timestamptz,
    content bytea not null,
    constraint version_is_unique unique (source, receipt, version),
    constraint version_has_a_filing foreign key (source, receipt)
    references filings.filing (source, receipt) on delete cascade
);

comment on table filings.version is
'One row per filing and content that the source has given for it.';
comment on column filings.version.version_id is
'Number of the row.';
comment on column filings.version.source is
'Where it is from: edgar or dart.';
comment on column filings.version.receipt is
'Receipt number of the filing.';
comment on column filings.version.version is
'1 for the first content, 2 for the next.';
comment on column filings.version.sha256 is
'SHA-256 of the content as it came, in hexadecimal digits.';
comment on column filings.version.address is
'Where it was read from.';
comment on column filings.version.fetched_at is
'When it was read, UTC.';
comment on column filings.version.known_at is
'From when on this content counts as known, UTC: accepted_at for the first '
'version, fetched_at for the others.';
comment on column filings.version.superseded_at is
'known_at of the next version, UTC; null for the newest.';
comment on column filings.version.content is
'The content as it came, compressed with gzip.';


create table filings.document (
    version_id bigint primary key,
    converter text not null,
    markdown text,
    problem text,
    converted_at timestamptz not null,
    constraint document_has_a_version foreign key (version_id)
    references filings.version (version_id) on delete cascade,
    constraint document_is_text_or_problem check (
        (markdown is null) = (problem is not null)
    )
);

comment on table filings.document is
'One row per version of a filing that was converted.';
comment on column filings.document.version_id is
'The version that it was made from.';
comment on column filings.document.converter is
'Hash of the code that made it; another code makes it again.';
comment on column filings.document.markdown is
'The text, to which the ranges of chunks refer; null with a problem.';
comment on column filings.document.problem is
'Why it could not be converted; null if it could.';
comment on column filings.document.converted_at is
'When it was converted, UTC.';


create table filings.chunk (
    chunk_id bigint generated always as identity primary key,
    version_id bigint not null,
    number integer not null,
    parent_number integer,
    section text not null,
    titles text[] not null,
    first_character integer not null,
    end_character integer not null,
    lead text not null,
    text text not null,
    is_table boolean not null,
    words tsvector,
    word_count integer not null,
    constraint chunk_is_unique unique (version_id, number),
    constraint chunk_has_a_document foreign key (version_id)
    references filings.document (version_id) on delete cascade,
    constraint chunk_is_searched_or_parent check (
        (words is null) = (parent_number is null)
    )
);
create index chunk_words on filings.chunk using gin (words);

comment on table filings.chunk is
'One row per citable part of a document: parents, which a reader is shown, and '
'their children, which are searched.';
comment on column filings.chunk.chunk_id is
'Number of the row.';
comment on column filings.chunk.version_id is
'The version that it is a part of.';
comment on column filings.chunk.number is
'Place among the chunks of the document, from 0 on.';
comment on column filings.chunk.parent_number is
'Number of a child''s parent; null for a parent.';
comment on column filings.chunk.section is
'Anchor of its section.';
comment on column filings.chunk.titles is
'Titles of the sections around it, outermost first.';
comment on column filings.chunk.first_character is
'Its first character in the document''s text, from 0 on.';
comment on column filings.chunk.end_character is
'The character after its last.';
comment on column filings.chunk.lead is
'What is shown before the text: the headings of a table''s later rows.';
comment on column filings.chunk.text is
'Its characters of the document; empty for a parent, whose range has them.';
comment on column filings.chunk.is_table is
'True if it is rows of a table.';
comment on column filings.chunk.words is
'Stems of English words, and pairs of Korean syllables; null for a parent.';
comment on column filings.chunk.word_count is
'Number of words in it.';
