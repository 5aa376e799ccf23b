from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.market.file_samples import assert_same, canonical, clock_times, how, read, refusal

NO_ZONE = "has no time zone"
EXCHANGES = [
    ("AAPL", "XNYS", "America/New_York"),
    ("BARC.L", "XLON", "Europe/London"),
    ("7203.T", "XTKS", "Asia/Tokyo"),
    ("CDR.WA", "XWAR", "Europe/Warsaw"),
]


def csv(rows: pd.DataFrame, zone: str, name: str = "Date") -> str:
    return clock_times(rows, zone, name=name).to_csv(index=False)


@pytest.mark.parametrize(("ticker", "calendar", "zone"), EXCHANGES)
def test_sessions_show_whose_clock_it_is(tmp_path: Path, ticker: str, calendar: str, zone: str) -> None:
    rows = canonical(calendar)
    for clock in (zone, "UTC"):
        bars = read(tmp_path, csv(rows, clock), ticker)
        assert_same(bars, rows)
        assert f"by the clock of {clock} (100% of the times open a bar of {calendar}" in how(bars)


@pytest.mark.parametrize(("ticker", "calendar", "zone"), EXCHANGES)
def test_closing_times_and_other_clocks_are_refused(tmp_path: Path, ticker: str, calendar: str, zone: str) -> None:
    rows = canonical(calendar)
    closing = rows.assign(ts=rows["ts"] + pd.Timedelta(hours=1))
    assert NO_ZONE in refusal(tmp_path, csv(closing, zone), ticker)
    for other in ("Europe/Helsinki", "America/Chicago", "Asia/Kolkata"):
        assert NO_ZONE in refusal(tmp_path, csv(rows, other), ticker)


def test_closing_times_without_the_last_one_are_refused(tmp_path: Path) -> None:
    rows = canonical()
    local = rows["ts"].dt.tz_convert("America/New_York")
    closing = rows[local.dt.hour < 15].assign(ts=rows["ts"] + pd.Timedelta(hours=1))
    assert NO_ZONE in refusal(tmp_path, csv(closing, "America/New_York"))


def test_a_winter_in_london_is_utc_by_either_clock(tmp_path: Path) -> None:
    rows = canonical("XLON")
    winter = rows[rows["ts"] < pd.Timestamp("2025-03-29", tz="UTC")]
    assert_same(read(tmp_path, csv(winter, "Europe/London"), "BARC.L"), winter)


def test_few_summer_days_that_fit_both_clocks_are_refused(tmp_path: Path) -> None:
    rows = canonical("XLON")
    mostly_winter = rows[rows["ts"] < pd.Timestamp("2025-04-03", tz="UTC")]
    assert NO_ZONE in refusal(tmp_path, csv(mostly_winter, "UTC"), "BARC.L")


@pytest.mark.parametrize(("ticker", "calendar"), [("BTC-USD", "24/7"), ("EURUSD=X", "FX"), ("ACME.XY", "XNYS")])
def test_without_sessions_a_zone_must_be_written(tmp_path: Path, ticker: str, calendar: str) -> None:
    reason = refusal(tmp_path, csv(canonical(calendar), "UTC"), ticker)
    assert "column 'Date', line 2: 2025-02-03 " in reason
    assert NO_ZONE in reason
    assert "'Datetime (UTC)'" in reason


@pytest.mark.parametrize("name", ["ts_utc", "Datetime (UTC)", "Gmt time", "UTC", "TS", "time_utc"])
def test_a_columns_name_may_state_utc(tmp_path: Path, name: str) -> None:
    rows = canonical("24/7")
    bars = read(tmp_path, csv(rows, "UTC", name), "BTC-USD")
    assert_same(bars, rows)
    assert f"by the clock of UTC (stated by '{name}')" in how(bars)


def test_a_columns_name_may_state_a_zone(tmp_path: Path) -> None:
    rows = canonical()
    for zone in ("Europe/Berlin", "America/Argentina/Buenos_Aires"):
        assert_same(read(tmp_path, csv(rows, zone, f"Date/Time ({zone})")), rows)
    apart = clock_times(rows, "Europe/Berlin", "%Y-%m-%d").assign(
        time=clock_times(rows, "Europe/Berlin", "%H:%M")["Date"]
    )
    assert_same(read(tmp_path, apart.rename(columns={"time": "Time (Europe/Berlin)"}).to_csv(index=False)), rows)


def test_an_hour_that_a_clock_shows_twice_is_refused(tmp_path: Path) -> None:
    hours = pd.DataFrame({"ts": pd.date_range("2025-11-01", "2025-11-03", freq="h", tz="UTC")})
    rows = hours.assign(**dict.fromkeys(("open", "high", "low", "close"), 1.0))
    reason = refusal(tmp_path, csv(rows, "America/New_York", "Time (America/New_York)"), "BTC-USD")
    assert "2025-11-02 01:00:00 does not exist in America/New_York or is there twice" in reason
    assert "line 31" in reason
