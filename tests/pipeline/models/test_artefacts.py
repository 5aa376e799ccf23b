"""The store that the settings describe, and hours whose artefacts are in an object store."""

from pathlib import Path

import pytest

from include.artefacts.objects import ObjectStore
from include.artefacts.store import FolderStore
from include.errors import ArtefactStoreUnavailableError
from include.pipeline.models import artefacts, retention
from include.pipeline.replay import replay
from tests.support.object_server import BUCKET, ObjectServer
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    with ObjectServer().running() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        yield running


def three_hours(product: Product, request_id: str) -> None:
    product.onboard(NOVA, history_days=30, request_id=request_id)
    for number in (1, 2, 3):
        product.run_hour(AT + number * HOUR)


def test_without_an_address_the_store_is_the_models_folder(product: Product) -> None:
    assert artefacts.artefact_store(product.services) == FolderStore(product.services.settings.model.models_dir)


def test_hours_leave_the_same_files_in_an_object_store_as_in_a_folder(
    product: Product, server: ObjectServer, tmp_path: Path
) -> None:
    folder = product.services.settings.model.models_dir
    three_hours(product, "first")
    versions = product.query("select ticker, as_of, model_version, artefact from forecast.model_version order by 1, 2")
    product.query("delete from forecast.model_version; delete from forecast.ticker; commit")
    product.change_model(models_dir=tmp_path / "copies", artifacts_uri=f"s3://{BUCKET}/models")
    three_hours(product, "second")

    again = product.query("select ticker, as_of, model_version, artefact from forecast.model_version order by 1, 2")
    assert again == versions
    in_folder = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".safetensors"}
    in_bucket = {key.rsplit("/", 1)[1]: content for key, content in server.objects.items() if "safetensors" in key}
    assert in_bucket == in_folder
    assert len(in_bucket) >= 4
    assert replay(product.services, NOVA, AT + 2 * HOUR, is_trained_again=True).differences == []
    assert isinstance(artefacts.artefact_store(product.services), ObjectStore)

    product.query("update forecast.model_version set is_pruned = true where as_of = %s; commit", AT + HOUR)
    removed = retention.prune(product.services, AT + 4 * HOUR)
    left = {key.rsplit("/", 1)[1] for key in server.objects if key.endswith(".safetensors")}
    assert removed["files"] == 1
    assert in_bucket.keys() - left == {artefact for _, as_of, _, artefact in versions if as_of == AT + HOUR}


def test_a_store_that_is_away_fails_the_stage_and_no_older_model_serves(
    product: Product, server: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    product.change_model(models_dir=tmp_path / "copies", artifacts_uri=f"s3://{BUCKET}/models")
    three_hours(product, "second")
    for path in (tmp_path / "copies").rglob("shard-*"):
        path.unlink()
    before = product.checksum(["prediction", "model_version"])
    monkeypatch.setattr("include.artefacts.objects.time.sleep", lambda _seconds: None)
    server.faults = {("HEAD", ".safetensors"): ["error"] * 200}
    with pytest.raises(ArtefactStoreUnavailableError):
        product.run_hour(AT + 4 * HOUR)
    assert product.checksum(["prediction", "model_version"]) == before
    server.faults = {}
    assert product.run_hour(AT + 4 * HOUR) == {"forecast": 1}
    assert product.query("select kind from forecast.model_version where as_of = %s", AT + 4 * HOUR) == [("fine_tune",)]
