import numpy as np
import pandas as pd
import pytest

from include.evaluation.leaderboard import BASELINE
from include.market import sessions
from research.evaluate import COMPETITOR, PRODUCT, forecasters_of, main
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
    assert main(["--bars", str(folder), *since, "--only", "EWMA", COMPETITOR, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    (record,) = (out.parent / "evaluations").glob("*.json")
    assert str(record) in printed
    for name in (BASELINE, "EWMA", COMPETITOR):
        assert name in printed
    assert printed.index(COMPETITOR) < printed.index("EWMA")
    assert "2024-10-01 to 2024-11-15" in out.read_text(encoding="utf-8")


def test_the_product_is_left_out_if_its_backbone_was_trained_on_bars_of_the_period(folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    since = ["--since", "2024-10-01", "--until", "2024-11-15T12:00:00+00:00"]
    assert (
        main(["--bars", str(folder), *since, "--only", PRODUCT, "EWMA", "--subject", PRODUCT, "--out", str(out)]) == 0
    )
    printed = capsys.readouterr().out
    assert "Hourcast is left out: its backbone was trained on bars until 2025-02-28" in printed
    assert printed.count(PRODUCT) == 1
    assert main(["--bars", str(folder), *since, "--only", PRODUCT, "--out", str(out)]) == 1
    assert "Hourcast is left out" in capsys.readouterr().err


def test_the_default_period_is_the_newest_quarter(folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["--bars", str(folder), "--only", "EWMA", "--subject", "EWMA", "--out", str(out)]) == 0
    assert "2024-08-31 to 2024-11-29" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "Oracle"], "There is no forecaster Oracle"),
        (["--tickers", "TSLA"], "TSLA"),
        (["--only", "EWMA", "--subject", "LSTM"], "LSTM"),
        (["--only", "EWMA", "--forecasts", "ARIMA", "/nowhere.parquet"], "cannot be read"),
    ],
)
def test_wrong_arguments_give_an_error_message(folder, capsys, arguments, message):
    assert main(["--bars", str(folder), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_all_forecasters_are_evaluated_unless_some_are_named():
    assert set(forecasters_of()) >= {
        PRODUCT,
        BASELINE,
        "EWMA",
        "seasonal EWMA",
        COMPETITOR,
        "seasonal GARCH-t",
        "LightGBM",
        "LSTM",
        "TCN",
    }
    assert set(forecasters_of(["TCN"])) == {BASELINE, "TCN"}
