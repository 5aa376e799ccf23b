"""Tables of a period: what each design of calibration gains, and what its intervals cover by state.

Errors are by day, because the tickers of a day are not independent. Where next: ``research/night/scores.py`` for the
estimates, ``research/calibration_trial.py`` for the periods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT
from include.evaluation.history import BoolArray, FloatArray
from include.evaluation.metrics import crps
from research.calibration.designs import DESIGNS, NONE, calibrated
from research.calibration.past import Past
from research.night.scores import Estimate, Labels, covered, gain

SIGNIFICANT = 1.96
"""A ticker is better or worse if its gain is this many standard errors from 0."""
HAR, BEFORE = "HAR", DESIGNS[1].name
HORIZONS_SHOWN = (1, 4, 7)
THIRDS = ("calm", "middle", "wild")


@dataclass(frozen=True)
class Cases:
    """The forecasts of a period with known outcomes: N cases, one for each ticker, bar and horizon.

    All [N], but for ``quantiles`` by design and HAR, [N, Q]. ``series``: a number for each ticker and horizon; ``day``
    of the forecast; ``third`` of the level among the ticker's forecasts of the period, 0 calm to 2 wild.
    """

    ticker: Labels
    series: Labels
    market: Labels
    horizon: Labels
    day: Labels
    third: Labels
    is_night: BoolArray
    outcome: FloatArray
    quantiles: Mapping[str, FloatArray]

    def gain(self, name: str, other: str, chosen: BoolArray | None = None) -> Estimate:
        """What ``name`` saves of the CRPS of ``other``; each ticker and horizon counts by its number of cases."""
        rows = np.flatnonzero(np.ones(len(self.outcome)) if chosen is None else chosen)
        losses, other_losses = (crps(self.outcome[rows], self.quantiles[each][rows]) for each in (name, other))
        return gain(losses, other_losses, self.series[rows], self.day[rows])

    def coverage(self, name: str, interval: int, chosen: BoolArray) -> Estimate:
        """The share of outcomes inside the interval."""
        return covered(self.outcome[chosen], self.quantiles[name][chosen], interval, self.day[chosen])


def make_cases(
    past: Mapping[str, Past], markets: Mapping[str, str], since: np.datetime64, until: np.datetime64
) -> Cases:
    """The cases of all tickers at bars that closed in [since, until)."""
    parts: dict[str, list[FloatArray]] = {name: [] for name in (*(design.name for design in DESIGNS), HAR)}
    labels = []
    for ticker, rows in past.items():
        first, end = (int(place) for place in np.searchsorted(rows.closed_at, np.array([since, until])))
        known = np.isfinite(rows.outcome[first:end]) & np.isfinite(rows.har[first:end]).all(axis=-1)
        labels.append(_labels(ticker, markets[ticker], rows, slice(first, end), known))
        for design in DESIGNS:
            parts[design.name].append(calibrated(design, rows, slice(first, end))[known])
        parts[HAR].append(rows.har[first:end][known])
    table = pd.concat(labels, ignore_index=True)
    table["series"] = table.groupby(["ticker", "horizon"]).ngroup()
    columns = {str(name): table[name].to_numpy() for name in table}
    return Cases(**columns, quantiles={name: np.concatenate(found) for name, found in parts.items()})


def _labels(ticker: str, market: str, rows: Past, wanted: slice, known: BoolArray) -> pd.DataFrame:
    """What ``Cases`` has of each known outcome beside the quantiles."""
    level = rows.log_level[wanted]
    edges = np.quantile(level, [1.0 / 3.0, 2.0 / 3.0]) if len(level) else np.zeros(2)
    of_bar, horizon = np.nonzero(known)
    return pd.DataFrame(
        {
            "ticker": ticker,
            "market": market,
            "horizon": horizon + 1,
            "day": rows.closed_at[wanted][of_bar].astype("datetime64[D]"),
            "third": np.searchsorted(edges, level)[of_bar],
            "is_night": rows.is_night[wanted][known],
            "outcome": rows.outcome[wanted][known],
        }
    )


def gains(cases: Cases) -> pd.DataFrame:
    """One row for each design: CRPS in percent saved of that without calibration, of the one before, and of HAR's.

    The last column has the tickers that the calibration makes significantly worse and better, and their number.
    """
    records = []
    for design in DESIGNS:
        name = design.name
        by_horizon = [cases.gain(name, HAR, cases.horizon == horizon) for horizon in HORIZONS_SHOWN]
        worse, better = by_ticker(cases, name)
        records.append(
            {
                "design": name,
                "over none": _precise(cases.gain(name, NONE.name)),
                "over before": _precise(cases.gain(name, BEFORE)),
                **{
                    f"over HAR, h={horizon}": _precise(found)
                    for horizon, found in zip(HORIZONS_SHOWN, by_horizon, strict=True)
                },
                "worse / better of": f"{worse} / {better} of {len(np.unique(cases.ticker))}",
            }
        )
    return pd.DataFrame(records)


def by_ticker(cases: Cases, name: str) -> tuple[int, int]:
    """The numbers of tickers that are significantly worse and better than without calibration, over all horizons."""
    found = [cases.gain(name, NONE.name, cases.ticker == ticker) for ticker in np.unique(cases.ticker)]
    scores = np.array([each.value / each.error if each.error > 0.0 else 0.0 for each in found])
    return int((scores < -SIGNIFICANT).sum()), int((scores > SIGNIFICANT).sum())


def coverages(cases: Cases, interval: int) -> pd.DataFrame:
    """One row for each state: what the interval of each design and of HAR covers, in percent."""
    names = [*(design.name for design in DESIGNS), HAR]
    return pd.DataFrame(
        [
            {"state": state, "outcomes": int(chosen.sum())}
            | {name: str(cases.coverage(name, interval, chosen)) for name in names}
            for state, chosen in _states(cases).items()
            if chosen.any()
        ]
    )


def _states(cases: Cases) -> dict[str, BoolArray]:
    """The cases of each state: all, the thirds of the level, each kind of market by day and across a session break."""
    states: dict[str, BoolArray] = {"all": np.ones(len(cases.outcome), dtype=np.bool_)}
    states |= {name: cases.third == third for third, name in enumerate(THIRDS)}
    for market in np.unique(cases.market):
        is_market = cases.market == market
        for word, is_kind in (("day", ~cases.is_night), ("night", cases.is_night)):
            states[f"{market}, {word}"] = is_market & is_kind
    for horizon in (1, HORIZON_COUNT):
        for third, name in enumerate(THIRDS):
            states[f"{name}, h={horizon}"] = (cases.third == third) & (cases.horizon == horizon)
    return states


def farthest(cases: Cases) -> pd.DataFrame:
    """One row for each design: the largest distance of a ticker's coverage from its nominal one, one bar ahead."""
    is_first = cases.horizon == 1
    tickers = np.unique(cases.ticker)

    def distance(name: str, interval: int) -> float:
        shares = [cases.coverage(name, interval, is_first & (cases.ticker == ticker)).value for ticker in tickers]
        return float(np.nanmax(np.abs(np.array(shares) - interval)))

    names = [design.name for design in DESIGNS]
    shares = {f"{interval} %": [round(distance(name, interval), 1) for name in names] for interval in (80, 90)}
    return pd.DataFrame({"design": names, **shares})


def _precise(found: Estimate) -> str:
    return found.precise


Table = Callable[[Cases], pd.DataFrame]
TABLES: Mapping[str, Table] = {
    "CRPS saved, in percent": gains,
    "What the 80 % interval covers": lambda cases: coverages(cases, 80),
    "What the 90 % interval covers": lambda cases: coverages(cases, 90),
    "The ticker farthest from its coverage, one bar ahead, in points": farthest,
}
