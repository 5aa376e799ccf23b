"""A dividend's gap is on the first bar after its ex-date, on the scale of the bars, and on no other bar."""

import numpy as np
import pandas as pd
import pytest

from include.contracts import FEATURE_COLUMNS, PRICE_COLUMNS, Dividend
from include.features.dividends import dividend_gap, first_rows_without
from include.features.frame import WARM_UP_BARS, build_features, build_newest_features, lookback_bars
from tests.features.fakes import random_bars

HOURS = pd.Series(pd.date_range("2025-03-31 14:00", periods=5, freq="h", tz="UTC", unit="us"))
CLOSES = np.array([100.0, 50.0, 200.0, 80.0, 10.0])


def paid(hours: float, amount: float) -> Dividend:
    """A dividend with an ex-date ``hours`` after the opening of the first bar."""
    return Dividend("TEST", (HOURS[0] + pd.Timedelta(hours=hours)).to_pydatetime(), amount)


def gaps(*dividends: Dividend) -> list[float]:
    return dividend_gap(HOURS, CLOSES, dividends).tolist()


def test_the_gap_is_the_log_of_1_less_the_dividend_over_the_previous_close() -> None:
    assert gaps(paid(2, 1.0)) == [0.0, 0.0, pytest.approx(np.log(49.0 / 50.0)), 0.0, 0.0]
    assert gaps() == [0.0] * 5


def test_if_the_first_bar_after_the_ex_date_is_missing_the_gap_is_on_the_next_bar() -> None:
    assert gaps(paid(1.5, 1.0)) == gaps(paid(2, 1.0))


def test_dividends_of_one_bar_add_up() -> None:
    assert gaps(paid(1.5, 1.0), paid(2, 1.5))[2] == pytest.approx(np.log(47.5 / 50.0))


@pytest.mark.parametrize("dividend", [paid(-1, 1.0), paid(0, 1.0), paid(5, 1.0), paid(2, 50.0), paid(2, 60.0)])
def test_a_dividend_outside_of_the_bars_or_not_below_the_price_gives_no_gap(dividend: Dividend) -> None:
    assert gaps(dividend) == [0.0] * 5


def test_the_first_bar_after_the_ex_date_is_found_or_0_if_there_is_none() -> None:
    assert first_rows_without(HOURS, [paid(-1, 1.0), paid(0.5, 1.0), paid(4, 1.0), paid(4.5, 1.0)]).tolist() == [
        0,
        1,
        4,
        0,
    ]


def dividends_of(bars: pd.DataFrame, *rows: int) -> list[Dividend]:
    return [Dividend("TEST", bars["opened_at"].iloc[row].to_pydatetime(), 0.4) for row in rows]


def bits(features: pd.DataFrame) -> bytes:
    return features[list(FEATURE_COLUMNS)].to_numpy().tobytes()


def test_a_dividend_changes_one_column_of_one_row() -> None:
    bars = random_bars(400)
    row = 350
    without, with_gap = build_features(bars), build_features(bars, dividends_of(bars, row))
    changed = np.argwhere(without[list(FEATURE_COLUMNS)].to_numpy() != with_gap[list(FEATURE_COLUMNS)].to_numpy())
    assert changed.tolist() == [[row - WARM_UP_BARS, FEATURE_COLUMNS.index("dividend_gap")]]
    expected = np.log(1.0 - 0.4 / bars["close"].iloc[row - 1])
    assert with_gap["dividend_gap"].iloc[row - WARM_UP_BARS] == np.float32(expected)


def test_later_dividends_change_no_earlier_row() -> None:
    bars = random_bars(500)
    before = build_features(bars, dividends_of(bars, 300, 400))
    after = build_features(bars, dividends_of(bars, 300, 420, 450))
    assert bits(before.iloc[: 400 - WARM_UP_BARS]) == bits(after.iloc[: 400 - WARM_UP_BARS])


def test_a_split_of_bars_and_amounts_changes_no_bit() -> None:
    bars = random_bars(400)
    halved = bars.assign(**{name: bars[name] / 4.0 for name in PRICE_COLUMNS})
    dividends = dividends_of(bars, 300)
    scaled = [Dividend(item.ticker, item.ex_at, item.amount / 4.0) for item in dividends]
    assert bits(build_features(bars, dividends)) == bits(build_features(halved, scaled))


def test_the_newest_rows_have_the_same_bits_as_those_of_the_whole_history() -> None:
    look_back = lookback_bars(7)
    bars = random_bars(look_back + 300)
    dividends = dividends_of(bars, 50, len(bars) - 200, len(bars) - 20, len(bars) - 1)
    whole = build_features(bars, dividends)
    newest = build_newest_features(bars.iloc[-(look_back + 40) :], 40, dividends)
    assert (newest["dividend_gap"] != 0).sum() == 2
    assert bits(newest) == bits(whole.iloc[-40:])
