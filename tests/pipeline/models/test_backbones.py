"""The backbone in use at an instant: the newest promoted one that can be read, and last the shipped one."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from include.artefacts.store import FolderStore
from include.errors import CheckpointError
from include.model.backbone import CERTIFICATE, read_certificate
from include.model.checkpoint import BACKBONE
from include.pipeline.models import backbones
from include.settings import ModelSettings
from tests.model.made_up import bytes_of
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, Product

pytestmark = pytest.mark.integration
DEFAULTS = ModelSettings()
SHIPPED_SHAPE = {
    "context_bars": DEFAULTS.context_bars,
    "model_width": DEFAULTS.model_width,
    "model_layers": DEFAULTS.model_layers,
    "model_heads": DEFAULTS.model_heads,
}
SHIPPED_AT = datetime.fromisoformat(read_certificate()["as_of"])


@pytest.fixture
def promoted(product: Product) -> Product:
    """Two promoted backbones, of one hour and of two hours after ``AT``."""
    for number in (1, 2):
        promote_a_backbone(product, AT + number * HOUR, f"request {number}")
    return product


def version(product: Product, number: int) -> str:
    """The version of the backbone that was promoted so many hours after ``AT``."""
    ((found,),) = product.query("select model_version from forecast.backbone where as_of = %s", AT + number * HOUR)
    return str(found)


def version_at(product: Product, as_of: datetime) -> str | None:
    found = backbones.backbone_at(product.services, as_of)
    return None if found is None else found.version


def weights_of(product: Product, number: int) -> Path:
    store = backbones.backbone_store_of(product.services, version(product, number))
    return Path(store.place_of(read_certificate(store)["artefact"]))


def test_an_instant_uses_the_newest_backbone_that_was_promoted_as_of_then(promoted: Product) -> None:
    moment = timedelta(microseconds=1)
    first, second = version(promoted, 1), version(promoted, 2)
    assert first != second
    assert version_at(promoted, AT + HOUR - moment) is None
    assert version_at(promoted, AT + HOUR) == version_at(promoted, AT + 2 * HOUR - moment) == first
    assert version_at(promoted, AT + 2 * HOUR) == version_at(promoted, AT + timedelta(days=900)) == second
    found = backbones.backbone_at(promoted.services, AT + 2 * HOUR)
    assert found is not None
    assert (found.state.tickers, found.is_shipped) == ((BACKBONE,), False)


def test_a_backbone_whose_files_are_damaged_or_lost_gives_way_to_an_older_one(promoted: Product) -> None:
    path = weights_of(promoted, 2)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not those of model version"):
        backbones.trained_backbone(promoted.services, version(promoted, 2))
    assert version_at(promoted, AT + 2 * HOUR) == version(promoted, 1)
    backbones.backbone_store_of(promoted.services, version(promoted, 1)).remove(CERTIFICATE)
    with pytest.raises(CheckpointError, match="is no readable backbone"):
        backbones.trained_backbone(promoted.services, version(promoted, 1))
    assert version_at(promoted, AT + 2 * HOUR) is None


def test_a_settled_choice_stays_after_a_later_promotion(product: Product) -> None:
    promote_a_backbone(product, AT + HOUR, "request 1")
    backbones.settle_backbone(product.services, AT + 3 * HOUR)
    backbones.settle_backbone(product.services, AT)
    promote_a_backbone(product, AT + 2 * HOUR, "request 2")
    promote_a_backbone(product, AT, "request 0")
    backbones.settle_backbone(product.services, AT + 3 * HOUR)
    assert version_at(product, AT + 3 * HOUR) == version(product, 1)
    assert version_at(product, AT) is None
    assert version_at(product, AT + 4 * HOUR) == version(product, 2)


def test_without_a_trained_backbone_the_shipped_one_is_used_if_it_fits_and_is_old_enough(promoted: Product) -> None:
    promoted.change_model(**SHIPPED_SHAPE)
    assert backbones.shipped_backbone(promoted.services, SHIPPED_AT - timedelta(microseconds=1)) is None
    shipped = backbones.shipped_backbone(promoted.services, SHIPPED_AT)
    assert shipped is not None
    assert (shipped.version, shipped.is_shipped) == (read_certificate()["model_version"], True)
    assert version_at(promoted, AT + 2 * HOUR) == shipped.version  # the promoted ones have another shape
    promoted.change_model(context_bars=DEFAULTS.context_bars + 1)
    assert backbones.shipped_backbone(promoted.services, AT) is None


def test_a_settled_shipped_backbone_stays_after_a_later_promotion(product: Product) -> None:
    product.change_model(**SHIPPED_SHAPE)
    backbones.settle_backbone(product.services, AT)
    promote_a_backbone(product, AT, "request 0")
    assert version_at(product, AT) == read_certificate()["model_version"]
    assert version_at(product, AT + HOUR) == version(product, 0)


def test_a_kept_backbone_is_found_after_a_newer_one_has_replaced_it(promoted: Product) -> None:
    services, later = promoted.services, AT + 2 * HOUR
    first, second = version(promoted, 1), version(promoted, 2)
    current = backbones.find_backbone(services, second, later)
    assert current is not None
    assert current.store == backbones.backbone_store_of(services, second)
    assert backbones.find_backbone(services, first, later) is None
    kept = backbones.keep_backbone(services, backbones.trained_backbone(services, first))
    assert kept.store == FolderStore(services.settings.model.models_dir)
    found = backbones.find_backbone(services, first, later)
    assert found is not None
    assert (found.version, found.ref) == (first, kept.ref)
    assert bytes_of(found.state, 0) == bytes_of(kept.state, 0)


def test_a_models_folder_that_cannot_be_written_is_an_error(promoted: Product, tmp_path: Path) -> None:
    backbone = backbones.trained_backbone(promoted.services, version(promoted, 1))
    (tmp_path / "a file").touch()
    promoted.change_model(models_dir=tmp_path / "a file")
    with pytest.raises(CheckpointError, match="cannot be written"):
        backbones.keep_backbone(promoted.services, backbone)
