"""A night hour by hour: which hours refresh a forecast, from which price, and what a night without prices does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import TickerProfile
from include.pipeline import replay
from include.pipeline.data import nights
from include.store.extended import save_closes
from tests.support.nights import NightMarket
from tests.support.products import HOUR, Product, open_product

pytestmark = pytest.mark.integration

ALFA, NOVA = "ALFA.SIM", "NOVA-USD.SIM"
CLOSED = datetime(2025, 3, 31, 20, 0, tzinfo=UTC)
"""16:00 in New York, a Monday."""
LAST_HOUR = CLOSED + timedelta(minutes=35)
EVENING = [CLOSED.replace(hour=hour, minute=35) for hour in (22,)] + [datetime(2025, 4, 1, 0, 35, tzinfo=UTC)]
MORNING = [datetime(2025, 4, 1, hour, 35, tzinfo=UTC) for hour in (8, 9, 10, 11, 12)]
BEFORE_OPEN = datetime(2025, 4, 1, 13, 25, tzinfo=UTC)
AT_LAST = MORNING[-1]
REFRESHES = [*EVENING, *MORNING, BEFORE_OPEN]
"""18:35, 20:35, 04:35 to 08:35 and 09:25 in New York."""


@pytest.fixture
def product(database_url: str, tmp_path: Path) -> Iterator[Product]:
    """A product whose tickers are onboarded before a session's last hour."""
    with open_product(database_url, tmp_path / "models", NightMarket()) as opened:
        opened.onboard(ALFA, NOVA, as_of=LAST_HOUR - HOUR)
        opened.run_hour(LAST_HOUR)
        yield opened


def _statuses(product: Product, ticker: str) -> dict[datetime, str]:
    return dict(product.query("select as_of, status from forecast.outcome where ticker = %s order by as_of", ticker))


def _night(product: Product) -> None:
    hours = [LAST_HOUR + number * HOUR for number in range(1, 18)]
    for as_of in sorted({*hours, BEFORE_OPEN}):
        product.run_hour(as_of)


def test_a_night_has_eight_refreshed_forecasts_of_the_same_bars(product: Product) -> None:
    _night(product)

    statuses = _statuses(product, ALFA)
    assert [as_of for as_of, status in statuses.items() if status == "refreshed"] == REFRESHES
    assert {status for as_of, status in statuses.items() if as_of not in {LAST_HOUR, *REFRESHES}} == {"skipped"}
    rows = product.query(
        "select distinct anchored_at, min(target_at), last_close, bool_and(is_refresh), believed_at <= as_of "
        "from forecast.prediction_by_horizon where ticker = %s and as_of > %s "
        "group by as_of, anchored_at, last_close, believed_at",
        ALFA,
        LAST_HOUR,
    )
    ((last_close,),) = product.query(
        "select close from forecast.bar where ticker = %s and closed_at = %s", ALFA, CLOSED
    )
    assert rows == [(CLOSED, datetime(2025, 4, 1, 14, 30, tzinfo=UTC), last_close, True, True)]


def _forecast(product: Product, as_of: datetime, columns: str, horizon: int = 1) -> tuple[object, ...]:
    (row,) = product.query(
        f"select {columns} from forecast.prediction_by_horizon where ticker = %s and as_of = %s and horizon = %s",
        ALFA,
        as_of,
        horizon,
    )
    return row


def _outcome(product: Product, as_of: datetime, ticker: str = ALFA) -> tuple[str, str]:
    ((status, reason),) = product.query(
        "select status, reason from forecast.outcome where ticker = %s and as_of = %s", ticker, as_of
    )
    return status, reason


def test_a_refreshed_forecast_moves_with_the_price_and_is_narrower(product: Product) -> None:
    product.run_hour(AT_LAST)

    blind_low, blind_high = _forecast(product, LAST_HOUR, "q10, q90")
    low, middle, high, price, last = _forecast(product, AT_LAST, "q10, q50, q90, believed_price, last_close")
    ((walk,),) = product.query(
        "select q50 from forecast.baseline_by_horizon where baseline = 'random_walk' and ticker = %s and as_of = %s "
        "and horizon = 1",
        ALFA,
        AT_LAST,
    )
    assert price != last
    assert abs(middle / price - 1) < 0.002
    assert walk == pytest.approx(price)
    assert high / low < blind_high / blind_low


def test_a_refreshed_hour_that_runs_again_changes_no_row(product: Product) -> None:
    product.run_hour(EVENING[-1])
    product.run_hour(AT_LAST)
    before = product.checksum()

    product.market.prints[ALFA, AT_LAST - timedelta(minutes=10)] = 1.05  # the source says something else by now
    product.run_hour(AT_LAST)
    product.run_hour(EVENING[-1])
    assert product.checksum() == before


def test_a_refresh_trains_nothing(product: Product) -> None:
    count = "select count(*) from forecast.model_version where ticker = %s"
    before = product.query(count, ALFA)
    (model,) = _forecast(product, LAST_HOUR, "model_version")

    product.run_hour(AT_LAST)
    assert product.query(count, ALFA) == before
    assert _forecast(product, AT_LAST, "model_version") == (model,)


def test_a_refreshed_forecast_is_made_again_bit_for_bit(product: Product) -> None:
    product.run_hour(AT_LAST)
    product.run_hour(BEFORE_OPEN)
    product.run_hour(BEFORE_OPEN + timedelta(hours=1, minutes=10))

    for as_of in (LAST_HOUR, AT_LAST, BEFORE_OPEN):
        assert replay.replay(product.services, ALFA, as_of).differences == []


def test_refreshed_and_regular_forecasts_are_scored_apart(product: Product) -> None:
    product.run_hour(AT_LAST)
    product.run_hour(datetime(2025, 4, 1, 14, 35, tzinfo=UTC))

    scored = product.query(
        "select as_of, method, is_refresh from forecast.score_by_method "
        "where ticker = %s and horizon = 1 and as_of in (%s, %s) "
        "order by as_of, method",
        ALFA,
        LAST_HOUR,
        AT_LAST,
    )
    methods = sorted({method for _, method, _ in scored})
    assert {"hourcast", "random_walk"} <= set(methods)
    assert scored == [(as_of, method, as_of == AT_LAST) for as_of in (LAST_HOUR, AT_LAST) for method in methods]
    ((clock, count, blind),) = product.query(
        "select clock_exchange, forecast_count, blind_mean_crps is not null from bi.refresh_accuracy "
        "where ticker = %s and horizon = 1",
        ALFA,
    )
    assert (clock, count, blind) == ("08:35", 1, True)


def test_a_night_without_prices_is_skipped_and_says_so(product: Product) -> None:
    product.market.quiet.add(ALFA)
    product.run_hour(AT_LAST)

    status, reason = _outcome(product, AT_LAST)
    assert status == "skipped"
    assert reason.endswith("no refresh: no price of extended hours is known since the close")


def test_prices_that_cannot_be_had_fail_no_ticker(product: Product) -> None:
    product.market.asleep[ALFA] = "Yahoo answered with status 500"
    product.run_hour(AT_LAST)

    status, reason = _outcome(product, AT_LAST)
    assert status == "skipped"
    assert reason.endswith("no refresh: Yahoo answered with status 500")


def test_an_hour_without_a_newer_price_is_skipped(product: Product) -> None:
    product.run_hour(AT_LAST)
    product.market.quiet.add(ALFA)
    product.run_hour(BEFORE_OPEN)

    assert _outcome(product, BEFORE_OPEN)[0] == "skipped"
    assert "no price newer than that of" in _outcome(product, BEFORE_OPEN)[1]


def test_a_ticker_whose_last_bar_is_late_is_not_refreshed(product: Product) -> None:
    product.market.late[ALFA] = CLOSED - timedelta(minutes=1)
    product.query("delete from forecast.bar where ticker = %s and closed_at = %s; commit", ALFA, CLOSED)
    product.market.asked_at_night.clear()
    product.run_hour(EVENING[0])

    status, reason = _outcome(product, EVENING[0])
    assert status == "skipped"
    assert "late: the bar that closed at" in reason
    assert product.market.asked_at_night == []


def test_the_setting_turns_refreshes_off(database_url: str, tmp_path: Path) -> None:
    with open_product(database_url, tmp_path / "models", NightMarket(), HOURCAST_NIGHT_REFRESHES="0") as product:
        product.onboard(ALFA, as_of=LAST_HOUR)
        product.run_hour(AT_LAST)

        assert _outcome(product, AT_LAST)[0] == "skipped"
        assert "refresh" not in _outcome(product, AT_LAST)[1]
        assert product.market.asked_at_night == []


def test_only_tickers_with_extended_hours_are_asked_and_only_at_a_refresh(product: Product) -> None:
    product.market.asked_at_night.clear()
    for as_of in (LAST_HOUR + HOUR, EVENING[0], EVENING[0] + HOUR, AT_LAST):
        product.run_hour(as_of)

    assert product.market.asked_at_night == [ALFA, ALFA]


def test_an_index_has_no_night(product: Product) -> None:
    index = TickerProfile("^GSPC", "yahoo", "XNYS", "America/New_York", "USD", None, 2)

    assert nights.night_at(product.services, index, AT_LAST) is None


def test_an_onboarding_at_night_forecasts_from_the_nights_price(database_url: str, tmp_path: Path) -> None:
    with open_product(database_url, tmp_path / "models", NightMarket()) as product:
        product.onboard(ALFA, as_of=AT_LAST)

        assert _forecast(product, AT_LAST, "is_refresh, anchored_at") == (True, CLOSED)
        past = product.query("select count(distinct closed_at::date) from forecast.extended_close")
        assert past[0][0] > 35  # trading days among 59


def test_a_past_night_is_refreshed_from_the_closes_of_the_onboarding(database_url: str, tmp_path: Path) -> None:
    with open_product(database_url, tmp_path / "models", NightMarket()) as product:
        product.onboard(ALFA, as_of=LAST_HOUR)
        product.run_hour(AT_LAST)
        live = _forecast(product, AT_LAST, "believed_price, believed_at")
        product.query("truncate forecast.extended_close; commit")
        product.services.engine.dispose()
        profile = TickerProfile(ALFA, "simulated", "XNYS", "America/New_York", "USD", None, 2)
        product.query("truncate forecast.outcome, forecast.prediction cascade; commit")
        assert nights.backfill(product.services, profile, AT_LAST + timedelta(days=3)) is None
        waking = nights.night_at(product.services, profile, AT_LAST)
        assert waking is not None
        with product.services.engine.begin() as connection:
            found = nights.believed_at(product.services, connection, [profile], {ALFA: CLOSED}, AT_LAST)

        assert (found[ALFA].believed.price, found[ALFA].believed.priced_at) == live


def test_a_half_day_whose_last_bar_the_feed_lacks_has_a_night(product: Product) -> None:
    evening = datetime(2025, 7, 3, 22, 35, tzinfo=UTC)
    newest = {ALFA: datetime(2025, 7, 3, 16, 30, tzinfo=UTC)}  # the bar of 12:30 is never served
    served = TickerProfile(ALFA, "yahoo", "XNYS", "America/New_York", "USD", None, 2)
    instants = pd.DatetimeIndex([evening - timedelta(minutes=minutes) for minutes in (20, 15, 10)]).as_unit("us")
    closes = pd.DataFrame({"ticker": ALFA, "closed_at": instants, "close": [20.0, 21.0, 22.0], "known_at": evening})
    with product.services.engine.begin() as connection:
        save_closes(connection, closes)
        found = nights.believed_at(product.services, connection, [served], newest, evening)
        whole = nights.believed_at(product.services, connection, [replace(served, source="files")], newest, evening)

    assert found[ALFA].believed.price == 21.0
    assert whole == {}
