"""The checks that need no database: rows, network, the way from a source's bars to a forecast, calendar, rivals.

Each takes a seed, makes one random change of something later, and says what earlier result changed with it, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from include.contracts import PRICE_COLUMNS, BarRequest, Dividend
from include.evaluation.har import har
from include.evaluation.leaderboard import find_leak
from include.evaluation.volatility import seasonal_ewma
from include.evaluation.walkforward import Fold, instant
from include.features import frame as feature_frame
from include.features import windows
from include.market import grid, quality, sessions
from include.model import predict as model_predict
from include.model import train, transformer
from include.model.config import ModelConfig, TrainConfig
from include.model.shard import ShardState, initial_state
from include.pipeline import services
from include.pipeline.data.histories import history_of
from include.pipeline.models import anchors
from tests.leaks.answers import check_answers
from tests.leaks.compare import first_array_difference, first_difference
from tests.leaks.material import HISTORY_DAYS, HOUR, ONBOARDED_AT, TICKERS, Future, ShowingSource, profiles, true_bars
from tests.leaks.steps import check_steps

Check = Callable[[int], str | None]

NETWORK = ModelConfig(windows.MODEL_INPUT_COUNT, context_bars=12, width=8, layers=1, heads=2)
WARM_UP_BARS = feature_frame.WARM_UP_BARS
"""As the product has it: a leak may change that."""
TRAINING = TrainConfig(steps=2, batch_windows=4, holdout_bars=24)
JUDGED = TrainConfig(steps=2, batch_windows=32, holdout_bars=24)


def check_rows(seed: int) -> str | None:
    """Feature rows, inputs, scales and known targets do not change when later bars and dividends do, or are missing."""
    random = np.random.default_rng([seed, 1])
    ticker = TICKERS[seed % len(TICKERS)]
    bars = true_bars(ticker).iloc[: WARM_UP_BARS + int(random.integers(40, 200))]
    first = 2 if random.random() < 0.5 else WARM_UP_BARS
    cut_row = int(random.integers(first, len(bars) - 1))
    cut = bars["closed_at"].iloc[cut_row]
    bent = Future(seed, cut).bend_where(bars, np.arange(len(bars)) > cut_row)
    bent = bent.loc[np.isfinite(bent["high"]) & (bent["high"] > 1.0)].reset_index(drop=True)
    dividends = [
        Dividend(ticker, bars["opened_at"].iloc[row].to_pydatetime(), 0.01 * bars["close"].iloc[row])
        for row in range(cut_row % 5, len(bars), 5)
    ]
    known = [item for item in dividends if item.ex_at < cut]
    before = _rows(ticker, bars, dividends)
    for what, later in (("later bars changed", bent), ("later bars not there", bars.iloc[: cut_row + 1])):
        found = _rows_differ(before, _rows(ticker, later, known), cut)
        if found:
            return f"{what}: {found}"
    return None


Rows = tuple[pd.DataFrame, windows.Series, pd.Series]


def _rows(ticker: str, bars: pd.DataFrame, dividends: Sequence[Dividend]) -> Rows:
    """Feature rows, arrays, and each bar's number by when it closed."""
    annotated = sessions.annotate(bars.drop(columns="told_at"), profiles()[ticker].calendar)
    features = feature_frame.build_features(annotated, dividends)
    return features, windows.make_series(features, annotated), annotated.set_index("closed_at")["bar_number"]


def _rows_differ(before: Rows, after: Rows, cut: pd.Timestamp) -> str | None:
    until = [features.loc[features["closed_at"] <= cut].reset_index(drop=True) for features, _, _ in (before, after)]
    found = first_difference("feature row", *until)
    arrays = [_arrays_until(rows, cut) for rows in (before, after)]
    for name in arrays[0]:
        found = found or first_array_difference(f"window {name}", *(own[name] for own in arrays))
    return found


def _arrays_until(rows: Rows, cut: pd.Timestamp) -> dict[str, np.ndarray]:
    """The arrays as far as ``cut`` may know them: rows up to it, and targets that had closed by then."""
    _, series, numbers = rows
    kept = int(np.searchsorted(series.closed_at, np.datetime64(cut.tz_localize(None), "us"), side="right"))
    own = numbers.loc[pd.DatetimeIndex(series.closed_at[:kept]).tz_localize("UTC")].to_numpy()
    is_told = own[:, None] + np.arange(1, series.y.shape[1] + 1) <= numbers.loc[cut]
    arrays = {name: getattr(series, name)[:kept] for name in ("closed_at", "close", "x", "scale")}
    return arrays | {"y": np.where(is_told, series.y[:kept], 0.0)}


def check_network(seed: int) -> str | None:
    """A position's answer does not change with later bars of its window, nor trained weights with what judges them."""
    random = np.random.default_rng([seed, 2])
    state = _stirred()
    x = random.standard_normal((1, 2, NETWORK.context_bars, NETWORK.input_count)).astype(np.float32)
    position = int(random.integers(0, NETWORK.context_bars - 1))
    later = x.copy()
    later[:, :, position + 1 :] += random.normal(0.0, 1.0, later[:, :, position + 1 :].shape).astype(np.float32)
    with torch.no_grad():
        answers = [
            transformer.forward(state.parameters, torch.tensor(v), NETWORK)[:, :, : position + 1] for v in (x, later)
        ]
    found = first_array_difference("answer within a window", *(answer.numpy() for answer in answers))
    return found or _judges_teach(random)


def _judges_teach(random: np.random.Generator) -> str | None:
    """Whether weights change with what was held out: targets from the first held-out row on, inputs after it."""
    rows = int(random.integers(150, 220))
    x = random.standard_normal((rows, NETWORK.input_count)).astype(np.float32)
    y = random.standard_normal((rows, NETWORK.horizon_count)).astype(np.float32)
    has_target = np.arange(rows)[:, None] + np.arange(1, NETWORK.horizon_count + 1) < rows
    ends = np.arange(NETWORK.context_bars - 1, rows - 1)
    held_out = int(ends[-min(JUDGED.holdout_bars, len(ends) // 5)])
    other_x, other_y = x.copy(), y.copy()
    other_x[held_out + 1 :] *= -1.5
    other_y[held_out:] += 1.0
    for horizon in range(1, NETWORK.horizon_count + 1):  # targets of earlier rows that lie among the held-out bars
        other_y[max(held_out - horizon + 1, 0) : held_out, horizon - 1] += 1.0
    weights = [
        _weights(train.fine_tune(_stirred(), [train.TrainingArrays(a, b, has_target, ends)], JUDGED, [7])[0])
        for a, b in ((x, y), (other_x, other_y))
    ]
    return first_array_difference("weights after training", *weights)


@cache
def _stirred() -> ShardState:
    """A network whose output layer is not zero, so that it says something about its inputs."""
    state = initial_state(("STIRRED",), NETWORK, (3,))
    generator = torch.Generator().manual_seed(5)
    moved = {n: v + 0.2 * torch.randn(v.shape, generator=generator) for n, v in state.parameters.items()}
    return ShardState(state.tickers, moved, NETWORK)


def _weights(state: ShardState) -> np.ndarray:
    return np.concatenate([state.parameters[name].numpy().ravel() for name in sorted(state.parameters)])


def check_chain(seed: int) -> str | None:
    """From a source that shows bars it should not, through the gate, to a trained network's forecast in prices."""
    random = np.random.default_rng([seed, 3])
    ticker = TICKERS[seed % len(TICKERS)]
    minute = int(random.choice([0, 1, 2, 29, 30, 31, 33, 35, 58]))
    as_of = ONBOARDED_AT.replace(minute=minute) + int(random.integers(-30, 60)) * HOUR
    before, after = (_chain(ticker, as_of, future) for future in (None, Future(seed, as_of)))
    return next(
        (found for name in before if (found := first_difference(name, before[name], after[name]))),
        None,
    )


def _chain(ticker: str, as_of: pd.Timestamp, future: Future | None) -> dict[str, pd.DataFrame]:
    """Every intermediate result of one ticker's hour, without a database."""
    profile = profiles()[ticker]
    since = as_of - timedelta(days=HISTORY_DAYS[ticker])
    shown = ShowingSource(future).fetch_bars([BarRequest(profile, since)], as_of).bars
    accepted, _ = quality.reject_bars(shown, {ticker: profile}, as_of)
    annotated = sessions.annotate(accepted, profile.calendar)
    features = feature_frame.build_features(annotated)
    series = windows.make_series(features, annotated)
    state = initial_state((ticker,), NETWORK, [services.seed_of(1, ticker, as_of)])
    arrays = train.TrainingArrays(
        series.x, series.y, series.has_target, windows.window_ends(series, NETWORK.context_bars)
    )
    trained, _ = train.fine_tune(state, [arrays], TRAINING, [services.seed_of(2, ticker, as_of)])
    answer = model_predict.predict(trained, windows.latest_window(series, NETWORK.context_bars)[None])[0]
    anchor = anchors.Anchor.of(profile, accepted, as_of)
    rows = anchor.rows(answer * series.scale[-1:].astype(np.float64).T)
    return {
        "accepted bar": accepted,
        "feature row": features,
        "weights": pd.DataFrame({"weight": _weights(trained)}),
        "forecast": rows.assign(target_at=anchor.targets),
        "random walk": anchor.rows(anchor.walk),
    }


def check_gate(seed: int) -> str | None:
    """Of a history that is told at once, what is believed and known by an instant does not change with what follows."""
    random = np.random.default_rng([seed, 6])
    ticker = TICKERS[seed % len(TICKERS)]
    bars = true_bars(ticker).drop(columns="told_at").iloc[-250:].reset_index(drop=True)
    cut_row = int(random.integers(60, 200))
    jump = float(random.choice([0.3, 0.6, 1.6, 2.2]))
    moved = _moved(bars, np.arange(len(bars)) > cut_row - int(random.integers(0, 3)), jump)
    wild = np.exp(np.cumsum(random.normal(0.0, 0.05, len(bars)))) / (jump if random.random() < 0.5 else 1.0)
    other = _moved(moved, np.arange(len(bars)) > cut_row, wild)
    cut = bars["closed_at"].iloc[cut_row]
    profile = profiles()[ticker]
    believed = [
        quality.reject_bars(own, {ticker: profile}, ONBOARDED_AT + timedelta(days=8))[0] for own in (moved, other)
    ]
    return first_difference(
        "believed bar", *(own.loc[own["confirmed_at"] <= cut].reset_index(drop=True) for own in believed)
    )


def _moved(bars: pd.DataFrame, rows: np.ndarray, factor: float | np.ndarray) -> pd.DataFrame:
    """The bars with the prices of these rows multiplied."""
    return bars.assign(**{name: np.where(rows, bars[name] * factor, bars[name]) for name in PRICE_COLUMNS})


def check_calendar(seed: int) -> str | None:
    """What the calendar says of a bar, and the features of it, does not change with sessions beyond the horizons."""
    random = np.random.default_rng([seed, 4])
    ticker = TICKERS[seed % len(TICKERS)]
    calendar = profiles()[ticker].calendar
    bars = true_bars(ticker)
    last = int(random.integers(300, len(bars) - 30))
    bars = bars.iloc[max(last - 300, 0) : last].reset_index(drop=True)
    cut = bars["closed_at"].iloc[-1].to_pydatetime()
    before = _calendar_says(calendar, bars)
    grid_of = sessions.grid_of
    with pytest.MonkeyPatch.context() as patch:
        bent = _bend_grid(grid_of(calendar), cut, random)
        patch.setattr(sessions, "grid_of", lambda name: bent if name == calendar else grid_of(name))
        after = _calendar_says(calendar, bars)
    return next((found for name in before if (found := first_difference(name, before[name], after[name]))), None)


def _calendar_says(calendar: str, bars: pd.DataFrame) -> dict[str, pd.DataFrame]:
    cut = bars["closed_at"].iloc[-1].to_pydatetime()
    annotated = sessions.annotate(bars.drop(columns="told_at"), calendar)
    targets = sessions.next_closes(calendar, cut, 7)
    closed = sessions.closed_at_of(bars["opened_at"], calendar)
    newest = sessions.last_closed(calendar, cut + timedelta(minutes=5), 2)
    return {
        "calendar entry": annotated,
        "closed_at": pd.DataFrame({"closed_at": closed}),
        "target_at": pd.DataFrame({"target_at": targets, "newest": newest}),
        "feature row": feature_frame.build_features(annotated),
    }


def _bend_grid(true: grid.Grid, cut: pd.Timestamp, random: np.random.Generator) -> grid.Grid:
    """The calendar with what comes more than seven bars after ``cut`` changed: a day off, half days, another clock."""
    reach = int(np.searchsorted(true.closed, int(cut.timestamp() * 1_000_000), side="right")) + 7
    days = np.unique(true.session_day[reach:])
    first_day = int(days[int(random.integers(1, 8))])
    kind = random.choice(["holiday", "half days", "clock"])
    is_later = true.session_day >= first_day
    if kind == "clock":
        move = np.where(is_later, grid.HOUR, 0)
        return replace(
            true, opened=true.opened + move, closed=true.closed + move, session_closed=true.session_closed + move
        )
    if kind == "holiday":
        kept = true.session_day != first_day
    else:
        kept = ~(is_later & (true.session_day < first_day + 9) & (true.slot >= true.slot_count // 2))
    parts = {name: getattr(true, name)[kept] for name in ("opened", "closed", "session_day", "slot")}
    _, firsts, members, sizes = np.unique(
        parts["session_day"], return_index=True, return_inverse=True, return_counts=True
    )
    return grid.Grid(
        **parts,
        session_closed=parts["closed"][firsts + sizes - 1][members],
        slot_count=sizes[members],
        timezone=true.timezone,
    )


def check_rivals(seed: int) -> str | None:
    """A baseline's or a rival's forecasts do not change with later bars, by evaluation's own detector."""
    random = np.random.default_rng([seed, 5])
    ticker = TICKERS[seed % len(TICKERS)]
    history = history_of(true_bars(ticker).drop(columns="told_at"), profiles()[ticker])
    since = ONBOARDED_AT - timedelta(days=float(random.uniform(2.0, 4.0)))
    fold = Fold(0, instant(since - timedelta(days=1)), instant(since), instant(ONBOARDED_AT))
    for name, forecaster in (("seasonal HAR", har), ("seasonal EWMA", seasonal_ewma)):
        if find_leak(forecaster, {ticker: history}, fold):
            return f"forecasts of {name} for {ticker} changed"
    return None


CHECKS: dict[str, Check] = {
    "rows": check_rows,
    "calendar": check_calendar,
    "gate": check_gate,
    "steps": check_steps,
    "answers": check_answers,
    "network": check_network,
    "chain": check_chain,
    "rivals": check_rivals,
}
"""Cheap ones first."""
