"""Every section of the benchmark runs and gives positive numbers."""

import json
import math

import pytest

from bench.__main__ import SECTIONS, SMALLEST, main, run
from bench.results import table


@pytest.mark.integration
@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_measures_finite_positive_numbers(name):
    printed = []
    found = run([name], SMALLEST, printed.append)
    rows = found["sections"][name]["rows"]
    assert rows
    for row in rows:
        numbers = [value for value in row.values() if not isinstance(value, str)]
        assert numbers
        assert all(math.isfinite(value) and value > 0 for value in numbers), row
    assert json.loads(json.dumps(found)) == found
    assert all(column in printed[-1] for column in rows[0])


def test_the_results_are_written_to_the_given_file(tmp_path, capsys):
    path = tmp_path / "deep" / "bench.json"
    assert main(["--smallest", "--only", "checkpoints", "--json", str(path)]) == 0
    found = json.loads(path.read_text())
    assert list(found["sections"]) == ["checkpoints"]
    assert found["machine"]["matmul_peak_gflops"] > 0
    assert "one file for each ticker" in capsys.readouterr().out


def test_a_table_aligns_its_columns_and_leaves_gaps_empty():
    lines = table([{"what": "a", "n": 1.23456}, {"what": "long", "m": 7}]).splitlines()
    assert [line.split() for line in lines] == [["what", "n", "m"], ["a", "1.235"], ["long", "7"]]
    assert len({len(line) for line in lines}) == 1
