"""The trial of renewals, on two invented tickers: a row for each quarter, and no gain in the first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.errors import InvalidRequestError
from research.renewal_trial import main, quarters
from tests.support.market import write_simulated_bars

UNTIL = datetime(2024, 8, 20, tzinfo=UTC)
TICKERS = {"ALFA.SIM": "ALFA", "NOVA-USD.SIM": "NOVA-USD"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars")
    write_simulated_bars(path, TICKERS, UNTIL - timedelta(days=230), UNTIL)
    return path


def test_quarters_of_91_days_follow_one_another_and_the_last_has_a_week_at_least() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    assert quarters(first, first + timedelta(days=97)) == [first]
    assert quarters(first, first + timedelta(days=98)) == [first, first + timedelta(days=91)]
    with pytest.raises(InvalidRequestError, match="No week lies between"):
        quarters(first, first + timedelta(days=6))


def test_the_table_has_a_row_for_each_quarter_and_the_first_shows_no_gain(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(folder), "--since", "2024-05-10", "--until", "2024-08-20", "--steps", "1", "--every", "40"]
    assert main(asked) == 0
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[2:]] == ["2024-05-10", "2024-08-09", "mean of 1"]
    assert rows[2][2] == "+0.00 ± 0.00 / +0.00 ± 0.00"
    assert rows[2][3] == rows[2][4]
    assert rows[3][2] != rows[2][2]
    assert rows[4][2:] == rows[3][2:]


def test_a_folder_without_bars_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "holds no Parquet or CSV file of bars" in capsys.readouterr().err
