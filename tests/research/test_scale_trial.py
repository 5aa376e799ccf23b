"""The trial of changes of scale: a table over steps that it puts into bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.contracts import BarRequest
from include.market.scale_steps import PAST_BARS, Verdict
from include.market.simulated import SimulatedSource
from research.scale_trial import Kind, enlarge, load_bars, main, put_step, put_step_within, try_kind

UNTIL = datetime(2025, 3, 31, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Simulated bars of a share under the name of a real one, so that it has New York's sessions."""
    source = SimulatedSource()
    profiles, _ = source.describe(["ALFA.SIM"], UNTIL)
    report = source.fetch_bars([BarRequest(profiles["ALFA.SIM"], UNTIL - timedelta(days=120))], UNTIL)
    bars = report.bars.rename(columns={"opened_at": "ts"})
    bars[["ts", "open", "high", "low", "close", "volume"]].to_parquet(tmp_path / "ALFA.parquet")
    return tmp_path


def test_the_table_has_a_row_for_each_kind_with_shares_of_all_steps(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--count", "3"]) == 0
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 14
    tried = [row for row in rows if "no place in these bars" not in row]
    assert len(tried) == 10  # the market has no move of a tenth
    for row in tried:
        assert sum(float(cell.removesuffix("% ")) for cell in row.split("|")[2:-1]) == pytest.approx(100.0, abs=0.2)
    assert "bars as they are" in printed


def test_steps_of_a_kind_are_counted_by_outcome(folder: Path) -> None:
    bars = load_bars(folder)
    units = Kind("units", (100.0, 0.01), False, True, put_step)
    assert try_kind(units, bars, 20, np.random.default_rng(0))[Verdict.SCALE] >= 18
    nothing = Kind("nothing", (1.0,), False, True, put_step)
    assert try_kind(nothing, bars, 5, np.random.default_rng(0)) == {Verdict.MOVE: 5}


def test_a_step_stands_before_the_middle_bar_or_within_it(folder: Path) -> None:
    excerpt = load_bars(folder)[0].iloc[: PAST_BARS + 4].reset_index(drop=True)
    stepped = put_step(excerpt, 4.0, is_volume_scaled=True)
    pd.testing.assert_frame_equal(stepped.iloc[:PAST_BARS], excerpt.iloc[:PAST_BARS])
    np.testing.assert_allclose(stepped["close"][PAST_BARS:] * 4.0, excerpt["close"][PAST_BARS:])
    np.testing.assert_allclose(stepped["volume"][PAST_BARS:] / 4.0, excerpt["volume"][PAST_BARS:])
    within = put_step_within(excerpt, 4.0, is_volume_scaled=False)
    assert within["open"][PAST_BARS] == within["high"][PAST_BARS] == excerpt["open"][PAST_BARS]
    moved = enlarge(excerpt, 2.0, is_volume_scaled=False)
    assert moved["open"][PAST_BARS] * 2.0 == pytest.approx(excerpt["close"][PAST_BARS - 1])
