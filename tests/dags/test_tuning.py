"""tune_language_model in Airflow, from filings that filings_etl has stored to the verdict, with a tiny Llama."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.filings.tuning import PYTHON
from tests.dags.test_filings import with_source
from tests.filings.edgar_server import EdgarEmulator, Sent
from tests.language.conftest import run_in_language
from tests.support.airflow import AirflowDriver

pytestmark = [pytest.mark.integration, pytest.mark.language, pytest.mark.timeout(1800)]
AT = "2023-04-01T04:20:00+00:00"
STEPS = ("evaluate", "merge", "prepare", "promote", "train")
SETTINGS = """
name: airflow
base_model: tiny
chat_template: plain
data: {per_kind: 4, passages: 2, test_ratio: 0.4}
training: {steps: 4, batch: 2, accumulate: 1, learning_rate: 5e-3, cut_off: 900, checkpoint_every: 2}
evaluation: {questions: 6, new_tokens: 12, batch: 3}
"""
WORDS = (
    "harbour quay crane dock",
    "orchard apple cider press",
    "foundry casting mould alloy",
    "theatre stage curtain seat",
)


def report(number: int) -> str:
    """A report with two tables, in a company's own words."""
    first, second, third, fourth = WORDS[number].split()

    def table(heading: str, labels: list[str], factor: int) -> str:
        rows = [
            f"<tr><td>{label}</td><td>{factor * (place + 7) + number:,}</td><td>{factor * (place + 5):,}</td></tr>"
            for place, label in enumerate(labels)
        ]
        head = "<tr><td></td><td>2022</td><td>2021</td></tr>"
        return f"<p><b>{heading}</b></p><table>{head}{''.join(rows)}</table>"

    sales = table("Item 8. Sales", [f"{first} {second} revenue", f"{third} {fourth} revenue", f"{first} rent"], 1234)
    staff = table("Item 9. People", [f"{second} {first} staff", f"{fourth} {third} staff", f"{second} plants"], 17)
    return f"</p>{sales}{staff}<p>"


def bytes_of(folder: Path) -> dict[Path, bytes]:
    """Every file of a run but its scores, which have the seconds of the newest call."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "evaluation.json")
    return {path: path.read_bytes() for path in files}


@pytest.fixture
def emulator() -> Iterator[EdgarEmulator]:
    """Four companies with a report each."""
    numbers = [f"000000000{number}" for number in range(1, 5)]
    companies = {
        number: [Sent(f"{number}-23-000043", "10-K", "20230310170000", "", report(place))]
        for place, number in enumerate(numbers)
    }
    tickers = dict(zip(("NOVA", "ALFA", "BETA", "GAMA"), numbers, strict=True))
    with EdgarEmulator(companies, tickers=tickers).running() as running:
        yield running


@pytest.fixture
def language_dir(tmp_path: Path) -> Path:
    """A folder of language models with a tiny base model and the settings of a run."""
    if not PYTHON.exists():
        pytest.skip("`make venv-language` installs what tunes language models")
    folder = tmp_path / "language"
    (folder / "settings").mkdir(parents=True)
    (folder / "settings" / "airflow.yaml").write_text(SETTINGS)
    run_in_language("tests.language.networks.trial", str(folder), "base")
    return folder


def test_a_model_is_tuned_on_stored_filings_and_a_second_run_finds_everything_done(
    airflow: AirflowDriver, environment: dict[str, str], emulator: EdgarEmulator, language_dir: Path
) -> None:
    chosen = with_source(environment, emulator, HOURCAST_LANGUAGE_DIR=str(language_dir)) | {"HF_HUB_OFFLINE": "1"}
    filed = airflow.run("filings_etl", chosen, conf={"tickers": ["NOVA", "ALFA", "BETA", "GAMA"]}, run_after=AT)
    assert filed["state"] == "success"

    run = airflow.run("tune_language_model", chosen, conf={"settings": "airflow.yaml"}, run_after=AT)

    assert run["state"] == "success"
    assert [(task_id, state) for task_id, _, state, _ in run["tasks"]] == [(step, "success") for step in STEPS]
    (folder,) = (language_dir / "runs").iterdir()
    assert run["note"].startswith(f"Run {folder.name} is not promoted, compared with the base model: only ")
    assert "fewer than 30" in run["note"]
    assert json.loads((folder / "training.json").read_text())["step"] == 4
    scores = json.loads((folder / "evaluation.json").read_text())
    assert scores["tuned"]["questions"] == scores["base"]["questions"] == 6
    assert scores["tuned"]["perplexity"] != scores["base"]["perplexity"]
    assert json.loads((folder / "merging.json").read_text())["logit_difference"] < 1e-3
    assert not (language_dir / "champion.json").exists()

    kept = bytes_of(folder)
    again = airflow.run("tune_language_model", chosen, conf={"settings": "airflow.yaml"}, run_after=AT)
    assert (again["state"], again["note"]) == ("success", run["note"])
    assert bytes_of(folder) == kept


def test_settings_that_there_are_not_end_the_run_with_their_names(
    airflow: AirflowDriver, environment: dict[str, str], language_dir: Path
) -> None:
    chosen = environment | {"HOURCAST_LANGUAGE_DIR": str(language_dir), "HF_HUB_OFFLINE": "1"}
    run = airflow.run("tune_language_model", chosen, conf={"settings": "other.yaml"}, run_after=AT)
    assert run["state"] == "failed"
    states = {task_id: state for task_id, _, state, _ in run["tasks"]}
    assert (states["prepare"], states["train"], states["promote"]) == ("failed", "upstream_failed", "upstream_failed")
    assert not (language_dir / "runs").exists()
