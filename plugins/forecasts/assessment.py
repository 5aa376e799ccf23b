"""What a ticker's forecast is good for, and what not, in sentences: from its measured coverage, skill and errors.

An edge counts as shown if it is above 0 by two standard errors, over at least ``LEAST_DAYS`` days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

LEAST_DAYS = 20
WINDOWS = (90, 30, None)
"""Windows of days to judge by, the first that has enough days; None is all time."""
COVERAGE_AIM = 0.9
COVERAGE_TOLERANCE = 0.03
"""A coverage this near to the aim is right, also where so many forecasts would show a smaller difference."""

Row = Mapping[str, Any]
Sentences = tuple[list[str], list[str]]
"""What it is good for, and what not."""


def assess(ticker: Row, windows: Sequence[Row]) -> dict[str, Any]:
    """``good_for`` and ``not_good_for``, lists of sentences, and ``basis``, a sentence on what was measured.

    ``ticker`` is a row of the page's tickers; ``windows`` are its rows of bi.accuracy_window, of any horizon.
    """
    good, bad = _from_state(ticker)
    window = _judged(windows)
    if window is None:
        scored = max((row["forecast_count"] for row in windows if row["horizon"] == 1), default=0)
        bad.append(
            f"Anything that needs proof: {scored} forecasts were scored so far, on fewer than {LEAST_DAYS} days."
        )
        return {"good_for": good, "not_good_for": bad, "basis": "Too few forecasts were scored to judge."}
    for judge in (_coverage, _skill, _against_har, _direction):
        more_good, more_bad = judge(window)
        good += more_good
        bad += more_bad
    good += _reach(windows, window)
    bad.append("Trading by itself: fees, spreads and your own risk are not in these numbers.")
    return {"good_for": good, "not_good_for": bad, "basis": _basis(window)}


def _judged(windows: Sequence[Row]) -> Row | None:
    """The window of the next bar to judge by; None if none has enough days."""
    of_next = {row["window_days"]: row for row in windows if row["horizon"] == 1}
    enough = (of_next[days] for days in WINDOWS if days in of_next and of_next[days]["day_count"] >= LEAST_DAYS)
    return next(enough, None)


def _from_state(ticker: Row) -> Sentences:
    bad = []
    if ticker["is_simulated"]:
        bad.append("Decisions about money: the prices are made up.")
    if ticker["is_fallback"]:
        bad.append(f"Anything beyond a rough range now: the random walk stands in for the model{_because(ticker)}.")
    if ticker["freshness"] in ("late", "stale", "failed", "retired"):
        bad.append(f"What happens now: the newest forecast is {ticker['freshness']}.")
    return [], bad


def _because(ticker: Row) -> str:
    return f" ({ticker['fallback_reason']})" if ticker["fallback_reason"] else ""


def _coverage(window: Row) -> Sentences:
    inside = window["coverage_90_ratio"]
    if inside is None:
        return [], []
    error = sqrt(inside * (1 - inside) / window["forecast_count"])
    found = f"its 90 % intervals contained {_percent(inside)} of {window['forecast_count']} closes"
    if abs(inside - COVERAGE_AIM) <= max(COVERAGE_TOLERANCE, 2 * error):
        return [f"A range for the next close: {found}."], []
    if inside > COVERAGE_AIM:
        return [f"A safe range for the next close: {found}, so they are wider than they need to be."], []
    return [], [f"A tight limit: {found}, so they are too narrow. Allow for more."]


def _skill(window: Row) -> Sentences:
    return _compared(
        window["crps_skill_ratio"],
        window["crps_skill_error"],
        "the random walk",
        "Knowing more than the last price and its usual spread",
    )


def _against_har(window: Row) -> Sentences:
    return _compared(
        window["har_crps_skill_ratio"],
        window["har_crps_skill_error"],
        "HAR, a standard model of volatility",
        "Knowing how volatile the next bar is",
    )


def _compared(skill: float | None, error: float | None, rival: str, use: str) -> Sentences:
    if skill is None or error is None:
        return [], []
    numbers = f"error {_percent(abs(skill), 1)} \u00b1 {_percent(2 * error, 1)}"
    if skill > 2 * error:
        return [f"{use}: {numbers} lower than that of {rival}."], []
    if skill < -2 * error:
        return [], [f"{use}: {numbers} higher than that of {rival}."]
    side = "lower" if skill >= 0 else "higher"
    return [], [f"{use}: no edge shown yet, {numbers} {side} than that of {rival}."]


def _direction(window: Row) -> Sentences:
    low, high = window["direction_hit_lower_ratio"], window["direction_hit_upper_ratio"]
    if low is None or high is None:
        return [], []
    hits = (
        f"the median had the right side in {_percent(window['direction_hit_ratio'], 1)} of moves "
        f"(95 % interval {_percent(low, 1)} to {_percent(high, 1)})"
    )
    if low > 0.5:
        return [f"A lean up or down, a small one: {hits}."], []
    return [], [f"Up or down: {hits}, no better than a coin."]


def _reach(windows: Sequence[Row], window: Row) -> list[str]:
    """Up to which horizon the edge over the random walk is shown, if further than the next bar."""
    reach = 0
    for row in sorted(windows, key=lambda row: int(row["horizon"])):
        if row["window_days"] != window["window_days"]:
            continue
        skill, error = row["crps_skill_ratio"], row["crps_skill_error"]
        if skill is None or error is None or skill <= 2 * error:
            break
        reach = row["horizon"]
    return [f"Up to {reach} bars ahead: so far the edge over the random walk is shown."] if reach > 1 else []


def _basis(window: Row) -> str:
    days = window["window_days"]
    since = f"the last {days} days" if days else "all time"
    return (
        f"Measured on {window['forecast_count']} forecasts of the next bar over {window['day_count']} days ({since}); "
        "\u00b1 is two standard errors."
    )


def _percent(ratio: float, digits: int = 0) -> str:
    return f"{100 * ratio:.{digits}f} %"
