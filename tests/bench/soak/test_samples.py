"""The file of samples: hours that are written are read, and a table that came later was empty before."""

from pathlib import Path

from bench.soak.samples import append, read


def test_hours_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    append(path, 0, {"seconds": 20.25, "rows": 1e7})
    append(path, 1, {"seconds": 1 / 3, "rows": 1e7 + 1, "new table": 2.0})
    assert read(path) == {"new table": [0.0, 2.0], "rows": [1e7, 1e7 + 1], "seconds": [20.25, 0.333333333]}


def test_an_empty_file_has_no_hour(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.touch()
    assert read(path) == {}
