"""What the mirror shows: pre-trainings of Postgres, evaluations of files, and which backbone serves."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from include.artefacts.store import FolderStore
from include.errors import SettingsError
from include.pipeline.pretraining import requests
from include.pipeline.pretraining.requests import BackboneRequest
from include.settings import Settings, load_settings
from include.store import backbones
from include.store.backbones import BackboneRow
from include.store.engine import create_store_engine, transaction
from include.store.method_scores import MethodScore, save_method_scores
from tests.support.products import AT, Product, open_product
from tracking.facts import EVALUATION, PRETRAINING, SHIPPED, evaluations, read_facts
from tracking.plots import BY_HORIZON, BY_MARKET, BY_QUARTER, COVERAGE

RECORD = {
    "since": "2024-10-01T00:00:00+00:00",
    "until": "2024-11-15T12:00:00+00:00",
    "baseline": "random walk",
    "code_version": "abc",
    "data": {"row_count": 10, "sha256": "ff", "rows": {"AAA": 10}},
    "scores": {
        "seasonal HAR": {
            "skill": [0.1, None, 0.3],
            "coverage_90": 0.9,
            "markets": {"US equity": {"skill_1": 0.1, "skill_mean": None, "coverage_90": 0.91}},
        }
    },
}


@pytest.fixture
def bare(database_url: str, tmp_path: Path) -> Settings:
    """An installation in which nothing was trained."""
    return load_settings({"HOURCAST_DATABASE_URL": database_url, "HOURCAST_LOCAL_DIR": str(tmp_path)})


def test_an_evaluation_has_its_scores_by_horizon_and_by_market(tmp_path: Path) -> None:
    (tmp_path / "1234.json").write_text(json.dumps(RECORD))
    (tmp_path / "1234.html").write_text("<p>report</p>")
    (tmp_path / "other.json").write_text('{"kind": "other"}')
    (tmp_path / "half.json").write_text("{")

    (run,) = evaluations(tmp_path)

    assert (run.key, run.experiment) == ("1234", EVALUATION)
    assert run.parameters["data_sha256"] == "ff"
    assert "data_rows" not in run.parameters
    assert list(run.metrics) == [
        ("seasonal_HAR/skill", 0.1, 1),
        ("seasonal_HAR/skill", 0.3, 3),
        ("seasonal_HAR/coverage_90", 0.9, 0),
        ("seasonal_HAR/US_equity/skill_1", 0.1, 0),
        ("seasonal_HAR/US_equity/coverage_90", 0.91, 0),
    ]
    assert set(run.files) == {"1234.json", "1234.html", BY_HORIZON, COVERAGE, BY_MARKET}


def test_a_run_that_changes_has_another_digest(tmp_path: Path) -> None:
    (tmp_path / "1234.json").write_text(json.dumps(RECORD))
    (run,) = evaluations(tmp_path)

    assert run.digest() == evaluations(tmp_path)[0].digest()
    assert replace(run, tags={"reason": "other"}).digest() != run.digest()
    assert replace(run, files={"1234.json": b"other"}).digest() != run.digest()


def test_without_a_database_nothing_is_mirrored_because_what_serves_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HOURCAST_DATABASE_URL is not set"):
        read_facts(load_settings({"HOURCAST_LOCAL_DIR": str(tmp_path)}), AT)


@pytest.mark.integration
def test_where_nothing_was_trained_the_shipped_backbone_is_the_champion(bare: Settings) -> None:
    facts = read_facts(bare, AT)

    assert [run.key for run in facts.runs] == [SHIPPED]
    assert facts.champion == facts.versions[0].model_version
    assert facts.challenger is None
    assert {Path(name).suffix for name in facts.versions[0].files} == {".json", ".safetensors"}
    assert set(facts.runs[0].files) == {"backbone.json", BY_QUARTER}


@pytest.mark.integration
def test_a_backbone_whose_files_are_lost_is_a_problem_and_no_error(bare: Settings, tmp_path: Path) -> None:
    facts = read_facts(replace(bare, model=replace(bare.model, backbone_dir=tmp_path / "none")), AT)

    assert facts.versions == []
    assert facts.champion is None
    assert "HOURCAST_BACKBONE_DIR cannot be read" in facts.problems[0]


@pytest.fixture
def trained(database_url: str, tmp_path: Path) -> Product:
    with open_product(database_url, tmp_path / "models", HOURCAST_LOCAL_DIR=str(tmp_path)) as product:
        product.onboard("NOVA-USD.SIM", "ORION-USD.SIM", "LYRA-USD.SIM")
        form = {"simulated_tickers": 0, "held_out_days": 14, "seed": 1}
        requests.pretrain(product.services, BackboneRequest.from_params("first", AT, form))
        yield product  # type: ignore[misc]


@pytest.mark.integration
def test_a_pre_training_has_its_parameters_its_data_and_its_scores(trained: Product) -> None:
    facts = read_facts(trained.services.settings, AT)

    run = next(each for each in facts.runs if each.key == "first")
    assert run.experiment == PRETRAINING
    assert run.parameters["seed"] == "1"
    assert len(run.parameters["data_sha256"]) == 64
    assert run.parameters["data_ticker_count"] == "3"
    assert {step for name, _, step in run.metrics if name == "backbone/skill"} == set(range(1, 8))
    assert any(name.startswith("backbone/crypto/") for name, _, _ in run.metrics)
    assert run.tags["reason"]
    assert {BY_HORIZON, COVERAGE, BY_MARKET} <= set(run.files)
    assert [version.run_key for version in facts.versions if version.run_key != SHIPPED] == ["first"]


@pytest.mark.integration
@pytest.mark.parametrize("is_promoted", [True, False], ids=["promoted", "not promoted"])
def test_the_champion_is_the_backbone_that_serves_in_postgres(trained: Product, is_promoted: bool) -> None:
    promoted_at = AT if is_promoted else None
    trained.query("update forecast.backbone set is_promoted = %s, promoted_at = %s", is_promoted, promoted_at)
    (version,) = (row[0] for row in trained.query("select model_version from forecast.backbone"))

    facts = read_facts(trained.services.settings, AT + timedelta(days=1))

    shipped = next(each.model_version for each in facts.versions if each.run_key == SHIPPED)
    assert (facts.champion, facts.challenger) == ((version, None) if is_promoted else (shipped, version))


@pytest.mark.integration
def test_a_compared_method_is_a_run_with_its_weights_and_the_backbones_run_shows_all(
    bare: Settings, tmp_path: Path
) -> None:
    settings = replace(bare, model=replace(bare.model, models_dir=tmp_path / "models"))
    scores = RECORD["scores"]["seasonal HAR"]  # type: ignore[index]
    lstm, lost = (
        MethodScore(name, version, 9, 3, 14, 0.02, 0.01, 0.03, 0.004, 0.002, 0.9, scores)
        for name, version in (("LSTM", "a" * 64), ("TCN", "b" * 64))
    )
    har = replace(lstm, method="HAR", model_version=None)
    engine = create_store_engine(str(settings.store.database_url))
    with transaction(engine) as connection:
        backbones.open_backbone(connection, BackboneRow("first", AT, AT - timedelta(days=28), ["A"], 0, 1, None))
        backbones.set_trained(connection, "first", "c" * 64, 100, "abc")
        save_method_scores(connection, "first", [lstm, lost, har])
    engine.dispose()
    kept = FolderStore(tmp_path / "models" / "compared" / ("a" * 64))
    kept.write("method.json", json.dumps({"training": {"steps": 3}, "data": {"sha256": "ff", "rows": {}}}).encode())
    kept.write("weights.safetensors", b"weights")

    facts = read_facts(settings, AT)

    runs = {run.key: run for run in facts.runs}
    assert {"first", "first/LSTM", "first/TCN"} <= set(runs)
    assert "first/HAR" not in runs
    run = runs["first/LSTM"]
    assert (run.parameters["training_steps"], run.parameters["data_sha256"]) == ("3", "ff")
    assert ("backbone_gain_ratio", 0.004, 0) in run.metrics
    assert {"method.json", "weights.safetensors", BY_HORIZON} <= set(run.files)
    assert run.tags["serves"] == "never"
    assert any(name == "HAR/skill" for name, _, _ in runs["first"].metrics)
    assert [problem for problem in facts.problems if "TCN (first) cannot be read" in problem]
