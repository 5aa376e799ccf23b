-- grain: one row per ticker, kind of event and place in its bars, or day

create view bi.event as

with ticker as (
    select
        ticker,
        source,
        is_simulated,
        coalesce(timezone, 'UTC') as timezone
    from forecast.ticker
),

change as (
    select * from forecast.split
),

question as (
    select * from forecast.scale_question
),

dividend as (
    select * from forecast.dividend
),

-- the newest that is known of each day on which a report was ever expected
report as (
    select distinct on (ticker, reported_on)
        ticker,
        reported_on,
        timing,
        is_confirmed,
        is_expected,
        known_at,
        reported_at,
        source
    from forecast.earnings_date
    where known_at <= now()
    order by ticker asc, reported_on asc, known_at desc
),

-- an estimate rests on the report of 52 weeks before
expected as (
    select
        report.*,
        earlier.reported_at as based_at
    from report
    left join report as earlier
        on
            report.source = 'estimate'
            and report.ticker = earlier.ticker
            and report.reported_on - 364 = earlier.reported_on
    where report.is_expected
),

company as (
    select
        source,
        number,
        unnest(tickers) as ticker
    from filings.company
    where source = 'edgar'
),

-- the filing by which a company has reported
filed as (
    select distinct on (company.ticker, filing.accepted_at)
        company.ticker,
        filing.accepted_at,
        filing.receipt,
        filing.address
    from filings.filing as filing
    inner join company using (source, number)
    where filing.form in ('8-K', '10-Q', '10-K')
    order by
        company.ticker asc,
        filing.accepted_at asc,
        filing.form = '8-K' desc,
        filing.receipt asc
),

event as (
    select
        change.ticker,
        case
            when change.is_announced then 'split'
            else 'scale change'
        end as kind,
        change.effective_at,
        change.known_at,
        change.factor,
        null::double precision as amount,
        change.is_volume_scaled,
        change.evidence,
        null::timestamptz as settled_at,
        null as settlement,
        null as settled_by,
        null::date as reported_on,
        null as timing,
        null::boolean as is_confirmed,
        null::timestamptz as reported_at,
        null as named_by,
        null::timestamptz as based_at
    from change
    union all
    select
        question.ticker,
        'scale ' || question.kind as kind,
        question.opened_at as effective_at,
        question.known_at,
        question.factor,
        null as amount,
        null as is_volume_scaled,
        question.evidence,
        question.settled_at,
        question.settlement,
        question.settled_by,
        null as reported_on,
        null as timing,
        null as is_confirmed,
        null as reported_at,
        null as named_by,
        null as based_at
    from question
    union all
    select
        dividend.ticker,
        'dividend' as kind,
        dividend.ex_at as effective_at,
        dividend.known_at,
        null as factor,
        dividend.amount,
        null as is_volume_scaled,
        null as evidence,
        null as settled_at,
        null as settlement,
        null as settled_by,
        null as reported_on,
        null as timing,
        null as is_confirmed,
        null as reported_at,
        null as named_by,
        null as based_at
    from dividend
    union all
    select
        expected.ticker,
        'report' as kind,
        null as effective_at,
        expected.known_at,
        null as factor,
        null as amount,
        null as is_volume_scaled,
        null as evidence,
        null as settled_at,
        null as settlement,
        null as settled_by,
        expected.reported_on,
        expected.timing,
        expected.is_confirmed,
        expected.reported_at,
        expected.source as named_by,
        expected.based_at
    from expected
),

final as (
    select
        event.ticker,
        ticker.source,
        ticker.is_simulated,
        event.kind,
        event.effective_at,
        event.effective_at at time zone ticker.timezone
            as effective_at_exchange,
        coalesce(
            event.reported_on,
            (event.effective_at at time zone ticker.timezone)::date
        ) as day_exchange,
        event.timing,
        event.is_confirmed,
        event.known_at,
        event.factor,
        event.amount,
        event.is_volume_scaled,
        event.evidence,
        event.kind in ('scale step', 'scale shift')
        and event.settled_at is null as is_open,
        event.settled_at,
        event.settlement,
        event.settled_by,
        event.reported_at,
        filed.receipt,
        filed.address,
        event.named_by
    from event
    inner join ticker on event.ticker = ticker.ticker
    left join filed
        on
            event.ticker = filed.ticker
            and coalesce(event.reported_at, event.based_at) = filed.accepted_at
)

select * from final;

comment on view bi.event is
'One row per event beside a ticker''s bars: splits, changes of the price '
'scale, questions about the scale, dividends, and reports, past and ahead.';
comment on column bi.event.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.event.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.event.is_simulated is
'True if the market is simulated.';
comment on column bi.event.kind is
'split: announced by the source. scale change: a change of the price scale '
'that the bars showed or a person decided. scale step: a step of which it is '
'in doubt whether it is a change of scale; while it is open, the ticker gets '
'wide fallbacks. scale shift: newer bars were read again with other prices, '
'older ones not yet. dividend. report: of earnings, past or expected; only '
'its day is known, unless a filing says the minute.';
comment on column bi.event.effective_at is
'Start of the first bar after the change, the place in doubt, or the start of '
'the ex-date''s session, UTC; null for a report.';
comment on column bi.event.effective_at_exchange is
'The same on the clock of the ticker''s exchange.';
comment on column bi.event.day_exchange is
'The day of the event on the clock of the ticker''s exchange.';
comment on column bi.event.timing is
'before_open, after_close or unknown: the side of the session on which a '
'report comes; null for other events.';
comment on column bi.event.is_confirmed is
'True if the company has named the day of the report, false if it is an '
'estimate; null for other events.';
comment on column bi.event.known_at is
'When it became known, UTC.';
comment on column bi.event.factor is
'Old prices over new ones, a ratio: a 4:1 split is 4. Null for a dividend or '
'a report.';
comment on column bi.event.amount is
'Dividend per unit, in the ticker''s currency, on the price scale of known_at; '
'null for other events.';
comment on column bi.event.is_volume_scaled is
'True if volumes were multiplied by the factor; false for a change of unit; '
'null for other events.';
comment on column bi.event.evidence is
'What it was found from, as JSON: log ratios, odds of a change of scale to a '
'price move, ratios of range and volume to the usual ones.';
comment on column bi.event.is_open is
'True if it is a question that is not settled.';
comment on column bi.event.settled_at is
'When the question was settled, UTC; null if it is open or none.';
comment on column bi.event.settlement is
'scale, move or read again; null if it is open or no question.';
comment on column bi.event.settled_by is
'bars, source, person or age; null if it is open or no question.';
comment on column bi.event.reported_at is
'When the SEC accepted the report, UTC; null if no filing says it, and for '
'other events.';
comment on column bi.event.receipt is
'Accession number of the filing that is the report, or of the earlier one on '
'which an estimate rests; null if none is known.';
comment on column bi.event.address is
'Where that filing is at the SEC; null if none is known.';
comment on column bi.event.named_by is
'Where the day of a report is from: yahoo, files, simulated, edgar for a '
'filing, or estimate: 52 weeks after an earlier report, where no source names '
'a day; null for other events.';
