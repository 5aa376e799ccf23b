"""Scores for any forecaster, walk-forward, beside any others: ``evaluate(forecasters, histories, since, until)``.

A forecaster is a function ``(histories, fold) -> {ticker: quantiles}``. Once a fold it is given all tickers' bars
(``history.History``) that closed before ``fold.until``, and answers, for each ticker, log-return quantiles of shape
[m, H, Q] (levels ``contracts.QUANTILE_LEVELS``), one row for each of the m bars of ``fold.test_rows(history)``.

* It may learn (weights, empirical quantiles) from ``fold.is_teaching(history)`` alone: outcomes over by the cutoff.
* The forecast at row t may read the bars up to and including row t, never a later one. ``find_leak`` catches a cheat.
* A row of NaN says "no forecast here"; a ticker that is left out counts as NaN. Skills compare common rows only.
* What to keep from fold to fold (a fitted network) is its own business: an object with ``__call__`` will do.

For example, a forecaster that asks a plain function bar by bar::

    def my_forecaster(histories, fold):
        answers = {}
        for ticker, history in histories.items():
            rows = range(*fold.test_rows(history).indices(len(history)))
            answers[ticker] = np.stack([quantiles_at(history, row) for row in rows])  # reads [: row + 1] only
        return answers

    board = evaluate({"random walk": random_walk, "mine": my_forecaster}, histories, since, until)
    board.table()            # one row a forecaster: CRPS skill against the random walk, coverage
    board.skill("mine", 1)   # one number a ticker

``include/pipeline/evaluate.py`` reads ``histories`` from a folder of bars. Pure. Where next: ``metrics.py`` for the
scores of one forecast, ``significance.py`` for whether a difference is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.errors import DataContractError
from include.evaluation import metrics
from include.evaluation.history import BoolArray, FloatArray, History, InstantArray
from include.evaluation.walkforward import EMBARGO_HOURS, FOLD_DAYS, Fold, make_folds

Forecaster = Callable[[Mapping[str, History], Fold], Mapping[str, FloatArray]]

BASELINE = "random walk"
"""The forecaster that skills are taken against, if nothing else is asked for."""

TERCILE_BARS = 35
"""Bars whose root mean square return says how volatile the market was when a forecast was made."""

FORECAST_SHAPE = (HORIZON_COUNT, len(QUANTILE_LEVELS))


@dataclass(frozen=True)
class Judged:
    """What one ticker's forecasts are judged by: m rows, in order.

    ``outcome`` [m, H] log returns, NaN unknown; ``has_gap`` [m, H] whether the path crosses a session gap;
    ``anchored_at`` [m]; ``tercile`` [m], 0 calm to 2 wild, by the volatility before the forecast.
    """

    market: str
    anchored_at: InstantArray
    outcome: FloatArray
    has_gap: BoolArray
    tercile: FloatArray


@dataclass(frozen=True)
class Leaderboard:
    """Every forecaster's answers beside what happened.

    ``rows``: ticker -> what it is judged by. ``quantiles``: forecaster -> ticker -> [m, H, Q] log returns.
    ``losses``: forecaster -> ticker -> [m, H] CRPS of the log return, NaN where unknown.
    """

    rows: Mapping[str, Judged]
    quantiles: Mapping[str, Mapping[str, FloatArray]]
    losses: Mapping[str, Mapping[str, FloatArray]]
    baseline: str

    @property
    def names(self) -> list[str]:
        """The forecasters, in the order in which they were given."""
        return list(self.quantiles)

    def skill(self, name: str, horizon: int, against: str | None = None) -> pd.Series[float]:
        """CRPS skill (share of the other's mean loss saved, up to 1) by ticker, on rows that both forecast."""
        other = self.losses[self.baseline if against is None else against]
        column = horizon - 1
        skills = {
            ticker: metrics.skill(loss[:, column], other[ticker][:, column])
            for ticker, loss in self.losses[name].items()
        }
        return pd.Series(skills, dtype="float64")

    def mean_skill(self, name: str, against: str | None = None, tickers: Sequence[str] | None = None) -> FloatArray:
        """CRPS skill by horizon [H]: the mean over tickers, each counting the same."""
        chosen = list(self.rows) if tickers is None else list(tickers)
        columns = [self.skill(name, horizon, against)[chosen].mean() for horizon in range(1, HORIZON_COUNT + 1)]
        return np.array(columns, dtype=np.float64)

    def coverage(self, name: str, interval: int, horizon: int = 1) -> pd.Series[float]:
        """Share (0..1) of outcomes inside the central interval, by ticker."""
        column = horizon - 1
        shares = {
            ticker: metrics.coverage(_outcomes_met(rows, answers)[:, column], answers[:, column], interval)
            for ticker, rows, answers in self._answers(name)
        }
        return pd.Series(shares, dtype="float64")

    def table(self, against: str | None = None) -> pd.DataFrame:
        """One row a forecaster, best first: skills (0.065 is 6.5 %) at horizon 1 and averaged, coverage, and counts.

        ``forecast_ratio`` is the share of known outcomes that it gave a forecast for; ``better_ratio`` the share of
        tickers with a positive skill at horizon 1.
        """
        lines = []
        for name in self.names:
            skills = self.mean_skill(name, against)
            first = self.skill(name, 1, against)
            loss = np.concatenate([values[:, 0] for values in self.losses[name].values()])
            lines.append(
                {
                    "forecaster": name,
                    "skill_1": skills[0],
                    "skill_mean": skills.mean(),
                    "crps_1_bp": float(np.nanmean(loss)) * metrics.BASIS_POINTS if np.isfinite(loss).any() else np.nan,
                    "better_ratio": float((first > 0.0).mean()),
                    **{f"coverage_{name_}": self.coverage(name, name_).mean() for name_ in metrics.INTERVAL_COLUMNS},
                    "forecast_ratio": self._forecast_ratio(name),
                }
            )
        return pd.DataFrame(lines).sort_values("skill_mean", ascending=False, ignore_index=True)

    def by_market(self, name: str, against: str | None = None) -> pd.DataFrame:
        """Skill at horizon 1 and averaged, and coverage of the 80 and 90 % interval, for each kind of market."""
        markets = pd.Series({ticker: rows.market for ticker, rows in self.rows.items()})
        lines = {}
        for market, tickers in markets.groupby(markets).groups.items():
            skills = self.mean_skill(name, against, [str(ticker) for ticker in tickers])
            shares = {f"coverage_{width}": self.coverage(name, width)[tickers].mean() for width in (80, 90)}
            lines[str(market)] = {"tickers": len(tickers), "skill_1": skills[0], "skill_mean": skills.mean(), **shares}
        return pd.DataFrame.from_dict(lines, orient="index")

    def _answers(self, name: str) -> list[tuple[str, Judged, FloatArray]]:
        return [(ticker, rows, self.quantiles[name][ticker]) for ticker, rows in self.rows.items()]

    def _forecast_ratio(self, name: str) -> float:
        known = sum(int(np.isfinite(rows.outcome).sum()) for rows in self.rows.values())
        met = sum(int(np.isfinite(loss).sum()) for loss in self.losses[name].values())
        return met / known if known else float("nan")


def evaluate(
    forecasters: Mapping[str, Forecaster],
    histories: Mapping[str, History],
    since: datetime,
    until: datetime,
    *,
    baseline: str = BASELINE,
    fold_days: int = FOLD_DAYS,
    embargo_hours: int = EMBARGO_HOURS,
) -> Leaderboard:
    """Every forecaster's forecasts at the bars that close in [since, until), walk-forward, with their scores.

    Outcomes of the last bars may lie after ``until``; they score, but no forecaster ever sees them.

    Raises:
        DataContractError: the baseline is not among the forecasters, or one answers in the wrong shape, with quantiles
            out of order or with infinities.
    """
    if baseline not in forecasters:
        message = f"Skill against {baseline!r} needs it among the forecasters {sorted(forecasters)}."
        raise DataContractError(message)
    folds = make_folds(since, until, fold_days, embargo_hours)
    parts: dict[str, dict[str, list[FloatArray]]] = {name: {ticker: [] for ticker in histories} for name in forecasters}
    for fold in folds:
        known = {ticker: history.until(fold.until) for ticker, history in histories.items()}
        for name, forecaster in forecasters.items():
            answers = forecaster(known, fold)
            for ticker, history in known.items():
                parts[name][ticker].append(_checked(answers.get(ticker), name, history, fold))
    rows = {ticker: _judged(history, folds) for ticker, history in histories.items()}
    quantiles = {name: {ticker: np.concatenate(own) for ticker, own in part.items()} for name, part in parts.items()}
    losses = {
        name: {ticker: metrics.crps(rows[ticker].outcome, answers) for ticker, answers in own.items()}
        for name, own in quantiles.items()
    }
    return Leaderboard(rows=rows, quantiles=quantiles, losses=losses, baseline=baseline)


def find_leak(forecaster: Forecaster, histories: Mapping[str, History], fold: Fold) -> list[str]:
    """Tickers whose forecasts in the first half of a fold change when the bars of its second half do.

    A forecaster that reads no later bar than its own gives none. It is asked twice, so it must be deterministic and,
    if it remembers, forget what it learnt of this fold.
    """
    middle = fold.since + (fold.until - fold.since) // 2
    known = {ticker: history.until(fold.until) for ticker, history in histories.items()}
    bent = {ticker: _bend(history, middle) for ticker, history in known.items()}
    before, after = forecaster(known, fold), forecaster(bent, fold)
    leaking = []
    for ticker, history in known.items():
        rows = fold.test_rows(history)
        count = int(np.searchsorted(history.closed_at[rows], middle))
        if not np.array_equal(before[ticker][:count], after[ticker][:count], equal_nan=True):
            leaking.append(ticker)
    return leaking


def _bend(history: History, instant: np.datetime64) -> History:
    """The history with all prices from ``instant`` on moved by a jagged factor, and the outcomes that follow."""
    is_bent = history.closed_at >= instant
    factor = np.where(is_bent, 1.1 + 0.05 * (np.arange(len(history)) % 3), 1.0)
    bars = history.bars.copy()
    for name in ("open", "high", "low", "close"):
        bars[name] = bars[name].to_numpy(np.float64) * factor
    outcome = np.where(history.target_at >= instant, history.outcome + 0.1, history.outcome)
    prices = {name: getattr(history, name) * factor for name in ("close", "high", "low")}
    return replace(history, bars=bars, outcome=outcome, **prices)


def _checked(answer: FloatArray | None, name: str, history: History, fold: Fold) -> FloatArray:
    """The answer, or NaN for none.

    Raises:
        DataContractError: it is not a row of quantiles in order for each bar that was asked about.
    """
    rows = fold.test_rows(history)
    shape = (rows.stop - rows.start, *FORECAST_SHAPE)
    if answer is None:
        return np.full(shape, np.nan)
    if answer.shape != shape or np.isinf(answer).any() or (np.diff(answer, axis=-1) < 0.0).any():
        message = (
            f"{name} answered for {history.ticker} from {fold.since} with shape {answer.shape}; wanted are finite "
            f"quantiles in ascending order, or NaN, of shape {shape}."
        )
        raise DataContractError(message)
    return np.asarray(answer, dtype=np.float64)


def _judged(history: History, folds: Sequence[Fold]) -> Judged:
    rows = slice(folds[0].test_rows(history).start, folds[-1].test_rows(history).stop)
    volatility = np.sqrt(pd.Series(history.log_return**2).rolling(TERCILE_BARS, min_periods=1).mean().to_numpy())[rows]
    edges = np.quantile(volatility, [1.0 / 3.0, 2.0 / 3.0]) if len(volatility) else np.zeros(2)
    return Judged(
        market=history.market,
        anchored_at=history.closed_at[rows],
        outcome=history.outcome[rows],
        has_gap=history.has_gap[rows],
        tercile=np.searchsorted(edges, volatility).astype(np.float64),
    )


def _outcomes_met(rows: Judged, answers: FloatArray) -> FloatArray:
    """The outcomes, NaN where there was no forecast. [m, H]."""
    return np.where(np.isfinite(answers).all(axis=-1), rows.outcome, np.nan)
