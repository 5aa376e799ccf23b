"""Leaks in what computes: indicators, scale, windows, calendar, gate, network, training, rivals. Each a small patch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.contracts import PRICE_COLUMNS
from include.evaluation import har, walkforward
from include.features import frame, indicators, scale, surprise, windows
from include.market import price_jumps, quality, sessions, source
from include.model import calibration, train, transformer
from include.pipeline import services
from tests.leaks.material import HOUR
from tests.leaks.planting import Plant
from tests.leaks.plants_scale import SCALE_PLANTS
from tests.leaks.plants_yahoo import YAHOO_PLANTS

Patch = pytest.MonkeyPatch


def earlier(values: np.ndarray, rows: int = 1) -> np.ndarray:
    """The values moved up by some rows, so that each row holds a later one's; the newest keep their own."""
    moved = values.copy()
    moved[:-rows] = values[rows:]
    return moved


def around(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Replaces a function by ``change(original's result, *its arguments)``."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **kwargs: change(original(*args, **kwargs), *args, **kwargs))


def centred_windows(patch: Patch) -> None:
    around(patch, indicators, "weighted_sum", lambda result, _values, weights: earlier(result, len(weights) // 2))


def highest_high_ahead(patch: Patch) -> None:
    around(patch, indicators, "window_max", lambda result, *_: earlier(result))


def warm_up_from_later_bars(patch: Patch) -> None:
    patch.setattr(frame, "WARM_UP_BARS", 0)
    around(patch, indicators, "weighted_sum", lambda result, *_: pd.Series(result).bfill().to_numpy())


def own_hour_in_a_feature(patch: Patch) -> None:
    around(patch, indicators, "log_return", lambda result, _close, span: earlier(result) if span == 1 else result)


def next_session_gap(patch: Patch) -> None:
    around(patch, indicators, "overnight_gap", lambda result, *_: earlier(result))


def dividend_on_the_last_bar_with_it(patch: Patch) -> None:
    around(patch, frame, "dividend_gap", lambda result, *_: earlier(result))


def volume_over_all_time(patch: Patch) -> None:
    around(patch, indicators, "volume_ratio", lambda _result, volume, _window: volume / np.nanmean(volume))


def next_bar_in_the_level(patch: Patch) -> None:
    around(patch, scale, "moving_average", lambda result, *_: earlier(result))


def profile_over_all_time(patch: Patch) -> None:
    def of_all(result: np.ndarray, *_: Any) -> np.ndarray:
        return np.broadcast_to(result[-1:], result.shape).copy()

    around(patch, scale, "_window_sum", of_all)


def own_hour_in_the_scale(patch: Patch) -> None:
    def widened(series: windows.Series, *_: Any) -> windows.Series:
        return replace(series, scale=(series.scale * (1.0 + np.abs(series.y))).astype(np.float32))

    around(patch, windows, "make_series", widened)


def global_scaler(patch: Patch) -> None:
    def scaled(x: np.ndarray, *_: Any) -> np.ndarray:
        return ((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-3)).astype(np.float32)

    around(patch, windows, "_model_inputs", scaled)


def smoothed_over_the_next_bar(patch: Patch) -> None:
    around(patch, windows, "_model_inputs", lambda x, *_: (0.5 * (x + earlier(x))).astype(np.float32))


def joined_with_the_next_row(patch: Patch) -> None:
    original = windows.make_series

    def joined(features: pd.DataFrame, bars: pd.DataFrame) -> windows.Series:
        later = features.drop(columns=["ticker", "closed_at"]).shift(-1).ffill()
        return original(pd.concat([features[["ticker", "closed_at"]], later], axis=1), bars)

    patch.setattr(windows, "make_series", joined)


def surprise_of_the_next_bar(patch: Patch) -> None:
    patch.setattr(surprise, "lagged", earlier)


def session_length_of_next_week(patch: Patch) -> None:
    def of_next_week(bars: pd.DataFrame, _bars: pd.DataFrame, calendar: str) -> pd.DataFrame:
        grid = sessions.grid_of(calendar)
        ahead = 35 if calendar == "XNYS" else 168
        return bars.assign(slot_count=grid.slot_count[bars["bar_number"].to_numpy() + ahead])

    around(patch, sessions, "annotate", of_next_week)


def slots_by_the_newest_clock(patch: Patch) -> None:
    def by_newest(bars: pd.DataFrame, _bars: pd.DataFrame, calendar: str) -> pd.DataFrame:
        grid = sessions.grid_of(calendar)
        hour = 3_600_000_000
        firsts = grid.opened[bars["bar_number"].to_numpy() - bars["slot"].to_numpy()]
        slip = (grid.opened[-1 - grid.slot[-1]] // hour) % 24 - (firsts // hour) % 24
        return bars.assign(slot=bars["slot"].to_numpy() + slip)

    around(patch, sessions, "annotate", by_newest)


def hours_ahead_beyond_the_horizons(patch: Patch) -> None:
    def beyond(bars: pd.DataFrame, _bars: pd.DataFrame, calendar: str) -> pd.DataFrame:
        grid = sessions.grid_of(calendar)
        numbers = bars["bar_number"].to_numpy()
        return bars.assign(hours_to_last=(grid.closed[numbers + 90] - grid.closed[numbers]) / 3.6e9)

    around(patch, sessions, "annotate", beyond)


def targets_by_a_later_sessions_hours(patch: Patch) -> None:
    original = sessions.next_closes

    def slipped(calendar: str, after: Any, count: int) -> list[Any]:
        closes = original(calendar, after, count + 90)
        return [after + (close - closes[89]) for close in closes[90:]]

    patch.setattr(sessions, "next_closes", slipped)


def bar_in_progress(patch: Patch) -> None:
    patch.delitem(quality._CHECKS, "not_closed")


def any_bar_that_is_shown(patch: Patch) -> None:
    for name in ("not_closed", "in_future"):
        patch.delitem(quality._CHECKS, name)


def feed_delay_forgotten(patch: Patch) -> None:
    patch.setitem(quality._CHECKS, "not_closed", lambda bars, _profiles, at: (bars["closed_at"] > at).to_numpy())


def winter_clock_all_year(patch: Patch) -> None:
    for module in (source, quality):
        around(patch, module, "closed_at_of", lambda closed, *_: closed - pd.Timedelta(hours=1))


def every_day_a_half_day(patch: Patch) -> None:
    def at_noon(closed: pd.Series, opened_at: pd.Series, _calendar: str) -> pd.Series:
        is_after = (opened_at.dt.hour >= 17) | (opened_at.dt.hour < 2)
        return closed.where(~is_after | closed.isna(), opened_at + timedelta(minutes=1))

    for module in (source, quality):
        around(patch, module, "closed_at_of", at_noon)


def adjusted_by_a_later_price(patch: Patch) -> None:
    def adjusted(parts: tuple[pd.DataFrame, pd.DataFrame], bars: pd.DataFrame, *_: Any) -> Any:
        accepted, rejected = parts
        ratio = bars["close"].iloc[-1] / accepted["close"].iloc[-1]
        return accepted.assign(**{name: accepted[name] * ratio for name in PRICE_COLUMNS}), rejected

    around(patch, quality, "reject_bars", adjusted)


def newest_quote_as_close(patch: Patch) -> None:
    def quoted(parts: tuple[pd.DataFrame, pd.DataFrame], bars: pd.DataFrame, *_: Any) -> Any:
        accepted, rejected = parts
        later = bars.loc[bars["opened_at"] > accepted["opened_at"].iloc[-1], "close"].dropna()
        accepted.loc[accepted.index[-1], ["close", "high"]] = later.iloc[0] if len(later) else np.nan
        return accepted.ffill(), rejected

    around(patch, quality, "reject_bars", quoted)


def spikes_told_by_what_follows(patch: Patch) -> None:
    def without_spikes(parts: tuple[pd.DataFrame, pd.DataFrame], bars: pd.DataFrame, *_: Any) -> Any:
        accepted, rejected = parts
        following = bars.set_index("opened_at")["close"].shift(-1)
        ratio = accepted["close"] / accepted["opened_at"].map(following)
        return accepted.loc[~(ratio > 1.004)].reset_index(drop=True), rejected

    around(patch, quality, "reject_bars", without_spikes)


def confirmed_bars_known_at_once(patch: Patch) -> None:
    def at_once(parts: tuple[pd.DataFrame, pd.DataFrame], *_: Any) -> Any:
        accepted, rejected = parts
        return accepted.assign(confirmed_at=accepted["closed_at"]), rejected

    around(patch, quality, "reject_bars", at_once)


def allowance_of_all_time(patch: Patch) -> None:
    def of_all(_result: Any, judge: Any, place: int, _needed: float) -> tuple[float, int]:
        typical = np.median(np.abs(np.diff(judge._closes)))
        return float(np.clip(price_jumps._MEDIANS * typical, price_jumps._LEAST, price_jumps._MOST)), place

    around(patch, price_jumps._Judge, "_allowance", of_all)


def volume_of_the_bar_in_progress(patch: Patch) -> None:
    def shared(parts: tuple[pd.DataFrame, pd.DataFrame], bars: pd.DataFrame, *_: Any) -> Any:
        accepted, rejected = parts
        return accepted.assign(volume=accepted["volume"] / bars["volume"].sum() * 1e6), rejected

    around(patch, quality, "reject_bars", shared)


def seeds_from_the_clock(patch: Patch) -> None:
    patch.setattr(services, "seed_of", lambda *_: time.time_ns() % 2**62)


def attention_to_later_bars(patch: Patch) -> None:
    original = transformer.scaled_dot_product_attention
    patch.setattr(
        transformer,
        "scaled_dot_product_attention",
        lambda query, key, value, is_causal: original(query, key, value, is_causal=not is_causal),
    )


def norm_over_the_window(patch: Patch) -> None:
    patch.setattr(
        transformer, "_norm", lambda x, gain: x / (x**2).mean(dim=(1, 2), keepdim=True).sqrt() * gain[:, None]
    )


def unpurged_split(patch: Patch) -> None:
    def unpurged(lesson: Any, _state: Any, _position: int, series: Any, *_: Any) -> Any:
        return replace(lesson, train_ends=series.window_ends[series.window_ends < lesson.holdout_start])

    around(patch, train, "_training_set", unpurged)


def shuffled_split(patch: Patch) -> None:
    def shuffled(lesson: Any, _state: Any, _position: int, series: Any, *_: Any) -> Any:
        order = np.random.default_rng(1).permutation(series.window_ends)
        return replace(lesson, train_ends=np.sort(order[: len(lesson.train_ends)]))

    around(patch, train, "_training_set", shuffled)


def rival_taught_by_its_own_test(patch: Patch) -> None:
    around(
        patch, walkforward.Fold, "training_mask", lambda result, _fold, history: ~np.isnat(history.target_at) | result
    )


def rivals_season_of_all_time(patch: Patch) -> None:
    original = har.seasonal_shape
    patch.setattr(har, "seasonal_shape", lambda size, history, _cutoff: original(size, history, history.closed_at[-1]))


PLANTS = (
    Plant("an indicator's window is centred on its bar", centred_windows),
    Plant("the highest high is taken one bar ahead", highest_high_ahead),
    Plant("an indicator's warm-up is filled from later bars", warm_up_from_later_bars),
    Plant("the target's own hour stands in a feature", own_hour_in_a_feature),
    Plant("the overnight gap is the next session's", next_session_gap),
    Plant("a dividend's gap stands on the last bar with it", dividend_on_the_last_bar_with_it),
    Plant("volume is told relative to its mean over all time", volume_over_all_time),
    Plant("the scale's level holds the next bar's range", next_bar_in_the_level),
    Plant("the scale's seasonal profile is learnt over all time", profile_over_all_time),
    Plant("the target's own move is in its scale", own_hour_in_the_scale),
    Plant("inputs are standardised over the whole series", global_scaler),
    Plant("inputs are smoothed with the next bar's", smoothed_over_the_next_bar),
    Plant("a bar is joined with the next bar's features", joined_with_the_next_row),
    Plant("the surprise is measured against the next bar", surprise_of_the_next_bar),
    Plant("a session's length is that of next week's (half days slip)", session_length_of_next_week),
    Plant("slots are counted by the clock of the calendar's last day (DST slips)", slots_by_the_newest_clock),
    Plant("hours ahead are counted beyond the horizons", hours_ahead_beyond_the_horizons),
    Plant("target_at follows a later session's hours (half-day slip)", targets_by_a_later_sessions_hours),
    Plant("the bar in progress is accepted", bar_in_progress),
    Plant("every bar that the source shows is accepted", any_bar_that_is_shown),
    Plant("a bar is accepted before its feed's delay is over", feed_delay_forgotten),
    Plant("bars close by the winter clock all year, an hour early (DST slip)", winter_clock_all_year),
    Plant("every day counts as a half day", every_day_a_half_day),
    Plant("prices are adjusted by a later price", adjusted_by_a_later_price),
    Plant("the newest quote is taken for the last close", newest_quote_as_close),
    Plant("spikes are told by the bar that follows, closed or not", spikes_told_by_what_follows),
    Plant("a jump that later bars confirm is known when it closes", confirmed_bars_known_at_once),
    Plant("what volatility allows is measured over all time", allowance_of_all_time),
    Plant("volumes are shares of a total with later bars in it", volume_of_the_bar_in_progress),
    Plant("seeds come from the clock", seeds_from_the_clock),
    Plant("attention sees later bars of its window", attention_to_later_bars),
    Plant("a norm is taken over the whole window", norm_over_the_window),
    Plant("training windows reach into the held-out bars", unpurged_split),
    Plant("the split into training and held-out windows is shuffled", shuffled_split),
    Plant("a rival is taught by the fold it is judged on", rival_taught_by_its_own_test),
    Plant("a rival's season is learnt over all time", rivals_season_of_all_time),
    *YAHOO_PLANTS,
    *SCALE_PLANTS,
)


def faster_macd(patch: Patch) -> None:
    patch.setattr(indicators, "EMA_WINDOW_SPANS", 5)


def slower_feed(patch: Patch) -> None:
    original = quality._CHECKS["not_closed"]
    patch.setitem(quality._CHECKS, "not_closed", lambda bars, profiles, at: original(bars, profiles, at - HOUR))


def cautious_calibration(patch: Patch) -> None:
    patch.setattr(calibration, "SMALLEST_FACTOR", 0.9)


HARMLESS = (
    Plant("averages are cut off earlier", faster_macd),
    Plant("bars are believed an hour later", slower_feed),
    Plant("calibration trusts its past sooner", cautious_calibration, in_store=True),
)
"""Changes that look at nothing later, which the detector must not mind."""
