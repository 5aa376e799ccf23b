import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from include.features import indicators
from tests.features.fakes import constant_bars, random_bars

SETTLED = 400
"""Rows after which TA-Lib's recursive averages no longer depend on their start."""


def columns(bars):
    return (bars[name].to_numpy(dtype=np.float64) for name in ("open", "high", "low", "close", "volume"))


@pytest.fixture(params=[0, 1, 2])
def bars(request):
    return random_bars(1200, seed=request.param)


def assert_settled_equal(ours, theirs, tolerance=2e-5):
    scale = np.abs(theirs[SETTLED:]).max()
    np.testing.assert_allclose(ours[SETTLED:], theirs[SETTLED:], rtol=0, atol=tolerance * scale)


def test_rsi_equals_talib_once_settled(bars):
    _, _, _, close, _ = columns(bars)
    assert_settled_equal(indicators.rsi(close, 14), talib.RSI(close, 14))


def test_macd_and_its_signal_equal_talib_once_settled(bars):
    _, _, _, close, _ = columns(bars)
    macd, signal = indicators.macd(close)
    their_macd, their_signal, _ = talib.MACD(close, 12, 26, 9)
    assert_settled_equal(macd * close, their_macd)
    assert_settled_equal(signal * close, their_signal)


def test_bollinger_position_equals_talibs_bands(bars):
    _, _, _, close, _ = columns(bars)
    upper, middle, _ = talib.BBANDS(close, 20, 2.0, 2.0)
    ours = indicators.bollinger_position(close, 20)
    np.testing.assert_allclose(ours[19:], ((close - middle) / (upper - middle))[19:], rtol=0, atol=1e-6)


def test_atr_ratio_equals_talib_once_settled(bars):
    _, high, low, close, _ = columns(bars)
    assert_settled_equal(indicators.atr_ratio(high, low, close, 14) * close, talib.ATR(high, low, close, 14))


def test_true_range_equals_talib(bars):
    _, high, low, close, _ = columns(bars)
    ours, theirs = indicators.true_range(high, low, close), talib.TRANGE(high, low, close)
    np.testing.assert_allclose(ours[1:], theirs[1:], rtol=1e-12)


def test_stochastic_equals_talib(bars):
    _, high, low, close, _ = columns(bars)
    fast_k, fast_d = indicators.stochastic(high, low, close, 14, 3)
    their_k, their_d = talib.STOCHF(high, low, close, 14, 3, 0)
    np.testing.assert_allclose(fast_k[15:], their_k[15:], rtol=0, atol=1e-8)
    np.testing.assert_allclose(fast_d[15:], their_d[15:], rtol=0, atol=1e-8)


def test_obv_ratio_is_the_change_of_talibs_obv_over_the_volume_traded(bars):
    _, _, _, close, volume = columns(bars)
    obv = talib.OBV(close, volume)
    traded = np.array([volume[row - 19 : row + 1].sum() for row in range(20, len(close))])
    np.testing.assert_allclose(indicators.obv_ratio(close, volume, 20)[20:], (obv[20:] - obv[:-20]) / traded, atol=1e-9)


def test_log_returns_and_realised_volatility_equal_their_definitions(bars):
    _, _, _, close, _ = columns(bars)
    returns = np.diff(np.log(close))
    np.testing.assert_allclose(indicators.log_return(close, 7)[7:], np.log(close[7:] / close[:-7]), rtol=1e-12)
    naive = [np.sqrt(np.mean(returns[row - 34 : row + 1] ** 2)) for row in range(34, len(returns))]
    np.testing.assert_allclose(indicators.realised_volatility(close, 35)[35:], naive, rtol=1e-9)


def test_overnight_gap_is_taken_from_the_previous_close_and_only_at_the_first_bar_of_a_session():
    gap = indicators.overnight_gap(
        np.array([9.0, 11.0, 12.0]), np.array([10.0, 11.0, 13.0]), np.array([True, True, False])
    )
    np.testing.assert_allclose(gap[1:], [np.log(1.1), 0.0])


def test_volume_ratio_compares_with_the_known_volumes_and_is_zero_for_an_unknown_one():
    volume = np.array([2.0, np.nan, 4.0, np.nan])
    np.testing.assert_allclose(indicators.volume_ratio(volume, 3)[2:], [4.0 / 3.0, 0.0])
    np.testing.assert_array_equal(indicators.volume_ratio(np.full(5, np.nan), 3)[2:], 0.0)


@given(price=st.floats(1e-4, 1e6))
@settings(max_examples=30, deadline=None)
def test_a_constant_price_gives_every_oscillator_its_exact_middle(price):
    _, high, low, close, volume = columns(constant_bars(400, price))
    macd, signal = indicators.macd(close)
    fast_k, fast_d = indicators.stochastic(high, low, close, 14, 3)
    newest = {
        "rsi": (indicators.rsi(close, 14)[-1], 50.0),
        "macd": (macd[-1], 0.0),
        "signal": (signal[-1], 0.0),
        "bollinger": (indicators.bollinger_position(close, 20)[-1], 0.0),
        "atr": (indicators.atr_ratio(high, low, close, 14)[-1], 0.0),
        "k": (fast_k[-1], 50.0),
        "d": (fast_d[-1], 50.0),
        "obv": (indicators.obv_ratio(close, volume, 20)[-1], 0.0),
    }
    assert {name: value for name, (value, _) in newest.items()} == {
        name: middle for name, (_, middle) in newest.items()
    }


def test_a_cycle_lies_on_the_unit_circle_and_starts_at_angle_0():
    sine, cosine = indicators.cycle(np.arange(24.0), np.full(24, 24.0))
    np.testing.assert_allclose(sine**2 + cosine**2, 1.0)
    assert sine[0] == 0.0
    assert cosine[0] == 1.0
