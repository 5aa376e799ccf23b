-- Where there is an edge and where none, in the last 90 days, one bar ahead:
-- the share of the random walk's and of HAR's CRPS that is saved, with its
-- standard error. The row without a ticker is all. A day is one observation.

with board as (
    select
        is_simulated,
        max(day_count) filter (where method = 'random_walk') as day_count,
        max(forecast_count) filter (where method = 'hourcast')
            as forecast_count,
        max(crps_skill_ratio) filter (where method = 'random_walk')
            as crps_skill_ratio,
        max(crps_skill_error) filter (where method = 'random_walk')
            as crps_skill_error,
        max(crps_skill_ratio) filter (where method = 'seasonal_har')
            as har_crps_skill_ratio,
        max(crps_skill_error) filter (where method = 'seasonal_har')
            as har_crps_skill_error
    from bi.leaderboard
    where
        calendar is null
        and window_days = 90
        and horizon = 1
        and not is_refresh
    group by is_simulated
),

final as (
    select
        is_simulated,
        null as ticker,
        day_count,
        forecast_count,
        crps_skill_ratio,
        crps_skill_error,
        har_crps_skill_ratio,
        har_crps_skill_error
    from board
    union all
    select
        is_simulated,
        ticker,
        day_count,
        forecast_count,
        crps_skill_ratio,
        crps_skill_error,
        har_crps_skill_ratio,
        har_crps_skill_error
    from bi.accuracy_window
    where window_days = 90 and horizon = 1
)

select
    is_simulated,
    ticker,
    day_count,
    forecast_count,
    round(crps_skill_ratio::numeric, 4) as crps_skill_ratio,
    round(crps_skill_error::numeric, 4) as crps_skill_error,
    round(har_crps_skill_ratio::numeric, 4) as har_crps_skill_ratio,
    round(har_crps_skill_error::numeric, 4) as har_crps_skill_error,
    case
        when day_count < 20 then 'too few days'
        when crps_skill_ratio > 2 * crps_skill_error then 'edge'
        when crps_skill_ratio < -2 * crps_skill_error
            then 'worse than the random walk'
        else 'no edge shown'
    end as verdict
from final
order by is_simulated asc, ticker asc nulls first;
