"""What the numbers of a report say, in sentences for somebody who is no statistician. Pure text.

Where next: ``report.py``, which puts these above its tables. Names are escaped there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from include.contracts import HORIZON_COUNT
from include.evaluation.significance import SIGNIFICANT

Numbers = Mapping[str, float]


def method(bar_count: int, ticker_count: int) -> str:
    """How the forecasters were asked and what skill is."""
    return (
        f"Every forecaster was asked at each of {bar_count:,} closed bars of {ticker_count} tickers for the next "
        f"{HORIZON_COUNT} bars, and had learnt only from what was over by then. The CRPS scores the whole "
        "distribution; skill is the share of the random walk's loss that is saved."
    )


def standing(subject: str, other: str, verdict: Numbers, ticker_count: int) -> str:
    """How one forecaster stands against another."""
    alike = ticker_count - verdict["better"] - verdict["worse"]
    return (
        f"Against {other}, <b>{subject}</b> saves {verdict['skill_1']:.2%} one bar ahead and "
        f"{verdict['skill_mean']:.2%} over all horizons. It is significantly better on "
        f"{verdict['better']:.0f} tickers, worse on {verdict['worse']:.0f}, and not to be told apart on {alike:.0f}. "
        f"{_chance(verdict['p_value_1'])}"
    )


def _chance(p_value: float) -> str:
    """The panel test in words."""
    if not math.isfinite(p_value):
        return "There are too few days to test it over all tickers."
    if p_value >= SIGNIFICANT:
        return f"Over days, with all tickers together, that could be chance (p = {p_value:.2f})."
    shown = "&lt; 0.001" if p_value < 0.001 else f"= {p_value:.3f}"
    return f"Over days, with all tickers together, that is more than chance (p {shown})."


def promise(subject: str, within: Mapping[str, Mapping[int, float]], worst: str, distance: float) -> str:
    """Whether the intervals hold what they promise: ``within`` is coverage by group and interval."""
    everything = within["all"]
    return (
        f"An 80 % interval should hold 80 of 100 outcomes. {subject}'s held {everything[80]:.1%} of them, and its 90 % "
        f"interval {everything[90]:.1%}: {within['calm'][90]:.1%} in calm hours, {within['wild'][90]:.1%} in wild "
        f"ones, {within['overnight'][90]:.1%} over nights and weekends. The ticker furthest from 90 % is {worst}, by "
        f"{distance:.1%}."
    )


def direction(subject: str, own: Numbers, walk: Numbers) -> str:
    """Whether it knows which way, beside a random walk that does not."""
    has_edge = own["hits_low"] > 0.5 and own["cost_bp_low"] > max(0.0, walk["cost_bp"])
    verdict = (
        "This deserves a closer look."
        if has_edge
        else "<b>There is no edge in direction here, and none is claimed.</b>"
    )
    return (
        f"Which way will the price go? By the sign of its mean, {subject} was right {own['hits']:.1%} of the time (95 "
        f"% interval {own['hits_low']:.1%} to {own['hits_high']:.1%}); the random walk, which knows nothing but the "
        f"skew of the past, {walk['hits']:.1%}. The rank correlation of its means with the outcomes is "
        f"{own['rank_ic']:.3f}; the random walk's is {walk['rank_ic']:.3f}. Held for a bar each, its positions would "
        f"have broken even at a cost of trading of {own['cost_bp']:.2f} basis points ({own['cost_bp_low']:.2f} to "
        f"{own['cost_bp_high']:.2f}). {verdict}"
    )


def margin(subject: str, saved_ratio: float) -> str:
    """What the interval is worth to somebody who sets money aside by it."""
    return (
        "What the interval is for: somebody who holds one unit of each ticker and sets a margin aside every hour, to "
        f"suffice 19 times in 20, saves {saved_ratio:.1%} of the cost of idle margin and of losses beyond it by taking "
        f"{subject}'s quantile instead of the random walk's."
    )


def leftovers(rejected: Numbers) -> str:
    """What the tests of the residuals say: ``rejected`` is the share of tickers that reject each hypothesis."""
    return (
        "A residual is the outcome over the forecast's own width. If the forecast knew all that can be known of "
        f"volatility, residuals would be independent; normal they need not be. {rejected['normal']:.0%} of the tickers "
        "have residuals that are not normal (fat tails, which is why quantiles are stored and not a deviation), "
        f"{1.0 - rejected['has_unit_root']:.0%} may have a unit root, {rejected['uncorrelated']:.0%} have correlated "
        f"residuals, and {rejected['squares_uncorrelated']:.0%} correlated squares ({rejected['no_arch']:.0%} by the "
        "ARCH-LM test): that would be volatility left to forecast. Chance alone would make it 5 %."
    )


def parts(ticker: str, bar_count: int, shares: Numbers) -> str:
    """What a ticker's ranges are made of."""
    return (
        f"The log range of {ticker}'s newest {bar_count} bars is {shares['trend']:.0%} slow trend, "
        f"{shares['season']:.0%} time of day, and {shares['rest']:.0%} what neither explains."
    )
