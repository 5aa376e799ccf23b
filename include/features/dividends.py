"""What a dividend takes from the price, bar by bar. Bars themselves are not adjusted for it.

Pure. Knows of no source and no instant: it is given what was known. Where next: ``frame.py``.
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
    """The row of the first bar without each dividend, of bars in order; 0 for none: no bar yet, or none before it."""
    rows = [int(opened_at.searchsorted(pd.Timestamp(dividend.ex_at))) for dividend in dividends]
    return np.array([row if row < len(opened_at) else 0 for row in rows], dtype=np.int64)


def dividend_gap(opened_at: pd.Series[Any], close: FloatArray, dividends: Sequence[Dividend]) -> FloatArray:
    """Log of 1 less the dividend over the last close, on the first bar without it; 0 elsewhere. Shape [n].

    What is not less than the last close cannot be a dividend of this price, and counts as none. The amounts are on the
    scale of the closes. Window 2.
    """
    amount = np.zeros(len(close))
    for dividend, row in zip(dividends, first_rows_without(opened_at, dividends), strict=True):
        amount[row] += dividend.amount
    share = amount / lagged(close, 1)
    is_told = (share > 0.0) & (share < 1.0)
    return np.where(is_told, np.log1p(-np.where(is_told, share, 0.0)), 0.0)
