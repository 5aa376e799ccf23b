"""What the daily look at drift costs for many tickers: the days of outcomes and bars, and the inputs of four weeks."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from bench import machine
from bench.database import temporary_product
from bench.made_forecasts import BARS_A_DAY, make_forecasts
from bench.results import Row, Section
from include.contracts import FEATURE_COLUMNS, HORIZON_COUNT
from include.pipeline.models.backbones import backbone_at
from include.pipeline.services import Services
from include.pipeline.watching import looks
from include.pipeline.watching.inputs import WINDOW_DAYS, input_shifts
from include.store.engine import execute, fetch_rows, transaction

_FORECAST_DAYS = 4
_FEATURES = f"""
insert into forecast.feature (ticker, closed_at, known_at, {", ".join(FEATURE_COLUMNS)})
select ticker.ticker, hour.closed_at, hour.closed_at, {", ".join("0.1 + random()" for _ in FEATURE_COLUMNS)}
from forecast.ticker
cross join generate_series(
    date_trunc('day', cast(:as_of as timestamptz)) - {WINDOW_DAYS} * interval '1 day', :as_of, interval '1 hour'
) as hour (closed_at)
where extract(isodow from hour.closed_at) < 6 and extract(hour from hour.closed_at) between 8 and {7 + BARS_A_DAY}
"""  # noqa: S608  # constants


def measure(ticker_counts: tuple[int, ...]) -> Section:
    """Seconds and memory of a look that counts the newest day, and of its inputs alone, by number of tickers."""
    rows: list[Row] = []
    for count in ticker_counts:
        with temporary_product() as services:
            rows.append(_measure(services, count))
    return Section(
        rows,
        [
            f"A ticker has {BARS_A_DAY} bars on a weekday. The look counts the days of {_FORECAST_DAYS} weekdays of "
            f"forecasts, and compares the inputs of {WINDOW_DAYS} days with the shipped backbone's. Inputs are part of "
            "the look. Memory is that of the process, before and at its peak.",
        ],
    )


def _measure(services: Services, count: int) -> Row:
    as_of = datetime.now(UTC)  # noqa: TID251  # the made forecasts are those up to now
    make_forecasts(services.engine, count, math.ceil(_FORECAST_DAYS * BARS_A_DAY * HORIZON_COUNT * count))
    with transaction(services.engine) as connection:
        execute(connection, _FEATURES, {"as_of": as_of})
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        execute(connection, "analyze")
    backbone, before = backbone_at(services, as_of), machine.peak_rss_mb()
    inputs = machine.cost_of(lambda: input_shifts(services, backbone, as_of))
    # the day of the last full hours may not be over yet: looked at as of the third hour after its end
    look_at = as_of.replace(hour=3, minute=15, second=0, microsecond=0) + timedelta(days=1)
    look = machine.cost_of(lambda: looks.look(services, look_at))
    with transaction(services.engine) as connection:
        (counted,) = fetch_rows(connection, "select max(day_count) as days from bi.drift where kind = 'coverage'")
    return {
        "tickers": count,
        "days": int(counted["days"] or 0),
        "look_s": look.wall_s,
        "look_python_cpu_s": look.cpu_s,
        "inputs_s": inputs.wall_s,
        "inputs_python_cpu_s": inputs.cpu_s,
        "mb_before": before,
        "mb_peak": look.peak_rss_mb,
    }
