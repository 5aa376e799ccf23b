"""The quality checks of 5-minute closes: accepted closes of extended hours, and rejected ones with a reason.

A response holds closes of regular sessions too. They only show on which scale its prices are: the close at the instant
at which a stored bar closed is compared with that bar's. Highs and lows play no part, since outside regular hours they
are often wrong. That a close differs much from its neighbours is no reason here: ``believed.py`` takes medians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import Split, TickerProfile, require_utc
from include.errors import DataContractError
from include.market.extended_closes import CLOSE_COLUMNS, CLOSE_LENGTH
from include.market.extended_hours import kinds_of

_TIMES: Final = ("opened_at", "closed_at")
_AGREEMENT: Final = math.log(1.02)
"""Largest difference, in log prices, between a response's close and the stored bar's of the same instant."""
_LARGEST_MOVE: Final = math.log(2.0)  # in one night, against the regular close
_MORNING: Final = timedelta(hours=12)  # trades before a session's open, and none of the evening before
_UNITS: Final = (100.0, 0.01)  # prices in hundredths of the stored currency, and the reverse

_Floats = npt.NDArray[np.float64]


def reject_closes(
    closes: pd.DataFrame,
    splits: Sequence[Split],
    profiles: Mapping[str, TickerProfile],
    last_closes: pd.DataFrame,
    as_of: datetime,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The accepted closes of extended hours, on the stored scale, and the rejected rows with a ``reason``.

    Accepted: ticker, closed_at (UTC), close; by ticker and time, one row each. Rejected: ticker, opened_at, closed_at,
    close (as served) and reason: the first check that the close failed. Closes of regular sessions are in neither.

    Reasons:
        * ``not_positive``: zero, negative, missing or infinite.
        * ``off_grid``: no bar of five minutes opens then.
        * ``not_closed``: in progress at ``as_of``, or not yet known with the feed's delay.
        * ``outside_hours``: there are no extended hours then.
        * ``duplicated``: a good row of the same time came before it.
        * ``other_scale``: the night's prices are on a scale that nothing explains.
        * ``implausible``: more than a factor of 2 from the regular close.

    Args:
        closes: ``ExtendedReport.closes``: ticker, opened_at, closed_at (UTC), close.
        splits: ``ExtendedReport.splits``.
        profiles: the tickers' profiles.
        last_closes: stored regular bars: ticker, closed_at (UTC), close. One a ticker, its newest, for an hour's
            response; for a history the last bar of every session (other bars do no harm). A close is compared with the
            newest of them that closed before it opened; where there is none, its scale is taken as it is.
        as_of: the instant at which the closes are known.

    Raises:
        DataContractError: a column is missing, or a ticker has no profile.
    """
    _require_contract(closes, profiles)
    rows = _with_instants(closes[list(CLOSE_COLUMNS)].reset_index(drop=True))
    rows = rows.assign(kind=_kinds(rows, profiles), **_references(rows, last_closes))
    reason = _first_failure(rows, profiles, pd.Timestamp(require_utc(as_of, "as_of")))
    rows["factor"] = _factors(rows, reason == "", splits)
    scaled = rows["close"].where(reason == "") * rows["factor"]
    move = np.log((scaled / rows["reference"]).to_numpy(dtype=np.float64))
    is_other = rows["factor"].isna() | _is_beyond_split(rows, move, splits)
    reason = reason.mask((reason == "") & is_other, "other_scale")
    reason = reason.mask((reason == "") & (np.abs(move) > _LARGEST_MOVE), "implausible")
    is_night = rows["kind"] != "regular"
    accepted = rows.assign(close=scaled).loc[is_night & (reason == ""), ["ticker", "closed_at", "close"]]
    rejected = rows.assign(reason=reason).loc[is_night & (reason != ""), [*CLOSE_COLUMNS, "reason"]]
    return (
        accepted.sort_values(["ticker", "closed_at"], kind="stable", ignore_index=True),
        rejected.reset_index(drop=True),
    )


def _kinds(rows: pd.DataFrame, profiles: Mapping[str, TickerProfile]) -> npt.NDArray[np.str_]:
    """``kinds_of`` for the rows of all tickers."""
    calendars = rows["ticker"].map({ticker: profile.calendar for ticker, profile in profiles.items()})
    kinds = np.full(len(rows), "outside", dtype="U8")
    for calendar in calendars.unique():
        is_its = (calendars == calendar).to_numpy()
        kinds[is_its] = kinds_of(rows.loc[is_its, "opened_at"], CLOSE_LENGTH, str(calendar))
    return kinds


def _references(rows: pd.DataFrame, last_closes: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """By row, the newest stored bar that closed before it opened: its close and when it closed; NaN, NaT for none."""
    wanted = rows[["ticker", "opened_at"]].reset_index().sort_values("opened_at")
    stored = _with_instants(last_closes[["ticker", "closed_at", "close"]])
    stored = stored.sort_values("closed_at").rename(columns={"closed_at": "reference_at", "close": "reference"})
    found = pd.merge_asof(wanted, stored, left_on="opened_at", right_on="reference_at", by="ticker").set_index("index")
    return {name: found[name].reindex(rows.index) for name in ("reference", "reference_at")}


def _first_failure(rows: pd.DataFrame, profiles: Mapping[str, TickerProfile], as_of: pd.Timestamp) -> pd.Series[str]:
    """The reason of the first check that each row fails by itself; "" for none."""
    opened_at = pd.DatetimeIndex(rows["opened_at"]).as_unit("us")
    delays = rows["ticker"].map({ticker: profile.feed_delay_minutes for ticker, profile in profiles.items()})
    known_at = rows["closed_at"] + pd.to_timedelta(delays.to_numpy(dtype="int64"), unit="min")
    is_on_grid = (opened_at == opened_at.floor(CLOSE_LENGTH)) & (rows["closed_at"] - rows["opened_at"] == CLOSE_LENGTH)
    failures = {
        "not_positive": ~(np.isfinite(rows["close"]) & (rows["close"] > 0)),
        "off_grid": ~is_on_grid,
        "not_closed": known_at > as_of,
        "outside_hours": rows["kind"] == "outside",
    }
    found = np.select([mask.to_numpy() for mask in failures.values()], list(failures), default="")
    reason = pd.Series(found, index=rows.index, dtype="str")
    good = rows.loc[reason == ""]
    again = good.duplicated(["ticker", "opened_at"])
    reason.loc[again.index[again]] = "duplicated"
    return reason


def _factors(rows: pd.DataFrame, is_good: pd.Series[bool], splits: Sequence[Split]) -> pd.Series[float]:
    """By row, what brings its price to the stored scale: 1 for nothing; NaN if nothing explains the difference.

    The good row that closed when the reference did shows the difference. Without it the factor is 1.
    """
    served = rows.loc[is_good, ["ticker", "closed_at", "close"]]
    served = served.rename(columns={"closed_at": "reference_at", "close": "served"})
    both = rows[["ticker", "reference_at", "reference"]].merge(served, on=["ticker", "reference_at"], how="left")
    sizes = np.log((both["reference"] / both["served"]).to_numpy(dtype=np.float64))
    factors = pd.Series(1.0, index=rows.index)
    for number in np.flatnonzero(np.abs(sizes) > _AGREEMENT).tolist():
        candidates = _explanations(str(rows["ticker"].iloc[number]), splits)
        near = [factor for factor in candidates if abs(math.log(factor) - sizes[number]) <= _AGREEMENT]
        factors.iloc[number] = near[0] if near else math.nan
    return factors


def _explanations(ticker: str, splits: Sequence[Split]) -> list[float]:
    """The factors by which a response may differ from the stored scale: announced splits both ways, and units."""
    announced = [split.factor for split in splits if split.ticker == ticker]
    return [*announced, *(1 / factor for factor in announced), *_UNITS]


def _is_beyond_split(rows: pd.DataFrame, move: _Floats, splits: Sequence[Split]) -> pd.Series[bool]:
    """Whether a close is on the scale after a split, and its night's regular close on the scale before it.

    A split takes effect when a session opens; trades of that morning are on the new scale already, and the source may
    adjust the day before later.
    """
    is_beyond = pd.Series(False, index=rows.index)
    for split in splits:
        is_its = (rows["ticker"] == split.ticker) & (rows["reference_at"] < split.effective_at)
        is_morning = rows["opened_at"] >= split.effective_at - _MORNING
        is_beyond |= is_its & is_morning & (np.abs(move + math.log(split.factor)) < np.abs(move))
    return is_beyond


def _with_instants(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with tickers as text and times in microseconds UTC, also if it has no row."""
    times = {name: pd.to_datetime(frame[name], utc=True).dt.as_unit("us") for name in frame if name in _TIMES}
    return frame.assign(**times).astype({"ticker": "str"})


def _require_contract(closes: pd.DataFrame, profiles: Mapping[str, TickerProfile]) -> None:
    missing = [name for name in CLOSE_COLUMNS if name not in closes.columns]
    if missing:
        message = f"Closes lack the columns {', '.join(missing)}; a source returns {', '.join(CLOSE_COLUMNS)}."
        raise DataContractError(message)
    unknown = sorted(set(closes["ticker"].unique()) - set(profiles))
    if unknown:
        message = f"Closes of {', '.join(unknown)} have no profile; request only tickers that have one."
        raise DataContractError(message)
