"""The fall of the price that a dividend causes, for each bar. The bars themselves are not adjusted for dividends.

Pure functions: the caller passes the dividends that were known. Where next: ``frame.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import Dividend
from include.features.rolling import FloatArray, lagged


def first_rows_without(opened_at: pd.Series[Any], dividends: Sequence[Dividend]) -> npt.NDArray[np.int64]:
    """The row of the first bar that opened on or after each dividend's ex-date. int64 [dividends].

    ``opened_at`` is ascending. 0 if there is no such bar, or if it is the first bar of the series.
    """
    rows = [int(opened_at.searchsorted(pd.Timestamp(dividend.ex_at))) for dividend in dividends]
    return np.array([row if row < len(opened_at) else 0 for row in rows], dtype=np.int64)


def dividend_gap(opened_at: pd.Series[Any], close: FloatArray, dividends: Sequence[Dividend]) -> FloatArray:
    """``log(1 - dividend / previous close)`` on the first bar after the ex-date, 0 on all other bars. Shape [n].

    The amounts are on the scale of the closes (adjusted for the same splits). An amount that is not below the previous
    close is invalid and is ignored. Window 2.
    """
    amount = np.zeros(len(close))
    for dividend, row in zip(dividends, first_rows_without(opened_at, dividends), strict=True):
        amount[row] += dividend.amount
    share = amount / lagged(close, 1)
    is_valid = (share > 0.0) & (share < 1.0)
    return np.where(is_valid, np.log1p(-np.where(is_valid, share, 0.0)), 0.0)
