-- grain: one row per figure that the inline XBRL of a filing marks

create view bi.filing_fact as

with fact as (
    select * from filings.fact
),

final as (
    select
        version_id,
        number,
        concept,
        label,
        period_start,
        period_end,
        unit,
        value,
        decimals,
        dimensions
    from fact
)

select * from final;

comment on view bi.filing_fact is
'One row per figure that the inline XBRL of a filing marks; bi.filing has the '
'filing of its version_id, and from when on it is known.';
comment on column bi.filing_fact.version_id is
'The content that it is from, as in bi.filing.';
comment on column bi.filing_fact.number is
'Place among the figures of the filing.';
comment on column bi.filing_fact.concept is
'What it is, as XBRL names it, such as us-gaap:NetIncomeLoss.';
comment on column bi.filing_fact.label is
'The label of its row in the filing''s table, or else the words of its '
'concept.';
comment on column bi.filing_fact.period_start is
'First day of its period, by the company''s fiscal calendar; null for a '
'figure of one day.';
comment on column bi.filing_fact.period_end is
'Last day of its period, by the company''s fiscal calendar.';
comment on column bi.filing_fact.unit is
'Its unit, such as USD, shares, USD/shares or pure.';
comment on column bi.filing_fact.value is
'Its exact value, in units of the column unit, with its sign.';
comment on column bi.filing_fact.decimals is
'Decimal places to which it is exact, -6 for millions; null: it is exact.';
comment on column bi.filing_fact.dimensions is
'Members that it is about, such as a segment; empty for the whole company.';
