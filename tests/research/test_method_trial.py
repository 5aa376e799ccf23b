"""The trial of methods, on two invented tickers: every forecaster has a row, and the Transformer a gain over each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from research.method_trial import main
from tests.support.market import write_simulated_bars

UNTIL = datetime(2024, 8, 20, tzinfo=UTC)
TICKERS = {"ALFA.SIM": "ALFA", "NOVA-USD.SIM": "NOVA-USD"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars")
    write_simulated_bars(path, TICKERS, UNTIL - timedelta(days=200), UNTIL)
    return path


def test_every_forecaster_has_a_row_with_its_skill_best_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [str(folder), "--until", "2024-08-20", "--held-out-days", "7", "--steps", "2", "--methods", "tcn"]
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["Transformer", "TCN", "Scores"]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines if line.startswith("| ")][1:]
    assert {row[0] for row in rows} == {"Transformer", "TCN", "HAR", "scale", "random walk"}
    skills = [float(row[1].split("/")[1].split("±")[0]) for row in rows]
    assert skills == sorted(skills, reverse=True)
    (walk,) = [row for row in rows if row[0] == "random walk"]
    assert walk[1] == "+0.00 ± 0.00 / +0.00 ± 0.00"
    (transformer,) = [row for row in rows if row[0] == "Transformer"]
    assert transformer[2] == walk[1]
    assert walk[2] == transformer[1]


def test_a_folder_without_bars_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "holds no Parquet or CSV file of bars" in capsys.readouterr().err
