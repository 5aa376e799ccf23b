-- Each filing's text as a file beside the model artefacts, and its chunks as a
-- Parquet file: which of them are written, so that a run writes what is new.

alter table filings.document add column front_matter text;
comment on column filings.document.front_matter is
'YAML that stands before the text in its file; null with a problem, and for '
'what an earlier converter made.';


create table filings.document_file (
    version_id bigint primary key,
    place text not null,
    converter text not null,
    written_at timestamptz not null,
    constraint document_file_has_a_document foreign key (version_id)
    references filings.document (version_id) on delete cascade
);

comment on table filings.document_file is
'One row per document that is written as files.';
comment on column filings.document_file.version_id is
'The version whose text and chunks are written.';
comment on column filings.document_file.place is
'Address of the folder or object store, without credentials.';
comment on column filings.document_file.converter is
'The converter of the document that was written.';
comment on column filings.document_file.written_at is
'When the files were last written or compared, UTC.';
