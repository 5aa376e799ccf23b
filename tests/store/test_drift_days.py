"""What a look at drift counts: a day of a market, by hour and then by day, as it was known at an instant."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS
from include.store.bars import save_rejections, upsert_bars
from include.store.drift import Market
from include.store.drift_days import bar_days, outcome_days
from include.store.engine import Connection, execute
from tests.support.outcomes import INSIDE, OUTSIDE, store_outcome
from tests.support.rows import SPREAD, START, at, bars, track

pytestmark = pytest.mark.integration
DAY = datetime(2025, 3, 31, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)
LOOK_AT = NEXT_DAY + timedelta(hours=3)
NEW_YORK, EVERYWHERE = Market(False, "XNYS"), Market(False, "all")
FIRST, SECOND = START + timedelta(minutes=35), START + timedelta(minutes=95)


def test_each_hour_counts_the_same_whatever_the_number_of_its_tickers(connection: Connection) -> None:
    track(connection, "AAPL", "MSFT")
    store_outcome(connection, FIRST, "AAPL", INSIDE)
    store_outcome(connection, FIRST, "MSFT", OUTSIDE)
    store_outcome(connection, SECOND, "AAPL", INSIDE)

    found = {row.market: row for row in outcome_days(connection, DAY, NEXT_DAY, LOOK_AT)}

    assert set(found) == {NEW_YORK, EVERYWHERE}
    assert found[NEW_YORK].day == date(2025, 3, 31)
    assert found[NEW_YORK].inside_ratios == {50: 0.75, 90: 0.75}
    assert found[NEW_YORK].half_ratios == (0.5, 1.0)
    assert list(found[NEW_YORK].below_ratios) == [0.0] * 4 + [0.75] * 5
    assert found[EVERYWHERE].inside_ratios == found[NEW_YORK].inside_ratios


def test_refreshed_forecasts_fallbacks_and_what_is_scored_later_do_not_count(connection: Connection) -> None:
    track(connection, "AAPL", "MSFT")
    store_outcome(connection, FIRST, "AAPL", INSIDE)
    store_outcome(connection, FIRST, "MSFT", OUTSIDE, scored_as_of=LOOK_AT + timedelta(hours=1))
    fallback = {"is_fallback": True, "fallback_reason": "no model", "model_version": None}
    store_outcome(connection, SECOND, "AAPL", OUTSIDE, **fallback)
    refreshed = {"is_refresh": True, "believed_price": 100.0, "believed_at": FIRST}
    store_outcome(connection, SECOND, "MSFT", OUTSIDE, **refreshed)

    (market, _) = outcome_days(connection, DAY, NEXT_DAY, LOOK_AT)
    later = outcome_days(connection, DAY, NEXT_DAY, LOOK_AT + timedelta(hours=1))

    assert market.inside_ratios[90] == 1.0
    assert later[0].inside_ratios[90] == 0.5


def test_the_score_difference_is_in_units_of_the_largest_that_it_could_have_been(connection: Connection) -> None:
    track(connection, "AAPL")
    store_outcome(connection, FIRST, crps=(30.0, 20.0))

    day = outcome_days(connection, DAY, NEXT_DAY, LOOK_AT)[0]

    levels = np.asarray(QUANTILE_LEVELS)
    distances = np.abs(np.log((100.0 + SPREAD) / (101.0 + SPREAD)))
    greatest = 2.0 * (np.asarray(CRPS_WEIGHTS) * np.maximum(levels, 1.0 - levels)) @ distances
    assert day.difference == pytest.approx(10.0e-4 / greatest)


def test_days_outside_the_stretch_do_not_count(connection: Connection) -> None:
    track(connection, "AAPL")
    store_outcome(connection, FIRST)

    assert outcome_days(connection, NEXT_DAY, NEXT_DAY + timedelta(days=1), LOOK_AT + timedelta(days=1)) == []
    assert outcome_days(connection, DAY - timedelta(days=1), DAY, LOOK_AT) == []


def expect_bars(connection: Connection, count: int, day: date = date(2025, 3, 31)) -> None:
    execute(
        connection,
        """
        insert into forecast.expected_day (ticker, day_exchange, first_opened_at, last_closed_at, expected_count, as_of)
        values ('AAPL', :day, :at, :at, :count, :at)
        """,
        {"day": day, "at": START, "count": count},
    )


def test_bars_count_by_what_was_wrong_with_them(connection: Connection) -> None:
    track(connection, "AAPL")
    expect_bars(connection, 10)
    upsert_bars(connection, bars([100.0] * 3))
    upsert_bars(connection, bars([100.0], first=3, known_at=at(7)))
    upsert_bars(connection, bars([101.0], first=0, known_at=at(8)))
    rejected = bars([1.0], first=5).assign(closed_at=None)
    save_rejections(connection, rejected.assign(reason="off_grid"), at(8))
    save_rejections(connection, rejected.assign(reason="not_finite"), at(8))

    found = {row.market: row for row in bar_days(connection, DAY, NEXT_DAY, LOOK_AT)}

    expected = {"missing": 0.6, "late": 0.1, "rejected": 0.1, "revised": 0.1}
    assert dict(found[NEW_YORK].ratios) == pytest.approx(expected)
    assert dict(found[EVERYWHERE].ratios) == pytest.approx(expected)


def test_a_bar_that_became_known_after_the_look_is_missing_in_it(connection: Connection) -> None:
    track(connection, "AAPL")
    expect_bars(connection, 2)
    upsert_bars(connection, bars([100.0]))
    upsert_bars(connection, bars([100.0], first=1, known_at=LOOK_AT + timedelta(hours=1)))

    assert bar_days(connection, DAY, NEXT_DAY, LOOK_AT)[0].ratios["missing"] == 0.5
    assert bar_days(connection, DAY, NEXT_DAY, LOOK_AT + timedelta(hours=1))[0].ratios["missing"] == 0.0


def test_readings_of_a_backfill_are_no_drift(connection: Connection) -> None:
    track(connection, "AAPL")
    day = DAY + timedelta(days=20)
    expect_bars(connection, 10, day.date())
    old = bars([1.0], first=0).assign(closed_at=None, reason="off_grid")
    save_rejections(connection, old, day + timedelta(hours=2))

    (market, _) = bar_days(connection, day, day + timedelta(days=1), day + timedelta(days=1, hours=3))

    assert market.ratios["rejected"] == 0.0


def test_without_due_bars_there_is_no_day(connection: Connection) -> None:
    track(connection, "AAPL")
    upsert_bars(connection, bars([100.0]))

    assert bar_days(connection, DAY, NEXT_DAY, LOOK_AT) == []
