"""The trial of estimated report days, on an invented company whose nights of reports are five times as wide."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.contracts import HORIZON_COUNT
from include.earnings import EarningsDate, ReportTiming
from include.market.grid import NEW_YORK
from include.market.sessions import bar_grid
from include.pipeline.data.earlier_reports import estimated_report
from research.earnings_trial import CASES, gains_table, gather, main, odds_table
from research.night.blind import Blind
from research.night.expected import day_errors, known_days, nothing_named, read_days, widths_of

SINCE, UNTIL = datetime(2024, 6, 3, tzinfo=UTC), datetime(2025, 12, 20, tzinfo=UTC)
DAYS = [date(2023, 7, 27) + number * timedelta(weeks=13) for number in range(10)]
"""Thursdays, the last on 23 October 2025."""
UNIT = np.array([-2.0, -1.7, -1.3, -0.7, 0.0, 0.7, 1.3, 1.7, 2.0])
WIDE = 5.0


def _listed(folder: Path, days: list[date], ticker: str = "ALFA", name: str = "reports.csv") -> Path:
    rows = "".join(f"{ticker},{day},after_close\n" for day in days)
    (folder / name).write_text(f"ticker,reported_on,timing\n{rows}")
    return folder / name


def _blind(reports: list[date]) -> Blind:
    """Forecasts of the right width at each bar, but for the nights after reports."""
    grid = bar_grid(NEW_YORK, SINCE, UNTIL)
    is_first = grid["is_session_first"].to_numpy()
    day_of = pd.DatetimeIndex(grid["session_date"]).date
    after = np.isin(day_of, [day + timedelta(days=1) for day in reports]) & is_first
    usual = np.where(is_first, 0.01, 0.003)
    random = np.random.default_rng(7)
    close = np.cumsum(random.standard_normal(len(grid)) * usual * np.where(after, WIDE, 1.0))
    outcome = np.full((len(grid), HORIZON_COUNT), np.nan)
    variance = np.full((len(grid), HORIZON_COUNT), 0.003**2)
    for ahead in range(1, HORIZON_COUNT + 1):
        outcome[:-ahead, ahead - 1] = close[ahead:] - close[:-ahead]
        variance[:-ahead, ahead - 1] = usual[ahead:] ** 2
    scale = np.sqrt(np.cumsum(variance, axis=1))
    return Blind(
        market="US equity",
        closed_at=grid["closed_at"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
        close=np.exp(close),
        quantiles={"model": scale[..., np.newaxis] * UNIT},
        scale=scale,
        bar_variance=variance,
        is_break=np.append(is_first[1:], False),
        outcome=outcome,
    )


def _cells(reports: dict[str, list[EarningsDate]], blind: Blind) -> dict[str, list[str]]:
    cases = {name: gather({"ALFA": blind}, reports, known, "model") for name, known in CASES.items()}
    lines = list(gains_table(cases))[2:]
    return {name: [cell.strip() for cell in line.split("|")[2:-1]] for name, line in zip(CASES, lines, strict=True)}


def test_estimates_gain_where_the_company_keeps_its_week(tmp_path: Path) -> None:
    found = _cells(read_days([_listed(tmp_path, DAYS)]), _blind(DAYS))

    assert found["no day known"][0] == "0.00 ± 0.00"
    gains = {name: float(cells[3].split(" ± ")[0]) for name, cells in found.items()}
    assert gains["estimates alone"] > 15.0
    assert gains["a source names every day"] == gains["the same, and estimates"] == gains["estimates alone"]
    assert 0.0 < gains["a source names every second day"] < gains["the same, and estimates "]
    assert found["estimates alone"][7:] == ["6 of 6", "0 of 383"]


def test_estimates_lose_where_the_company_reports_elsewhere(tmp_path: Path) -> None:
    shifts = (5, -7, 4, -6, -2, 6)
    moved = [*DAYS[:4], *(day + timedelta(days=by) for day, by in zip(DAYS[4:], shifts, strict=True))]
    found = _cells(read_days([_listed(tmp_path, moved)]), _blind(moved))

    assert float(found["estimates alone"][0].split(" ± ")[0]) < 0.0
    assert int(found["estimates alone"][8].split()[0]) > 0
    assert float(found["a source names every day"][0].split(" ± ")[0]) > 0.0


def test_a_widened_night_pays_from_the_probability_at_which_gain_and_loss_are_equal(tmp_path: Path) -> None:
    lines = list(odds_table({"ALFA": _blind(DAYS)}, read_days([_listed(tmp_path, DAYS)]), "model"))[2:]
    right, wrong, pays = ([float(line.split("|")[place].split("±")[0]) for line in lines] for place in (2, 3, 4))

    assert right == sorted(right)
    assert wrong == sorted(wrong)
    assert wrong[0] > 0.0
    for gain, loss, probability in zip(right, wrong, pays, strict=True):
        assert probability == pytest.approx(100.0 * loss / (gain + loss), abs=0.2)


def test_an_estimate_is_read_from_nothing_that_comes_later(tmp_path: Path) -> None:
    whole = read_days([_listed(tmp_path, DAYS)])["ALFA"]
    cut = read_days([_listed(tmp_path, DAYS[:6])])["ALFA"]
    blind = _blind(DAYS)
    widths = [widths_of("ALFA", blind, known_days(said, nothing_named), has_estimates=True) for said in (whole, cut)]
    is_before = blind.closed_at < np.datetime64(DAYS[6])

    assert (widths[0][is_before] > 1.0).any()
    np.testing.assert_array_equal(widths[0][is_before], widths[1][is_before])


def test_errors_are_in_sessions(tmp_path: Path) -> None:
    moved = [*DAYS[:4], DAYS[4] + timedelta(days=1), DAYS[5] - timedelta(days=7)]
    reports = read_days([_listed(tmp_path, moved)])

    def named(known: list[EarningsDate], today: date) -> date | None:
        found = estimated_report("ALFA", known, today, datetime(2026, 1, 1, tzinfo=UTC))
        return None if found is None else found.reported_on

    assert list(day_errors(reports, named)) == [("ALFA", -1, moved[4]), ("ALFA", 5, moved[5])]


def test_of_two_files_the_first_says_when_a_report_was(tmp_path: Path) -> None:
    second = _listed(tmp_path, [DAYS[0] + timedelta(days=1), DAYS[1]], name="second.csv")
    found = read_days([_listed(tmp_path, DAYS[:1]), second])["ALFA"]

    assert [item.reported_on for item in found] == DAYS[:2]
    assert found[0].timing is ReportTiming.AFTER_CLOSE
    assert found[0].known_at == datetime(2023, 7, 28, 4, 20, tzinfo=UTC)


def test_the_command_prints_both_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = bar_grid(NEW_YORK, SINCE, datetime(2025, 2, 15, tzinfo=UTC))
    close = 100.0 * np.exp(np.cumsum(0.004 * np.random.default_rng(5).standard_t(5, len(grid))))
    opened = np.concatenate([[100.0], close[:-1]])
    bars = {"open": opened, "high": np.maximum(opened, close), "low": np.minimum(opened, close), "close": close}
    (tmp_path / "bars").mkdir()
    pd.DataFrame({"ts": grid["opened_at"], **bars, "volume": 100.0}).to_parquet(tmp_path / "bars" / "ALFA.parquet")
    listed = str(_listed(tmp_path, DAYS))

    assert main([listed, "--bars", str(tmp_path / "bars"), "--har", "--since", "2025-01-06"]) == 0
    printed = capsys.readouterr().out
    assert "| half " in printed
    assert "The side was right for 8 of 8" in printed
    assert "| estimates alone | " in printed
    assert main([str(tmp_path / "nothing.csv")]) == 1
    assert "nothing.csv" in capsys.readouterr().err
