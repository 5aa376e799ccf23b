"""The backbone in use at an instant: which one it is, where it is stored, and a copy beside the tickers' models.

The backbone is the network that every ticker's model starts from. ``pipeline/pretraining`` trains new ones; this module
only finds and reads them, so that an hour does not import the pre-trainer. Where next: ``networks.py`` for the models
of the tickers.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from include.artefacts.store import ArtefactStore, FolderStore
from include.errors import CheckpointError
from include.model.backbone import load_backbone, read_certificate
from include.model.checkpoint import BACKBONE, Backbone, backbone_ref, is_intact, load_tickers
from include.model.checkpoint import keep_backbone as keep_file
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.models.networks import network_config
from include.pipeline.services import Services
from include.store import backbones as backbone_store
from include.store.engine import transaction

_FOLDER = "backbones"
_LOG: Final = logging.getLogger(__name__)


def backbone_at(services: Services, as_of: datetime) -> Backbone | None:
    """The backbone in use at ``as_of``; None if no backbone fits the settings or all were trained on later bars.

    New tickers start from it, fine-tuning is pulled towards it, and challengers are compared with it. It is the newest
    promoted backbone whose training and scoring used no bar after ``as_of``. The plan of an hour or of a request
    stores the choice, so that a rerun or a replay finds the same backbone. If its files are lost or were made for
    another network shape, an older one is used, and last the one that is shipped with the code.

    A backbone has no greatest age. It describes how moves follow one another, which was measured to last for months;
    the scale and the interval widths, which change faster, are not part of it.
    """
    with transaction(services.engine) as connection:
        versions = backbone_store.backbones_at(connection, as_of)
    for version in versions:
        try:
            return trained_backbone(services, version)
        except CheckpointError as error:
            _LOG.warning("%s: the backbone %s cannot be used: %s", as_of.isoformat(), version[:12], error)
    return shipped_backbone(services, as_of)


def settle_backbone(services: Services, as_of: datetime) -> None:
    """Stores which backbone the hour or the request of ``as_of`` uses; a choice that is stored already stays."""
    backbone = backbone_at(services, as_of)
    version, is_shipped = (None, False) if backbone is None else (backbone.version, backbone.is_shipped)
    with transaction(services.engine) as connection:
        backbone_store.settle_backbone(connection, as_of, version, is_shipped=is_shipped)


def shipped_backbone(services: Services, as_of: datetime) -> Backbone | None:
    """The backbone that is shipped with the code; None if it does not fit or was trained on bars after ``as_of``."""
    store = FolderStore(services.settings.model.backbone_dir)
    with suppress(CheckpointError):
        trained_until = datetime.fromisoformat(str(read_certificate(store)["as_of"]))
        if trained_until <= as_of:
            return replace(load_backbone(network_config(services), store), is_shipped=True)
    return None


def trained_backbone(services: Services, version: str) -> Backbone:
    """A backbone that was trained on this installation.

    Raises:
        CheckpointError: its files are lost, damaged or of another network shape.
    """
    return load_backbone(network_config(services), backbone_store_of(services, version))


def backbone_store_of(services: Services, version: str) -> ArtefactStore:
    """Where the files of a backbone that was trained on this installation are stored."""
    return artefact_store(services).below(_FOLDER, version)


def find_backbone(services: Services, version: str, as_of: datetime) -> Backbone | None:
    """The backbone of this version: the one in use at ``as_of``, or a copy beside the models; None if neither is."""
    current = backbone_at(services, as_of)
    if current is not None and current.version == version:
        return current
    store = artefact_store(services)
    ref = backbone_ref(BACKBONE, version)
    state, _ = load_tickers(store, [ref], network_config(services))
    return Backbone(ref, state, store) if state.tickers else None


def backbone_of_hour(services: Services, reference: str, as_of: datetime) -> Backbone | None:
    """The backbone that the trainings of a past hour used, given the reference of one of them; None for none.

    The reference may be the version of a backbone that was no longer in use in that hour.
    """
    with transaction(services.engine) as connection:
        if backbone_store.is_without_backbone(connection, as_of):
            return None
    return find_backbone(services, reference, as_of)


def keep_backbone(services: Services, backbone: Backbone) -> Backbone:
    """The same backbone as a file beside the models, so that models stay readable when a newer one replaces it.

    A copy that is damaged is written again.

    Raises:
        CheckpointError: the copy cannot be written.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    store = artefact_store(services)
    name = backbone_ref(backbone.ref.ticker, backbone.version).artefact
    if store.exists(name) and not is_intact(name, store.read(name)):
        _LOG.warning("%s is damaged and is written again from %s", name, backbone.store.place_of(backbone.ref.artefact))
    return keep_file(store, backbone)
