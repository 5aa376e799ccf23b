"""The technical indicators, one function each. They map arrays of one ticker's bars to one value for each bar.

Pure numpy. Each value depends on a fixed number of bars up to and including its own: its window, which each docstring
states. Rows before the first full window are NaN. Prices are positive and in the ticker's currency. Windows count bars,
not hours: bars on both sides of a night or of a hole in the data count as adjacent. Averages that the literature
defines by recursion (Wilder, MACD) are truncated where the remaining weight is below 1e-6; ``rolling.py`` gives the
reason. Where next: ``frame.py``, which makes columns of these.
"""

from __future__ import annotations

import numpy as np

from include.features.rolling import (
    BoolArray,
    FloatArray,
    exponential_weights,
    lagged,
    ratio,
    weighted_sum,
    window_max,
    window_min,
    window_sum,
)

WILDER_WINDOW_PERIODS = 14
"""Wilder averages of period p are truncated after 14 p bars: (1 - 1/p) ** (14 p) is about exp(-14), below 1e-6."""

EMA_WINDOW_SPANS = 7
"""Exponential averages of span s are truncated after 7 s bars: (1 - 2/(s+1)) ** (7 s) is about exp(-14)."""


def log_return(close: FloatArray, span: int) -> FloatArray:
    """Natural log of the close over the close ``span`` bars earlier. Window span + 1."""
    return np.log(close / lagged(close, span))


def overnight_gap(open_: FloatArray, close: FloatArray, is_session_first: BoolArray) -> FloatArray:
    """Natural log of a session's first open over the previous close; 0 on the session's other bars. Window 2."""
    gap = np.log(open_ / lagged(close, 1))
    return np.where(is_session_first | np.isnan(gap), gap, 0.0)


def wilder_average(values: FloatArray, period: int) -> FloatArray:
    """Exponential average of decay 1 / period, truncated after 14 periods.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).
    """
    return weighted_sum(values, exponential_weights(1.0 / period, WILDER_WINDOW_PERIODS * period))


def exponential_average(values: FloatArray, span: int) -> FloatArray:
    """Exponential average of decay 2 / (span + 1), truncated after 7 spans."""
    return weighted_sum(values, exponential_weights(2.0 / (span + 1), EMA_WINDOW_SPANS * span))


def rsi(close: FloatArray, period: int) -> FloatArray:
    """Relative strength index, 0..100: 100 * average gain / (average gain + average loss). Window 14 period + 1.

    50 if the price did not move at all, where the formula is 0 / 0.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).
    """
    change = close - lagged(close, 1)
    gain = wilder_average(np.maximum(change, 0.0), period)
    loss = wilder_average(np.maximum(-change, 0.0), period)
    return ratio(100.0 * gain, gain + loss, otherwise=50.0)


def macd(close: FloatArray, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[FloatArray, FloatArray]:
    """MACD line and its signal line, both divided by the close, so that tickers can be compared.

    The MACD line is the fast exponential average of the close less the slow one; the signal line is its average.
    Windows: 7 slow bars and 7 (slow + signal) bars. The difference of averages is computed from the changes of the
    close (summation by parts), so that a constant price gives exactly 0.

    Source: Gerald Appel, Technical Analysis: Power Tools for Active Investors (2005).
    """
    weights = -exponential_weights(2.0 / (slow + 1), EMA_WINDOW_SPANS * slow)
    weights[: EMA_WINDOW_SPANS * fast] += exponential_weights(2.0 / (fast + 1), EMA_WINDOW_SPANS * fast)
    change = close - lagged(close, 1)
    line = weighted_sum(change, np.cumsum(weights)[:-1])
    return line / close, exponential_average(line, signal) / close


def bollinger_position(close: FloatArray, window: int) -> FloatArray:
    """Position of the close in its Bollinger band: -1 lower edge, 0 mean, 1 upper edge. Window ``window``.

    (close - mean) / (2 * population standard deviation); 0 if the window's closes are all equal.

    Source: John Bollinger, Bollinger on Bollinger Bands (2001).
    """
    distances = [lagged(close, lag) - close for lag in range(window)]
    mean = _sum_in_order(distances) / window
    variance = _sum_in_order([(distance - mean) ** 2 for distance in distances]) / window
    return ratio(-mean, 2.0 * np.sqrt(variance), otherwise=0.0)


def _sum_in_order(terms: list[FloatArray]) -> FloatArray:
    """Sum of arrays of equal length, added one by one: the order of a numpy sum over a stack depends on its shape."""
    total = np.zeros(len(terms[0]))
    for term in terms:
        total += term
    return total


def atr_ratio(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Average true range over the close. Window 14 period + 1.

    The true range is the greatest of high - low, |high - previous close| and |low - previous close|.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).
    """
    return wilder_average(true_range(high, low, close), period) / close


def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """True range: the span of prices since the previous close, in the price's currency. Window 2."""
    previous = lagged(close, 1)
    return np.maximum(high, previous) - np.minimum(low, previous)


def stochastic(high: FloatArray, low: FloatArray, close: FloatArray, k: int, d: int) -> tuple[FloatArray, FloatArray]:
    """Fast stochastic oscillator %K and its mean %D, both 0..100. Windows k and k + d - 1.

    %K = 100 * (close - lowest low) / (highest high - lowest low) over k bars; 50 if the range is 0.

    Source: George C. Lane, Lane's Stochastics (1984).
    """
    lowest = window_min(low, k)
    percent_k = ratio(100.0 * (close - lowest), window_max(high, k) - lowest, otherwise=50.0)
    return percent_k, window_sum(percent_k, d) / d


def volume_ratio(volume: FloatArray, window: int) -> FloatArray:
    """Volume over the mean known volume of the newest ``window`` bars; 0 if the bar's volume is unknown."""
    is_known = np.isfinite(volume)
    known_volume = np.where(is_known, volume, 0.0)
    return ratio(known_volume * window_sum(is_known.astype(np.float64), window), window_sum(known_volume, window), 0.0)


def obv_ratio(close: FloatArray, volume: FloatArray, window: int) -> FloatArray:
    """Change of on-balance volume over ``window`` bars, as a share of the volume traded in them: -1..1.

    Sum of sign(close change) * volume over the sum of volume. Unknown volumes count as 0; the result is 0 if all are.
    Window ``window`` + 1.

    Source: Joseph E. Granville, Granville's New Key to Stock Market Profits (1963), made relative.
    """
    known_volume = np.where(np.isfinite(volume), volume, 0.0)
    signed_volume = np.sign(close - lagged(close, 1)) * known_volume
    return ratio(window_sum(signed_volume, window), window_sum(known_volume, window), otherwise=0.0)


def realised_volatility(close: FloatArray, window: int) -> FloatArray:
    """Root mean square of the newest ``window`` one-bar log returns (per bar, not annualised). Window + 1.

    Source: Andersen, Bollerslev, Diebold and Labys, Modeling and Forecasting Realized Volatility, Econometrica (2003).
    """
    return np.sqrt(window_sum(log_return(close, 1) ** 2, window) / window)


def cycle(position: FloatArray, period: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sine and cosine of a position within its period; the last position is next to the first. Window 1."""
    angle = 2.0 * np.pi * position / period
    return np.sin(angle), np.cos(angle)
