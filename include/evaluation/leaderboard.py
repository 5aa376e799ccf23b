"""Walk-forward scores of several forecasters: ``evaluate(forecasters, histories, since, until)``.

A forecaster is a function ``(histories, fold) -> {ticker: quantiles}``. It is called once for each fold, with all
tickers' bars (``history.History``) that closed before ``fold.until``. It returns log-return quantiles by ticker, of
shape [m, H, Q] (levels ``contracts.QUANTILE_LEVELS``): one row for each of the m bars of ``fold.test_rows(history)``.

* Its training set is ``fold.training_mask(history)``: the outcomes that were known at the cutoff.
* The forecast at row t may use the bars up to and including row t, and no later bar. ``find_leak`` tests this.
* A row of NaN means "no forecast"; a ticker that is left out counts as NaN. Skills compare common rows only.
* It may keep state from fold to fold (a fitted network): an object with ``__call__`` is a forecaster, too.

For example, a forecaster that calls a function for each bar::

    def my_forecaster(histories, fold):
        forecasts = {}
        for ticker, history in histories.items():
            rows = range(*fold.test_rows(history).indices(len(history)))
            forecasts[ticker] = np.stack([quantiles_at(history, row) for row in rows])  # uses [: row + 1] only
        return forecasts

    board = evaluate({"random walk": random_walk, "mine": my_forecaster}, histories, since, until)
    board.table()            # one row for each forecaster: CRPS skill against the random walk, coverage
    board.skill("mine", 1)   # one number for each ticker

Pure functions. ``pipeline/data/histories.py`` reads ``histories`` from a folder of bars. Where next: ``metrics.py`` for
the scores of one forecast.
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
"""Default of the forecaster that skills are relative to."""

TERCILE_BARS = 35
"""Bars whose root mean square return measures the volatility at the time of a forecast."""

FORECAST_SHAPE = (HORIZON_COUNT, len(QUANTILE_LEVELS))


@dataclass(frozen=True)
class ScoredRows:
    """The bars of one ticker at which forecasts are scored: m rows, in order.

    ``outcome`` [m, H] log returns, NaN if unknown; ``has_gap`` [m, H] whether the path crosses a session gap;
    ``anchored_at`` [m] close of the bar, UTC; ``tercile`` [m] of the volatility before the forecast, 0 low to 2 high.
    """

    market: str
    anchored_at: InstantArray
    outcome: FloatArray
    has_gap: BoolArray
    tercile: FloatArray


@dataclass(frozen=True)
class Leaderboard:
    """The forecasts and losses of all forecasters, with the outcomes.

    ``rows``: ticker -> the scored bars. ``quantiles``: forecaster -> ticker -> [m, H, Q] log returns. ``losses``:
    forecaster -> ticker -> [m, H] CRPS of the log return, NaN if the outcome or the forecast is unknown. ``baseline``:
    name of the forecaster that skills are relative to.
    """

    rows: Mapping[str, ScoredRows]
    quantiles: Mapping[str, Mapping[str, FloatArray]]
    losses: Mapping[str, Mapping[str, FloatArray]]
    baseline: str

    @property
    def names(self) -> list[str]:
        """Names of the forecasters, in the order in which they were passed."""
        return list(self.quantiles)

    def skill(self, name: str, horizon: int, against: str | None = None) -> pd.Series[float]:
        """CRPS skill by ticker, on rows that both forecast: 1 - mean loss / mean loss of ``against`` (the baseline)."""
        other = self.losses[self.baseline if against is None else against]
        column = horizon - 1
        skills = {
            ticker: metrics.skill(loss[:, column], other[ticker][:, column])
            for ticker, loss in self.losses[name].items()
        }
        return pd.Series(skills, dtype="float64")

    def mean_skill(self, name: str, against: str | None = None, tickers: Sequence[str] | None = None) -> FloatArray:
        """CRPS skill by horizon [H]: the unweighted mean over tickers."""
        chosen = list(self.rows) if tickers is None else list(tickers)
        columns = [self.skill(name, horizon, against)[chosen].mean() for horizon in range(1, HORIZON_COUNT + 1)]
        return np.array(columns, dtype=np.float64)

    def coverage(self, name: str, interval: int, horizon: int = 1) -> pd.Series[float]:
        """Share (0..1) of outcomes inside the central interval, by ticker."""
        column = horizon - 1
        shares = {
            ticker: metrics.coverage(_forecast_outcomes(rows, forecasts)[:, column], forecasts[:, column], interval)
            for ticker, rows, forecasts in self._forecasts(name)
        }
        return pd.Series(shares, dtype="float64")

    def table(self, against: str | None = None) -> pd.DataFrame:
        """One row for each forecaster, best first: skill at horizon 1 and mean over horizons, coverage, and shares.

        Skills and coverages are shares (0.065 is 6.5 %). ``forecast_ratio`` is the share of known outcomes with a
        forecast; ``better_ratio`` the share of tickers with a positive skill at horizon 1; ``crps_1_bp`` the mean CRPS
        at horizon 1 in basis points.
        """
        records = []
        for name in self.names:
            skills = self.mean_skill(name, against)
            first = self.skill(name, 1, against)
            loss = np.concatenate([values[:, 0] for values in self.losses[name].values()])
            records.append(
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
        return pd.DataFrame(records).sort_values("skill_mean", ascending=False, ignore_index=True)

    def by_market(self, name: str, against: str | None = None) -> pd.DataFrame:
        """Skill at horizon 1 and mean over horizons, and coverage of the 80 and 90 % intervals, by kind of market."""
        markets = pd.Series({ticker: rows.market for ticker, rows in self.rows.items()})
        records = {}
        for market, tickers in markets.groupby(markets).groups.items():
            skills = self.mean_skill(name, against, [str(ticker) for ticker in tickers])
            shares = {f"coverage_{width}": self.coverage(name, width)[tickers].mean() for width in (80, 90)}
            means = {"skill_1": skills[0], "skill_mean": skills.mean()}
            records[str(market)] = {"tickers": len(tickers), **means, **shares}
        return pd.DataFrame.from_dict(records, orient="index")

    def _forecasts(self, name: str) -> list[tuple[str, ScoredRows, FloatArray]]:
        return [(ticker, rows, self.quantiles[name][ticker]) for ticker, rows in self.rows.items()]

    def _forecast_ratio(self, name: str) -> float:
        known = sum(int(np.isfinite(rows.outcome).sum()) for rows in self.rows.values())
        scored = sum(int(np.isfinite(loss).sum()) for loss in self.losses[name].values())
        return scored / known if known else float("nan")


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
    """Walk-forward forecasts of all forecasters at the bars that close in [since, until), with their scores.

    Outcomes of the last bars may be later than ``until``. They are scored, but no forecaster is given them.

    Raises:
        DataContractError: the baseline is not among the forecasters, or a forecaster returns a wrong shape, infinite
            values or quantiles that are not in order.
    """
    if baseline not in forecasters:
        message = f"Skill against {baseline!r} needs it among the forecasters {sorted(forecasters)}."
        raise DataContractError(message)
    folds = make_folds(since, until, fold_days, embargo_hours)
    parts: dict[str, dict[str, list[FloatArray]]] = {name: {ticker: [] for ticker in histories} for name in forecasters}
    for fold in folds:
        known = {ticker: history.until(fold.until) for ticker, history in histories.items()}
        for name, forecaster in forecasters.items():
            forecasts = forecaster(known, fold)
            for ticker, history in known.items():
                parts[name][ticker].append(_checked(forecasts.get(ticker), name, history, fold))
    rows = {ticker: _scored_rows(history, folds) for ticker, history in histories.items()}
    quantiles = {
        name: {ticker: np.concatenate(by_fold) for ticker, by_fold in part.items()} for name, part in parts.items()
    }
    losses = {
        name: {ticker: metrics.crps(rows[ticker].outcome, forecasts) for ticker, forecasts in by_ticker.items()}
        for name, by_ticker in quantiles.items()
    }
    return Leaderboard(rows=rows, quantiles=quantiles, losses=losses, baseline=baseline)


def find_leak(forecaster: Forecaster, histories: Mapping[str, History], fold: Fold) -> list[str]:
    """Tickers whose forecasts in the first half of a fold change if the bars of its second half change.

    The list is empty for a forecaster that uses no later bars. The forecaster is called twice, so it must be
    deterministic and must not reuse what it computed from this fold.
    """
    middle = fold.since + (fold.until - fold.since) // 2
    known = {ticker: history.until(fold.until) for ticker, history in histories.items()}
    changed = {ticker: _changed_from(history, middle) for ticker, history in known.items()}
    before, after = forecaster(known, fold), forecaster(changed, fold)
    leaking = []
    for ticker, history in known.items():
        rows = fold.test_rows(history)
        count = int(np.searchsorted(history.closed_at[rows], middle))
        if not np.array_equal(before[ticker][:count], after[ticker][:count], equal_nan=True):
            leaking.append(ticker)
    return leaking


def _changed_from(history: History, instant: np.datetime64) -> History:
    """The history with other prices from ``instant`` on (three factors in turn), and with other outcomes."""
    is_changed = history.closed_at >= instant
    factor = np.where(is_changed, 1.1 + 0.05 * (np.arange(len(history)) % 3), 1.0)
    bars = history.bars.copy()
    for name in ("open", "high", "low", "close"):
        bars[name] = bars[name].to_numpy(np.float64) * factor
    outcome = np.where(history.target_at >= instant, history.outcome + 0.1, history.outcome)
    prices = {name: getattr(history, name) * factor for name in ("close", "high", "low")}
    return replace(history, bars=bars, outcome=outcome, **prices)


def _checked(forecasts: FloatArray | None, name: str, history: History, fold: Fold) -> FloatArray:
    """The forecasts of one ticker and fold [m, H, Q]; NaN if there are none.

    Raises:
        DataContractError: the shape is wrong, a value is infinite, or quantiles are not in order.
    """
    rows = fold.test_rows(history)
    shape = (rows.stop - rows.start, *FORECAST_SHAPE)
    if forecasts is None:
        return np.full(shape, np.nan)
    if forecasts.shape != shape or np.isinf(forecasts).any() or (np.diff(forecasts, axis=-1) < 0.0).any():
        message = (
            f"{name} returned invalid quantiles for {history.ticker} from {fold.since}, of shape {forecasts.shape}; "
            f"they must have the shape {shape} and be finite and ascending, or NaN."
        )
        raise DataContractError(message)
    return np.asarray(forecasts, dtype=np.float64)


def _scored_rows(history: History, folds: Sequence[Fold]) -> ScoredRows:
    rows = slice(folds[0].test_rows(history).start, folds[-1].test_rows(history).stop)
    volatility = np.sqrt(pd.Series(history.log_return**2).rolling(TERCILE_BARS, min_periods=1).mean().to_numpy())[rows]
    edges = np.quantile(volatility, [1.0 / 3.0, 2.0 / 3.0]) if len(volatility) else np.zeros(2)
    return ScoredRows(
        market=history.market,
        anchored_at=history.closed_at[rows],
        outcome=history.outcome[rows],
        has_gap=history.has_gap[rows],
        tercile=np.searchsorted(edges, volatility).astype(np.float64),
    )


def _forecast_outcomes(rows: ScoredRows, forecasts: FloatArray) -> FloatArray:
    """The outcomes, NaN where there is no forecast. [m, H]."""
    return np.where(np.isfinite(forecasts).all(axis=-1), rows.outcome, np.nan)
