"""The command line: the same use cases without Airflow, JSON out, a reason on standard error."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from include.cli import main
from include.local.postgres import EmbeddedPostgres
from tests.support.products import product_environment

AT = "2025-03-31T15:35:00+00:00"
HOUR = "2025-03-31T16:35:00+00:00"


@pytest.mark.integration
def test_the_command_line_migrates_onboards_forecasts_and_retires(
    migrated_server: EmbeddedPostgres,
    database: str,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOURCAST_MIGRATION_URL", migrated_server.migration_url(database))
    for name, value in product_environment(database_url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> object:
        assert main(arguments) == 0
        return json.loads(capsys.readouterr().out)

    assert run("migrate") == {"migrated": True}
    onboarded = run("onboard", "nova-usd.sim", "nonsense!", "--history-days", "90", "--as-of", AT)
    assert isinstance(onboarded, dict)
    assert onboarded["active"] == {"NOVA-USD.SIM": ""}
    assert "nonsense!" in onboarded["rejected"]
    assert run("run-hour", "--as-of", HOUR) == {"forecast": 1}
    assert run("recount") == {"scores": 1, "corrected": 0}
    assert run("earnings", "--as-of", HOUR) == {"requested": 1, "read": 1, "changed": 0, "failed": 0, "estimated": 0}
    assert run("retire", "NOVA-USD.SIM", "--as-of", HOUR) == {"retired": {"NOVA-USD.SIM": ""}}
    exported = run("export", "forecasts", "bars", "--months", "2025-03", "--to", str(tmp_path / "exports"))
    assert isinstance(exported, dict)
    assert exported["views"]["forecasts"] == {"written": 1, "unchanged": 0, "removed": 0, "rows": 14}
    assert (tmp_path / "exports" / "bars" / "month=2025-03" / "part.parquet").exists()
    assert main(["export", "--months", "March"]) == 1
    assert "'March' is no month; write it like 2026-11." in capsys.readouterr().err


@pytest.mark.integration
def test_a_person_decides_about_a_price_step(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in product_environment(database_url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)
    assert main(["onboard", "NOVA-USD.SIM", "--history-days", "90", "--as-of", AT]) == 0
    capsys.readouterr()
    step = ["rescale", "nova-usd.sim", "--opened-at", "2025-03-31T14:00Z", "--as-of", HOUR]

    assert main([*step, "--factor", "2", "--unit"]) == 0
    (decided,) = json.loads(capsys.readouterr().out)["decisions"]
    assert decided == {
        "ticker": "NOVA-USD.SIM",
        "opened_at": "2025-03-31T14:00:00+00:00",
        "decision": 2.0,
        "result": "older bars rescaled",
    }
    assert main([*step, "--move"]) == 0
    assert json.loads(capsys.readouterr().out)["decisions"][0]["result"] == "older bars are on their old scale again"
    assert main([*step, "--factor", "0"]) == 1
    assert "0.0 is no factor" in capsys.readouterr().err
    assert main(["rescale", "-USD", "--opened-at", "2025-03-31T14:00Z", "--move"]) == 1
    assert "'-USD' cannot be a ticker" in capsys.readouterr().err
    assert main(["rescale", "--opened-at", "2025-03-31T14:00Z", "--move"]) == 1
    assert "no ticker to decide about" in capsys.readouterr().err


@pytest.mark.integration
def test_another_ticker_as_of_the_same_instant_is_another_request(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in product_environment(database_url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)
    for ticker in ("NOVA-USD.SIM", "ORION-USD.SIM", "NOVA-USD.SIM"):
        assert main(["onboard", ticker, "--history-days", "30", "--as-of", AT]) == 0
        assert json.loads(capsys.readouterr().out) == {"active": {ticker: ""}}


@pytest.mark.integration
@pytest.mark.parametrize("command", ["onboard", "retire"])
def test_a_ticker_that_begins_with_a_hyphen_is_refused_as_a_ticker(
    command: str,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in product_environment(database_url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)
    assert main([command, "-USD", "--as-of", AT]) == 0
    reason = json.dumps(json.loads(capsys.readouterr().out))
    assert "'-USD' cannot be a ticker" in reason or "-USD is not tracked" in reason


def test_unknown_arguments_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["onboard", "AAPL", "--sorce", "files"])
    with pytest.raises(SystemExit):
        main(["run-hour", "-USD"])
    assert "unknown arguments: -USD" in capsys.readouterr().err


def test_without_a_database_the_command_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOURCAST_DATABASE_URL", raising=False)
    assert main(["run-hour"]) == 1
    assert "HOURCAST_DATABASE_URL is not set" in capsys.readouterr().err


@pytest.mark.integration
def test_the_command_line_trains_a_backbone_and_the_same_command_again_is_the_same_request(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in product_environment(database_url, tmp_path / "models").items():
        monkeypatch.setenv(name, value)
    tickers = ("nova-usd.sim", "orion-usd.sim", "vega-usd.sim")
    assert main(["onboard", *tickers, "--history-days", "60", "--as-of", AT]) == 0
    capsys.readouterr()
    answers = []
    for _ in range(2):
        assert main(["pretrain", "--as-of", AT, "--held-out-days", "14", "--simulated", "0", "--seed", "3"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert answers[0]["tickers"] == 3
    assert main(["pretrain", "--as-of", AT, "--held-out-days", "60"]) == 1
    assert "a backbone needs 3" in capsys.readouterr().err
    request = f"cli__pretrain__{datetime.fromisoformat(AT).isoformat()}__simulated_tickers_0__held_out_days_14__seed_3"
    assert main(["approve-backbone", request, "--reject", "--reason", "too late"]) == 0
    decided = json.loads(capsys.readouterr().out)
    assert decided == {name: answers[0][name] for name in decided}, "the decision is final"
    assert main(["leaderboard", "--as-of", AT]) == 1
    assert "No pre-training was compared" in capsys.readouterr().err
    assert main(["pretrain", "--as-of", AT, "--compare-with", "gru"]) == 1
    assert "gru is no method" in capsys.readouterr().err
    again = ["--held-out-days", "14", "--simulated", "0", "--seed", "3", "--compare-with", "tcn"]
    assert main(["pretrain", "--as-of", AT, *again]) == 0
    assert json.loads(capsys.readouterr().out) == answers[0]
    assert main(["leaderboard", request, "--as-of", AT]) == 0
    board = json.loads(capsys.readouterr().out)
    assert board["request_id"] == request
    assert {"TCN", "HAR", "backbone"} <= {each["method"] for each in board["forecasters"]}
    status = main(["rollback-backbone", "--as-of", AT, "--reason", "too wide"])
    assert (status == 0) is answers[0]["is_promoted"]
    assert ("too wide" in capsys.readouterr().out) is answers[0]["is_promoted"]
