"""What a stored forecast says: targets by the calendar, anchors by what was known, widths by the ticker's own past."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
ALFA = NEW_YORK[0]


def test_fridays_last_bar_forecasts_mondays_first(product: Product) -> None:
    friday = datetime(2025, 4, 4, 20, 35, tzinfo=UTC)
    product.onboard(ALFA, as_of=friday)
    rows = product.query("select target_at, anchored_at from forecast.prediction order by horizon")
    assert {anchored for _, anchored in rows} == {datetime(2025, 4, 4, 20, tzinfo=UTC)}
    monday = datetime(2025, 4, 7, 14, 30, tzinfo=UTC)
    assert [target for target, _ in rows] == [
        *(monday + timedelta(hours=hour) for hour in range(6)),
        datetime(2025, 4, 7, 20, tzinfo=UTC),
    ]


def test_a_forecast_over_good_friday_steps_over_it(product: Product) -> None:
    thursday = datetime(2025, 4, 17, 20, 35, tzinfo=UTC)
    product.onboard(ALFA, as_of=thursday)
    ((target,),) = product.query("select target_at from forecast.prediction where horizon = 1")
    assert target == datetime(2025, 4, 21, 14, 30, tzinfo=UTC)


def test_no_forecast_starts_from_a_bar_that_closed_after_its_instant(product: Product) -> None:
    product.onboard(NOVA, ALFA)
    for hours in range(1, 4):
        product.run_hour(AT + hours * HOUR)
    assert product.query("select count(*) from forecast.prediction where anchored_at > as_of") == [(0,)]
    assert product.query("select count(*) from forecast.prediction where target_at <= anchored_at") == [(0,)]


def test_widths_are_calibrated_once_enough_of_the_tickers_own_forecasts_have_matured(product: Product) -> None:
    product.onboard(NOVA)
    for hours in range(1, 30):
        product.run_hour(AT + hours * HOUR)
    ((first,),) = product.query("select width_factor from forecast.prediction where as_of = %s and horizon = 1", AT)
    ((last,),) = product.query(
        "select width_factor from forecast.prediction where as_of = %s and horizon = 1", AT + 29 * HOUR
    )
    assert first == 1.0
    assert last != 1.0
