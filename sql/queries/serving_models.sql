-- Which weights serve each ticker, since when, and where they come from.

select
    ticker,
    is_simulated,
    as_of as since_as_of,
    kind,
    case
        when kind = 'first_training' and step_count = 0 then 'backbone'
        when kind = 'first_training' then 'first training of the ticker'
        when kind = 'fine_tune' then 'challenger that was proven better'
        else 'reference, in place of a challenger'
    end as weights,
    bar_count,
    round(e_value::numeric, 2) as e_value,
    model_version
from bi.model_history
where is_serving
order by is_simulated, ticker;
