import numpy as np
import pandas as pd
import pytest

from include.evaluation.leaderboard import BASELINE
from include.market import sessions
from research.evaluate import OWN, RIVAL, forecasters_of, main
from tests.evaluation.fakes import returns


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars")
    for seed, name in enumerate(("AAPL", "MSFT")):
        since, until = (pd.Timestamp(day, tz="UTC").to_pydatetime() for day in ("2024-01-02", "2024-12-01"))
        grid = sessions.bar_grid("XNYS", since, until)
        close = 40.0 * np.exp(np.cumsum(returns(len(grid), seed)))
        bars = pd.DataFrame({"ts": grid["opened_at"], "open": close, "high": close * 1.001, "low": close * 0.999})
        bars.assign(close=close, volume=5.0).to_parquet(path / f"{name}.parquet")
    return path


def test_the_leaderboard_is_printed_and_the_report_written(folder, tmp_path, capsys):
    out = tmp_path / "deep" / "report.html"
    since = ["--since", "2024-10-01", "--until", "2024-11-15T12:00:00+00:00"]
    assert main(["--bars", str(folder), *since, "--only", "EWMA", RIVAL, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    for name in (BASELINE, "EWMA", RIVAL):
        assert name in printed
    assert printed.index(RIVAL) < printed.index("EWMA")
    assert "2024-10-01 to 2024-11-15" in out.read_text(encoding="utf-8")


def test_our_own_network_is_not_judged_on_bars_that_it_learnt_from(folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    since = ["--since", "2024-10-01", "--until", "2024-11-15T12:00:00+00:00"]
    assert main(["--bars", str(folder), *since, "--only", OWN, "EWMA", "--subject", OWN, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "Hourcast does not take part: its network learnt from bars until 2025-02-28" in printed
    assert printed.count(OWN) == 1
    assert main(["--bars", str(folder), *since, "--only", OWN, "--out", str(out)]) == 1
    assert "Hourcast does not take part" in capsys.readouterr().err


def test_without_a_period_the_newest_quarter_is_judged(folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["--bars", str(folder), "--only", "EWMA", "--subject", "EWMA", "--out", str(out)]) == 0
    assert "2024-08-31 to 2024-11-29" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "Oracle"], "There is no forecaster Oracle"),
        (["--tickers", "TSLA"], "TSLA"),
        (["--only", "EWMA", "--subject", "LSTM"], "LSTM"),
        (["--only", "EWMA", "--answers", "ARIMA", "/nowhere.parquet"], "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(folder, capsys, arguments, said):
    assert main(["--bars", str(folder), *arguments]) == 1
    assert said in capsys.readouterr().err


def test_every_forecaster_of_the_issue_takes_part_unless_some_are_named():
    assert set(forecasters_of()) >= {
        OWN,
        BASELINE,
        "EWMA",
        "seasonal EWMA",
        RIVAL,
        "seasonal GARCH-t",
        "LightGBM",
        "LSTM",
        "TCN",
    }
    assert set(forecasters_of(["TCN"])) == {BASELINE, "TCN"}
