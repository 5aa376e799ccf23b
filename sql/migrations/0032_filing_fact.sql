-- The figures of a filing that inline XBRL marks: exact, with period and unit.

create table filings.fact (
    version_id bigint not null,
    number integer not null,
    concept text not null,
    label text not null,
    period_start date,
    period_end date not null,
    unit text not null,
    value numeric not null,
    decimals integer,
    dimensions text not null,
    primary key (version_id, number),
    constraint fact_has_a_document foreign key (version_id)
    references filings.document (version_id) on delete cascade
);

comment on table filings.fact is
'One row per figure that the inline XBRL of a filing marks.';
comment on column filings.fact.version_id is
'The version that it is from.';
comment on column filings.fact.number is
'Place among the figures of the document, from 0 on.';
comment on column filings.fact.concept is
'What it is, as XBRL names it, such as us-gaap:NetIncomeLoss.';
comment on column filings.fact.label is
'The label of its row in the filing''s table, or else the words of its '
'concept.';
comment on column filings.fact.period_start is
'First day of its period, by the company''s fiscal calendar; null for a '
'figure of one day.';
comment on column filings.fact.period_end is
'Last day of its period, by the company''s fiscal calendar.';
comment on column filings.fact.unit is
'Its unit, such as USD, shares, USD/shares or pure.';
comment on column filings.fact.value is
'Its exact value, in units of the column unit, with its sign.';
comment on column filings.fact.decimals is
'Decimal places to which it is exact, -6 for millions; null: it is exact.';
comment on column filings.fact.dimensions is
'Members that it is about, such as a segment; empty for the whole company.';
