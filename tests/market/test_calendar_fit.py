from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from include.market.calendar_fit import best_fit
from include.market.sessions import bar_grid

SINCE, UNTIL = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def bars_of(calendar: str) -> pd.Series:
    return bar_grid(calendar, SINCE, UNTIL)["opened_at"]


@pytest.mark.parametrize("calendar", ["XHKG", "XHKG-unbroken"])
def test_the_cut_that_the_bars_have_is_found(calendar: str) -> None:
    fit = best_fit(["XHKG", "XHKG-unbroken"], bars_of(calendar))
    assert (fit.calendar, fit.on_grid_ratio, fit.common_ratio) == (calendar, 1.0, 1.0)


def test_of_two_that_have_all_bars_the_one_that_wants_fewer_others_fits() -> None:
    day_only = bars_of("XFRA")
    assert best_fit(["XDUS", "XFRA"], day_only).calendar == "XFRA"
    assert best_fit(["XFRA", "XDUS"], bars_of("XDUS")).calendar == "XDUS"


def test_a_ticker_that_trades_thinly_needs_a_calendar_with_all_of_its_bars() -> None:
    evening = bars_of("XDUS").iloc[13::14]
    assert best_fit(["XFRA", "XDUS"], evening).calendar == "XDUS"


def test_the_first_calendar_fits_where_nothing_tells_them_apart() -> None:
    mornings = bars_of("XHKG").iloc[0:1]
    assert best_fit(["XHKG", "XHKG-unbroken"], mornings).calendar == "XHKG"
    assert best_fit(["XHKG-unbroken", "XHKG"], mornings.iloc[:0]).calendar == "XHKG-unbroken"


def test_bars_off_every_grid_fit_none() -> None:
    assert best_fit(["XHKG", "XHKG-unbroken"], bars_of("XHKG") + pd.Timedelta(minutes=7)).on_grid_ratio == 0.0
