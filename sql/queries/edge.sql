-- Where there is an edge and where none, in the last 90 days: the share of the
-- random walk's and of HAR's CRPS that is saved, with its standard error. The
-- row without a ticker is all of them. A day's forecasts are one observation.

with scored as (
    select
        ticker,
        is_simulated,
        date_trunc('day', target_at) as day_at,
        crps,
        random_walk_crps,
        har_crps
    from bi.forecast
    where
        not is_refresh
        and crps is not null
        and random_walk_crps is not null
        and target_at > now() - interval '90 days'
),

daily as (
    select
        is_simulated,
        ticker,
        day_at,
        count(*) as forecast_count,
        sum(crps) as crps,
        sum(random_walk_crps) as random_walk_crps,
        sum(crps) filter (where har_crps is not null) as crps_beside_har,
        sum(har_crps) as har_crps
    from scored
    group by grouping sets (
        (is_simulated, ticker, day_at), (is_simulated, day_at)
    )
),

summed as (
    select
        *,
        1 - sum(crps) over one / sum(random_walk_crps) over one as skill,
        1 - sum(crps_beside_har) over one / sum(har_crps) over one as har_skill
    from daily
    window one as (partition by is_simulated, ticker)
),

final as (
    select
        is_simulated,
        ticker,
        count(*) as day_count,
        sum(forecast_count) as forecast_count,
        skill,
        sqrt(
            sum((random_walk_crps * (1 - skill) - crps) ^ 2)
            * count(*) / nullif(count(*) - 1, 0)
        )
        / sum(random_walk_crps) as skill_error,
        har_skill,
        sqrt(
            sum((har_crps * (1 - har_skill) - crps_beside_har) ^ 2)
            * count(*) / nullif(count(*) - 1, 0)
        )
        / sum(har_crps) as har_skill_error
    from summed
    group by is_simulated, ticker, skill, har_skill
)

select
    is_simulated,
    ticker,
    day_count,
    forecast_count,
    round(skill::numeric, 4) as crps_skill_ratio,
    round(skill_error::numeric, 4) as crps_skill_error,
    round(har_skill::numeric, 4) as har_crps_skill_ratio,
    round(har_skill_error::numeric, 4) as har_crps_skill_error,
    case
        when day_count < 20 then 'too few days'
        when skill > 2 * skill_error then 'edge'
        when skill < -2 * skill_error then 'worse than the random walk'
        else 'no edge shown'
    end as verdict
from final
order by is_simulated asc, ticker asc nulls first;
