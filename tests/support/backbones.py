"""A backbone that was trained here, for a product of the tests' small shape."""

from datetime import datetime

from include.artefacts.store import FolderStore
from include.model.backbone import backbone_version, save_backbone
from include.model.checkpoint import BACKBONE
from include.model.shard import ShardState, initial_state
from include.pipeline.models.networks import network_config
from include.store import backbones as backbone_store
from include.store.backbones import BackboneRow
from include.store.engine import transaction
from tests.support.products import HOUR, ROUND_THE_CLOCK, Product


def promote_a_backbone(product: Product, as_of: datetime, version: str, amount: float = 0.05) -> None:
    """A backbone of the tests' small shape, stirred by an amount so that it is nobody's, promoted as of an instant."""
    config = network_config(product.services)
    state = initial_state((BACKBONE,), config, (11,))
    stirred = {name: value + amount for name, value in state.parameters.items()}
    folder = product.services.settings.model.models_dir / "backbones"
    birth = {"as_of": as_of.isoformat(), "kind": "backbone", "seed": 11}
    own = ShardState(state.tickers, stirred, config)
    name = backbone_version(own, birth)
    save_backbone(FolderStore(folder / name), own, birth)
    with transaction(product.services.engine) as connection:
        row = BackboneRow(version, as_of, as_of - HOUR, [ROUND_THE_CLOCK[0]], 0, 11, None)
        backbone_store.open_backbone(connection, row)
        backbone_store.set_trained(connection, version, name, 1, "code")
        backbone_store.set_scores(connection, version, {"backbone_skill": 0.1})
        backbone_store.decide(connection, version, "planted", is_promoted=True)
