-- grain: one row per filing and content that was read for it

create view bi.filing as

with filing as (
    select * from filings.filing
),

company as (
    select * from filings.company
),

version as (
    select
        version_id,
        source,
        receipt,
        version,
        known_at,
        superseded_at
    from filings.version
),

final as (
    select
        filing.source,
        filing.receipt,
        version.version,
        version.version_id,
        company.number,
        company.name as company,
        company.tickers,
        filing.form,
        filing.items,
        filing.period_end,
        filing.filed_on,
        filing.accepted_at,
        version.known_at,
        version.superseded_at,
        filing.is_amendment,
        filing.address
    from filing
    inner join company using (source, number)
    left join version
        on
            filing.source = version.source
            and filing.receipt = version.receipt
)

select * from final;

comment on view bi.filing is
'One row per filing of the SEC or of DART and content that was read for it; '
'one row without a version for a filing that is listed and not read yet.';
comment on column bi.filing.source is
'Where it is from: edgar or dart.';
comment on column bi.filing.receipt is
'Accession number of the SEC, or receipt number of DART.';
comment on column bi.filing.version is
'1 for the first content, 2 for the next; null if it is not read yet.';
comment on column bi.filing.version_id is
'Number of the content in the database; null if it is not read yet.';
comment on column bi.filing.number is
'The company''s number at the source.';
comment on column bi.filing.company is
'Name as the source writes it.';
comment on column bi.filing.tickers is
'Symbols as the source spells them: BRK-B, 005930.';
comment on column bi.filing.form is
'Form, such as 10-K.';
comment on column bi.filing.items is
'Items of an 8-K, such as 2.02.';
comment on column bi.filing.period_end is
'Last day that it reports on, by the company''s fiscal calendar; null for '
'none.';
comment on column bi.filing.filed_on is
'Day of filing on the source''s clock.';
comment on column bi.filing.accepted_at is
'From when on it counts as known, UTC; never too early, and up to five hours '
'late while it is not read yet.';
comment on column bi.filing.known_at is
'From when on this content counts as known, UTC: accepted_at for the first, '
'the time of its reading for a later one; null if it is not read yet.';
comment on column bi.filing.superseded_at is
'known_at of the next content, UTC; null for the newest.';
comment on column bi.filing.is_amendment is
'True if it corrects an earlier filing.';
comment on column bi.filing.address is
'Where it was, or is to be, read from.';
