from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from include.errors import DataContractError
from include.market.exchanges import exchanges
from include.market.grid import HOUR, MINUTE, grid_of
from include.market.sessions import bar_grid, timezone_of

HASHES = {
    "24/7": (157800, "6da8f5b11bd67824"),
    "BVMF": (34504, "f1246c1a39c9bf1a"),
    "FX": (110786, "2dd89b80817dacf1"),
    "XAMS": (41403, "f3fcf4c6a27b33c5"),
    "XASX": (27314, "68eba93d72190bb9"),
    "XBOM": (17388, "13a9014c89d7f774"),
    "XBRU": (41403, "2629f2347f5bdd30"),
    "XCSE": (36032, "37adb37c8b450eae"),
    "XDUB": (41054, "6c2c0bd26da2cbee"),
    "XETR": (41067, "c26d011bafa1829a"),
    "XFRA": (41067, "c26d011bafa1829a"),
    "XHEL": (40689, "72cf0fdd063667e5"),
    "XHKG": (26505, "1e41480127c39964"),
    "XJSE": (36048, "cf565e0c7638d96d"),
    "XKRX": (10132, "15722f955483bdf9"),
    "XLIS": (41403, "8664b202a43d7c9e"),
    "XLON": (40806, "229a306e222da099"),
    "XMAD": (41367, "aaca9e49b06fd91b"),
    "XMEX": (14427, "d9b08eeb89995d06"),
    "XMIL": (41139, "8549d1d41fed818f"),
    "XNYS": (31554, "6bcec3bbfb830706"),
    "XNZE": (31391, "0206e7d4c8fe7e0d"),
    "XOSL": (36072, "f4a1b950f979ff9b"),
    "XPAR": (41403, "ced7a4cb46489424"),
    "XSES": (24080, "576cb857630de612"),
    "XSHG": (11664, "53c731d588549c4c"),
    "XSTO": (40298, "e621346a3873be2d"),
    "XSWX": (40698, "3b1946e24f19ef8c"),
    "XTAI": (21965, "44ff5bd4c585c473"),
    "XTKS": (26370, "197e349cbf5f9766"),
    "XTSE": (31580, "b3b82853fbaf2eeb"),
    "XWAR": (40491, "7c2115ed7dd694c3"),
    "XWBO": (40830, "e21b028bdb0c83aa"),
}
"""Bars and a hash of all their columns, made with the code of commit f158c31: stored forecasts depend on them."""

MENDED_FROM = {
    "XBOM": "2025-01-31",  # the budget session of 1 February 2025
    "XKRX": "2021-11-17",  # the exam day of 18 November 2021
    "XMEX": "2023-03-10",  # summers without summer time
    "XSES": "2027-01-01",  # the end of what the exchange has published
    "XSHG": "2027-01-01",
}
"""Until when a grid is as it was, where it is mended or goes on since; test_calendars.py has what changed."""

EVERY_CALENDAR = sorted({calendar for exchange in exchanges() for calendar in exchange.calendars})


@pytest.mark.parametrize("calendar", HASHES)
def test_a_grid_is_what_it_was_when_forecasts_were_made_with_it(calendar: str) -> None:
    until = datetime.fromisoformat(MENDED_FROM.get(calendar, "2033-01-01")).replace(tzinfo=UTC)
    bars = bar_grid(calendar, datetime(2015, 1, 1, tzinfo=UTC), until)
    digest = hashlib.sha256(timezone_of(calendar).encode())
    for column in bars:
        digest.update(whole_numbers(bars[column]).tobytes())
    assert (len(bars), digest.hexdigest()[:16]) == HASHES[calendar]


def whole_numbers(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.DatetimeIndex(column).as_unit("us").asi8
    return column.to_numpy().astype(np.int64)


@pytest.mark.parametrize("calendar", EVERY_CALENDAR)
def test_bars_of_every_calendar_last_up_to_an_hour_and_never_overlap(calendar: str) -> None:
    grid = grid_of(calendar)
    lengths = grid.closed - grid.opened
    assert lengths.min() >= MINUTE
    assert lengths.max() == HOUR
    assert (grid.closed[:-1] <= grid.opened[1:]).all()
    assert (np.diff(grid.session_day) >= 0).all()
    assert (grid.slot < grid.slot_count).all()
    assert grid.slot_count.max() <= 24


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(DataContractError, match="MOON"):
        grid_of("MOON")
