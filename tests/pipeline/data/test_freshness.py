"""Late, stale, failed, and back."""

from datetime import timedelta

import pytest

from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration

NOVA, ORION = ROUND_THE_CLOCK


def status(product: Product, ticker: str = NOVA) -> tuple[object, object]:
    ((state, reason),) = product.query("select status, status_reason from bi.ticker_status where ticker = %s", ticker)
    return state, reason


def outcome(product: Product, as_of: object) -> tuple[object, object]:
    ((state, reason),) = product.query(
        "select status, reason from forecast.outcome where as_of = %s and ticker = %s", as_of, NOVA
    )
    return state, reason


def test_a_ticker_without_data_goes_stale_then_fails_and_comes_back_by_itself(product: Product) -> None:
    product.onboard(NOVA)
    product.market.late[NOVA] = AT
    seen = []
    for days in (2, 4, 12):
        assert product.run_hour(AT + timedelta(days=days)) == {"skipped": 1}
        seen.append((status(product)[0], outcome(product, AT + timedelta(days=days))[1]))
    stale = "stale: the newest bar closed at 2025-03-31T15:00:00+00:00; it comes back by itself with the next"
    assert seen == [
        ("active", "late: the bar that closed at 2025-04-02T15:00:00+00:00 has not come"),
        ("stale", stale),
        ("failed", stale),
    ]
    product.market.late.clear()
    assert product.run_hour(AT + timedelta(days=13)) == {"forecast": 1}
    assert status(product) == ("active", None)


def test_a_ticker_whose_source_fails_goes_stale_too(product: Product) -> None:
    product.onboard(NOVA, ORION)
    product.market.down.add(NOVA)
    product.run_hour(AT + timedelta(days=5))
    state, reason = status(product)
    assert state == "stale"
    assert str(reason).startswith("stale: the newest bar closed at 2025-03-31T15:00")
    assert status(product, ORION) == ("active", None)


def test_a_forecast_from_a_partial_answer_says_that_its_newest_bar_is_late(product: Product) -> None:
    product.onboard(NOVA)
    product.market.late[NOVA] = AT + HOUR  # of two bars that are due, one is there
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 1}
    assert outcome(product, AT + 2 * HOUR) == (
        "forecast",
        "late: the bar that closed at 2025-03-31T17:00:00+00:00 has not come",
    )
    product.market.late.clear()
    product.run_hour(AT + 3 * HOUR)
    assert outcome(product, AT + 3 * HOUR) == ("forecast", None)


def test_a_weekend_makes_nothing_stale(product: Product) -> None:
    product.onboard("ALFA.SIM")
    friday_evening = AT + timedelta(days=4, hours=6)
    product.run_hour(friday_evening)
    product.run_hour(friday_evening + timedelta(days=2))
    assert status(product, "ALFA.SIM") == ("active", None)
