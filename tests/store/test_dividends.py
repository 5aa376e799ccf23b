"""Dividends: kept as they were first seen, read as of an instant and on its scale."""

from datetime import datetime, timedelta

import pytest

from include.contracts import Dividend, Split
from include.store import registry
from include.store.bars import earliest_changes, upsert_bars
from include.store.dividends import KnownDividend, load_dividends, save_dividends
from include.store.engine import Connection, execute, fetch_rows
from include.store.features import save_features
from include.store.forecasts import matured_unscored, save_baselines, save_predictions, save_scores
from include.store.splits import move_to_scale
from tests.support.rows import START, at, bars, features, predictions, prices, scores, track

pytestmark = pytest.mark.integration

EX_AT = at(3)


def paid(amount: float = 0.25, known_at: datetime | None = None, ex_at: datetime = EX_AT) -> KnownDividend:
    return KnownDividend(Dividend("AAPL", ex_at, amount), known_at or at(4.1))


def known(connection: Connection, as_of: datetime) -> list[tuple[float, datetime]]:
    found = load_dividends(connection, ["AAPL", "MSFT"], as_of)
    return [(item.dividend.amount, item.known_at) for item in found.get("AAPL", [])]


def split_by_ten(connection: Connection, known_at: datetime) -> None:
    upsert_bars(connection, bars([100.0] * 5))
    given = bars([10.0] * 6).drop(columns="known_at")
    assert move_to_scale(connection, Split("AAPL", at(5), 10.0), known_at, given)


def test_a_dividend_is_kept_as_it_was_first_seen(connection: Connection) -> None:
    assert save_dividends(connection, [paid(), paid()], at(4.1)) == 1
    assert save_dividends(connection, [paid(0.025, at(9))], at(9)) == 0
    assert save_dividends(connection, [], at(9)) == 0
    assert known(connection, at(9)) == [(0.25, at(4.1))]
    assert known(connection, at(4)) == []


def test_after_a_split_it_is_read_on_the_new_scale_and_before_on_the_old(connection: Connection) -> None:
    save_dividends(connection, [paid()], at(4.1))
    split_by_ten(connection, at(6.6))
    assert known(connection, at(6.5)) == [(0.25, at(4.1))]
    assert known(connection, at(6.6)) == [(pytest.approx(0.025), at(4.1))]


def test_one_that_is_read_after_a_split_but_known_before_it_is_on_the_old_scale_then(connection: Connection) -> None:
    split_by_ten(connection, at(6.6))
    save_dividends(connection, [paid(0.025, at(4.1))], at(8))
    assert known(connection, at(5)) == [(pytest.approx(0.25), at(4.1))]
    assert known(connection, at(8)) == [(pytest.approx(0.025), at(4.1))]


def test_an_amount_is_stored_on_the_scale_of_its_known_at(connection: Connection) -> None:
    split_by_ten(connection, at(6.6))
    save_dividends(connection, [paid(0.25, at(8))], at(5))
    assert known(connection, at(8)) == [(pytest.approx(0.025), at(8))]


def test_a_replayed_hour_before_a_split_dates_the_dividend_back_on_the_scale_of_that_hour(
    connection: Connection,
) -> None:
    split_by_ten(connection, at(6.6))
    save_dividends(connection, [paid(0.025, at(8))], at(8))
    save_dividends(connection, [paid(0.25)], at(4.1))
    assert known(connection, at(5)) == [(0.25, at(4.1))]
    assert known(connection, at(8)) == [(pytest.approx(0.025), at(4.1))]


def test_an_hour_that_is_caught_up_on_dates_it_back(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    save_dividends(connection, [paid(known_at=at(6))], at(6))
    registry.plan_hour(connection, at(4.1), 1, 1)
    save_dividends(connection, [paid()], at(4.1))
    assert known(connection, at(4.1)) == [(0.25, at(4.1))]


@pytest.mark.parametrize("why", ["a finished hour did without it", "another amount"])
def test_it_is_not_dated_back_where_that_would_change_the_past(connection: Connection, why: str) -> None:
    track(connection, "AAPL", as_of=START)
    save_dividends(connection, [paid(known_at=at(6))], at(6))
    if why == "another amount":
        save_dividends(connection, [paid(0.3)], at(4.1))
    else:
        registry.plan_hour(connection, at(5), 1, 1)
        execute(connection, "update forecast.outcome set stage = 'fetched'")
        save_dividends(connection, [paid()], at(4.1))
    assert known(connection, at(9)) == [(0.25, at(6))]


def test_one_that_becomes_known_late_makes_its_first_bar_one_to_compute_again(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0] * 6))
    save_features(connection, features([1.0] * 6, known_at=at(7)))
    assert earliest_changes(connection, ["AAPL"], at(8)) == {}
    save_dividends(connection, [paid(known_at=at(8))], at(8))
    assert earliest_changes(connection, ["AAPL"], at(7.5)) == {}
    assert earliest_changes(connection, ["AAPL"], at(8)) == {"AAPL": at(4)}


def test_one_that_the_features_knew_already_changes_nothing(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0] * 6))
    save_dividends(connection, [paid(known_at=at(7))], at(7))
    save_features(connection, features([1.0] * 6, known_at=at(7)))
    assert earliest_changes(connection, ["AAPL"], at(8)) == {}


def test_a_score_says_what_dividends_took_from_the_price_as_far_as_was_known(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    as_of = at(2.6)  # from the bar that closed on the hour before, so that the second target is without the dividend
    save_predictions(connection, predictions(as_of))
    save_baselines(connection, prices(as_of).assign(baseline="random_walk"))
    upsert_bars(connection, bars([100.0, 100.0, 80.0, 79.0, 79.0]))
    save_dividends(connection, [paid(1.0, at(4.1)), paid(5.0, at(9), at(2)), paid(9.0, at(4.1), at(1.5))], at(4.1))

    def gap_by_horizon(moment: datetime) -> dict[int, float]:
        matured = matured_unscored(connection, moment)
        assert set(matured["method"]) == {"hourcast", "random_walk"}
        return dict(zip(matured["horizon"], matured["dividend_gap"], strict=True))

    gap = pytest.approx(-0.012578782)  # log(79 / 80)
    assert gap_by_horizon(at(3.5)) == {1: 0.0}
    assert gap_by_horizon(at(4.5)) == {1: 0.0, 2: gap}
    assert gap_by_horizon(at(9)) == {
        1: pytest.approx(-0.0512933),
        2: pytest.approx(-0.0638721),
        3: pytest.approx(-0.0638721),
    }
    save_scores(connection, scores(matured_unscored(connection, at(4.5)), at(4.5)))
    rows = fetch_rows(connection, "select horizon, dividend_gap from bi.forecast where horizon <= 3 order by horizon")
    assert [(row["horizon"], row["dividend_gap"]) for row in rows] == [(1, 0.0), (2, gap), (3, None)]
    rows = fetch_rows(connection, "select dividend_count, without_dividend_mean_crps from bi.accuracy order by horizon")
    assert [tuple(row.values()) for row in rows] == [(0, 10.0), (1, None)]


def test_a_split_in_between_does_not_change_what_a_dividend_took(connection: Connection) -> None:
    save_predictions(connection, predictions(at(2.6)))
    save_dividends(connection, [paid(1.0)], at(4.1))
    split_by_ten(connection, at(6.6))
    upsert_bars(connection, bars([10.0], first=5, known_at=at(6.6)))
    for moment in (at(6), at(6.6)):
        matured = matured_unscored(connection, moment)
        assert matured.loc[matured["horizon"] == 3, "dividend_gap"].tolist() == [pytest.approx(-0.010050336)]


def test_what_is_not_less_than_the_price_took_nothing(connection: Connection) -> None:
    save_predictions(connection, predictions(at(2.6)))
    upsert_bars(connection, bars([100.0] * 5))
    save_dividends(connection, [paid(100.0)], at(4.1))
    assert matured_unscored(connection, at(4.6))["dividend_gap"].tolist() == [0.0, 0.0]


def test_a_forecast_from_the_first_bar_without_it_is_not_concerned(connection: Connection) -> None:
    save_predictions(connection, predictions(at(4.6)))
    upsert_bars(connection, bars([100.0] * 7))
    save_dividends(connection, [paid(1.0)], at(4.1))
    assert set(matured_unscored(connection, at(4.6) + timedelta(hours=2))["dividend_gap"]) == {0.0}
