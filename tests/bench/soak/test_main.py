"""The command of the soak, from samples that are there already: its page, its curves, its exit status."""

from pathlib import Path

import pytest

from bench.soak.__main__ import main
from bench.soak.samples import append
from tests.bench.soak.invented import HOURS, invented


def write(path: Path, **added: float) -> None:
    found = invented(**added)
    for hour in HOURS:
        append(path, int(hour), {name: values[hour] for name, values in found.items()})


def test_what_grows_as_stated_ends_with_0_and_a_page_with_its_curves(tmp_path: Path) -> None:
    write(tmp_path / "samples.csv")
    assert main(["--only-page", "--samples", str(tmp_path / "samples.csv"), "--out", str(tmp_path)]) == 0
    assert "110 hours of 50 tickers" in (tmp_path / "soak.md").read_text(encoding="utf-8")
    assert "MB memory scheduler" in (tmp_path / "soak.svg").read_text(encoding="utf-8")


def test_a_leak_ends_with_1_and_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "samples.csv", MB_memory_scheduler=0.5)
    assert main(["--only-page", "--samples", str(tmp_path / "samples.csv"), "--out", str(tmp_path)]) == 1
    assert "MB memory scheduler grows by" in capsys.readouterr().out


def test_samples_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"samples\.csv does not exist"):
        main(["--only-page", "--samples", str(tmp_path / "samples.csv"), "--out", str(tmp_path)])
