"""Whether another backbone is to be trained: when drift of the forecasts is proven, or the one in use is old.

The decision is made from the newest look and is stored as an operation that people can read. Drift of the bars starts
nothing: a new network does not mend a source. After a request, four weeks pass before the next one, so that another
backbone is judged on weeks that trained none. Where next: ``pretraining/requests.py`` for what a request does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from include.model.backbone import read_certificate
from include.model.checkpoint import Backbone
from include.pipeline.models.backbones import backbone_at
from include.pipeline.services import Services
from include.pipeline.watching.kinds import OUTCOME_KINDS
from include.store import backbones as backbone_store
from include.store import drift as drift_store
from include.store import model_operations
from include.store.drift import DriftRow
from include.store.engine import Connection, transaction
from include.store.model_operations import Operation

PAUSE_DAYS: Final = 28
"""Days between two requests: as many as a request holds out for its scores."""
LEAST_TICKERS: Final = 3
LEAST_BARS: Final = 500
"""Tickers, and bars of each before the weeks that are held out, without which a request would be refused."""
RETRAIN: Final = "retrain"
DRIFT_FORM: Final = {"held_out_days": 14, "taught_days": 28, "simulated_tickers": 0}
"""The request where drift is proven, for `pretrain_backbone`: after a change of the market, only the weeks since then
teach what holds now. Fewer weeks are held out, so that the change is among those that teach. See docs/drift.md."""
_KEEP: Final = "keep"
_WATCHER: Final = "watch_models"
_PROVEN: Final = "drift is proven: "


def decide(services: Services, as_of: datetime, request_id: str) -> dict[str, Any]:
    """Stores and returns the decision of ``as_of`` (UTC): ``decision`` is ``retrain`` or ``keep``, with the ``reason``.

    ``form`` has the parameters of `pretrain_backbone`, and ``request_id`` is the id that the request would have. A
    second call with the same instant changes nothing.
    """
    backbone = backbone_at(services, as_of)
    with transaction(services.engine) as connection:
        made = [one for one in model_operations.operations_at(connection, as_of) if one.operation in (RETRAIN, _KEEP)]
        if not made:
            name, reason = decision_of(services, connection, backbone, as_of)
            made = [
                Operation(
                    as_of=as_of,
                    operation=name,
                    reason=reason,
                    decided_by=_WATCHER,
                    model_version=None if backbone is None else backbone.version,
                    request_id=request_id if name == RETRAIN else None,
                )
            ]
            model_operations.save_operation(connection, made[0])
    form = DRIFT_FORM if made[0].reason.startswith(_PROVEN) else {}
    return {"decision": made[0].operation, "reason": made[0].reason, "form": {"as_of": as_of.isoformat(), **form}}


def decision_of(
    services: Services, connection: Connection, backbone: Backbone | None, as_of: datetime
) -> tuple[str, str]:
    """What ``decide`` would store as of ``as_of`` (UTC), with ``backbone`` in use: the decision and its reason."""
    cause = _drift(connection, as_of) or _age(services, backbone, as_of)
    if cause is None:
        return _KEEP, "no drift of the forecasts is proven, and the backbone in use is not old"
    newest_at = model_operations.newest_request_at(connection, as_of)
    if newest_at is not None and as_of - newest_at < timedelta(days=PAUSE_DAYS):
        return _KEEP, f"{cause}; but the newest request is of {newest_at.isoformat()}, less than {PAUSE_DAYS} days ago"
    cutoff_at = as_of - timedelta(days=PAUSE_DAYS)
    tickers = backbone_store.teaching_tickers(connection, as_of, cutoff_at, LEAST_BARS)
    if len(tickers) < LEAST_TICKERS:
        return _KEEP, f"{cause}; but only {len(tickers)} tickers have enough bars, of {LEAST_TICKERS} needed"
    return RETRAIN, cause


def _drift(connection: Connection, as_of: datetime) -> str | None:
    """What the look of this instant proved about the forecasts; None for nothing. Simulated markets do not count.

    If only simulated tickers are tracked, they do.
    """
    rows = [row for row in drift_store.load_drift(connection, as_of) if row.kind in OUTCOME_KINDS]
    observed = [row for row in rows if not row.market.is_simulated] or rows
    drifted = [_named(row) for row in observed if row.is_drifted]
    return f"{_PROVEN}{', '.join(drifted)}" if drifted else None


def _named(row: DriftRow) -> str:
    return f"{row.kind} in {row.market.calendar}"


def _age(services: Services, backbone: Backbone | None, as_of: datetime) -> str | None:
    """That the backbone in use is too old; None if it is not, if there is none, or if the setting turns this off."""
    limit = services.settings.schedule.backbone_max_age_days
    if backbone is None or limit == 0:
        return None
    certificate = read_certificate(backbone.store)
    trained_at = datetime.fromisoformat(str(certificate.get("cutoff_at", certificate["as_of"])))
    days = (as_of - trained_at).days
    if days <= limit:
        return None
    return f"the bars that trained the backbone end {days} days ago, and {limit} are allowed"
