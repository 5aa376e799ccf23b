"""The sentences of the report, which explain its numbers to readers without statistics. Pure functions.

Where next: ``report.py``, which escapes names and puts these sentences above its tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from include.contracts import HORIZON_COUNT
from research.report.significance import SIGNIFICANT

Numbers = Mapping[str, float]


def method(bar_count: int, ticker_count: int) -> str:
    """How the forecasters are evaluated, and the definition of skill."""
    return (
        f"Every forecaster forecast the next {HORIZON_COUNT} bars at each of {bar_count:,} closed bars of "
        f"{ticker_count} tickers. It was trained only on outcomes that were known before. The CRPS scores the whole "
        "distribution. Skill is 1 minus the mean loss over the random walk's mean loss."
    )


def comparison(subject: str, other: str, verdict: Numbers, ticker_count: int) -> str:
    """The comparison of one forecaster with another."""
    undecided = ticker_count - verdict["better"] - verdict["worse"]
    return (
        f"Against {other}, <b>{subject}</b> has a skill of {verdict['skill_1']:.2%} one bar ahead and of "
        f"{verdict['skill_mean']:.2%} over all horizons. It is significantly better on {verdict['better']:.0f} tickers "
        f"and worse on {verdict['worse']:.0f}; on {undecided:.0f} there is no significant difference. "
        f"{_chance(verdict['p_value_1'])}"
    )


def _chance(p_value: float) -> str:
    """The result of the panel test."""
    if not math.isfinite(p_value):
        return "There are too few days for a test over all tickers."
    if p_value >= SIGNIFICANT:
        return f"In a test over days with all tickers together, this could be chance (p = {p_value:.2f})."
    shown = "&lt; 0.001" if p_value < 0.001 else f"= {p_value:.3f}"
    return f"In a test over days with all tickers together, this is more than chance (p {shown})."


def coverage(subject: str, within: Mapping[str, Mapping[int, float]], worst: str, distance: float) -> str:
    """The coverage of the intervals; ``within`` is coverage by group and interval."""
    everything = within["all"]
    return (
        f"An 80 % interval should contain 80 of 100 outcomes. That of {subject} contained {everything[80]:.1%}, and "
        f"its 90 % interval {everything[90]:.1%}: {within['calm'][90]:.1%} in calm hours, {within['wild'][90]:.1%} in "
        f"wild ones, {within['overnight'][90]:.1%} over nights and weekends. The ticker furthest from 90 % is {worst}, "
        f"by {distance:.1%}."
    )


def direction(subject: str, numbers: Numbers, walk: Numbers) -> str:
    """Whether the forecaster predicts the direction of the price, compared with the random walk."""
    has_edge = numbers["hits_low"] > 0.5 and numbers["cost_bp_low"] > max(0.0, walk["cost_bp"])
    conclusion = (
        "This needs a closer look." if has_edge else "<b>There is no edge in direction here, and none is claimed.</b>"
    )
    return (
        f"The sign of the mean forecast of {subject} was right in {numbers['hits']:.1%} of the cases (95 % interval "
        f"{numbers['hits_low']:.1%} to {numbers['hits_high']:.1%}). That of the random walk, which uses only the skew "
        f"of past returns, was right in {walk['hits']:.1%}. The rank correlation of mean forecasts and outcomes is "
        f"{numbers['rank_ic']:.3f}; for the random walk it is {walk['rank_ic']:.3f}. Positions by the sign of the "
        f"mean, held for one bar each, break even at a trading cost of {numbers['cost_bp']:.2f} basis points "
        f"({numbers['cost_bp_low']:.2f} to {numbers['cost_bp_high']:.2f}). {conclusion}"
    )


def margin(subject: str, saved_ratio: float) -> str:
    """The value of the interval for somebody who sets aside a margin."""
    return (
        "An example of the interval's value: somebody holds one unit of each ticker and sets aside a margin each hour "
        f"that should be enough in 19 of 20 hours. With the quantile of {subject} instead of the random walk's, the "
        f"cost of idle margin and of losses beyond it is {saved_ratio:.1%} lower."
    )


def residuals(rejected: Numbers) -> str:
    """The tests of the residuals; ``rejected`` is the share of tickers for which each hypothesis is rejected."""
    return (
        "A residual is the outcome over the forecast's width. With a perfect volatility forecast the residuals are "
        f"independent; they need not be normal. For {rejected['normal']:.0%} of the tickers they are not normal (they "
        "have fat tails; therefore quantiles are stored, not a standard deviation). "
        f"{1.0 - rejected['has_unit_root']:.0%} may have a unit root. {rejected['uncorrelated']:.0%} have correlated "
        f"residuals and {rejected['squares_uncorrelated']:.0%} correlated squares ({rejected['no_arch']:.0%} by the "
        "ARCH-LM test), which means volatility that could still be forecast. By chance it would be 5 %."
    )


def parts(ticker: str, bar_count: int, shares: Numbers) -> str:
    """The decomposition of a ticker's ranges."""
    return (
        f"The variance of the log range of {ticker}'s newest {bar_count} bars is {shares['trend']:.0%} slow trend, "
        f"{shares['season']:.0%} time of day, and {shares['rest']:.0%} remainder."
    )
