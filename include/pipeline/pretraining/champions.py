"""The two weeks after a promotion: the new backbone and the one before it forecast the same bars, and a loser goes.

Both forecast every bar of those weeks, which trained neither. The new one is taken back if its loss is higher by more
than one standard error over days; otherwise it is confirmed. A backbone that is taken back is used by no later hour;
each ticker's challenger then restarts from the one before it. A person can take one back at any time. Where next:
``evaluation/trial.py`` for the comparison, ``requests.py`` for what came before.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from include.errors import CheckpointError, InvalidRequestError
from include.evaluation.trial import Comparison, compare
from include.model.checkpoint import Backbone
from include.pipeline.models import backbones
from include.pipeline.pretraining.pretrain import compare_backbones
from include.pipeline.pretraining.stored import known_histories
from include.pipeline.services import Services
from include.store import backbones as backbone_store
from include.store import model_operations
from include.store.backbones import BackboneRow
from include.store.engine import transaction
from include.store.model_operations import Operation

TRIAL_DAYS: Final = 14
_GRACE_DAYS: Final = 2
"""Days after the trial until its last outcomes are known."""
_DECISIONS: Final = ("confirm", "roll back")
WATCHER: Final = "watch_models"


def review(services: Services, as_of: datetime) -> dict[str, Any]:
    """Decides about the backbone in use at ``as_of`` (UTC) if its two weeks are over; the decision with its reason.

    A second call with the same instant changes nothing. ``decision`` is ``confirm``, ``roll back``, ``on trial`` or
    ``none``.
    """
    with transaction(services.engine) as connection:
        done = [one for one in model_operations.operations_at(connection, as_of) if one.operation in _DECISIONS]
        requests = model_operations.promoted_requests(connection, as_of)
        row = backbone_store.find_backbone(connection, requests[0]) if requests else None
        is_decided = bool(
            row and row.model_version and model_operations.is_confirmed(connection, row.model_version, as_of)
        )
    if done:
        return {"decision": done[0].operation, "request_id": done[0].request_id, "reason": done[0].reason}
    if row is None or is_decided:
        return {"decision": "none", "reason": "no backbone is on trial"}
    over_at = row.as_of + timedelta(days=TRIAL_DAYS + _GRACE_DAYS)
    if as_of < over_at:
        return {"decision": "on trial", "reason": f"{row.request_id} is on trial until {over_at.isoformat()}"}
    before = _before(services, requests, as_of)
    return _decide(services, row, before, as_of)


def roll_back(services: Services, as_of: datetime, reason: str, decided_by: str) -> dict[str, Any]:
    """Takes the backbone in use at ``as_of`` (UTC) back, so that the one before it serves; what was done.

    Raises:
        InvalidRequestError: the backbone in use was not trained here, so there is none to take back.
    """
    with transaction(services.engine) as connection:
        done = [one for one in model_operations.operations_at(connection, as_of) if one.operation == "roll back"]
        requests = model_operations.promoted_requests(connection, as_of)
        row = backbone_store.find_backbone(connection, requests[0]) if requests else None
    if done:
        return {"decision": "roll back", "request_id": done[0].request_id, "reason": done[0].reason}
    if row is None:
        message = f"No backbone that was trained here is in use at {as_of.isoformat()}; there is none to take back."
        raise InvalidRequestError(message)
    before = _before(services, requests, as_of)
    with transaction(services.engine) as connection:
        model_operations.withdraw(connection, row.request_id, as_of)
        model_operations.save_operation(connection, _operation("roll back", row, before, as_of, reason, decided_by))
    return {"decision": "roll back", "request_id": row.request_id, "reason": reason}


def _before(services: Services, requests: list[str], as_of: datetime) -> Backbone | None:
    """The backbone that would serve without the one in use: an older one, the shipped one, or none."""
    with transaction(services.engine) as connection:
        versions = [
            row.model_version
            for request_id in requests[1:]
            if (row := backbone_store.find_backbone(connection, request_id)) and row.model_version
        ]
    for version in versions:
        try:
            return backbones.trained_backbone(services, version)
        except CheckpointError:
            continue  # an hour passes over it, too
    return backbones.shipped_backbone(services, as_of)


def _decide(services: Services, row: BackboneRow, before: Backbone | None, as_of: datetime) -> dict[str, Any]:
    if before is None or row.model_version is None:
        return _confirm(services, row, before, as_of, "there was no backbone before it")
    found = _compare(services, row, row.model_version, before, as_of)
    beside = (
        f"its CRPS less that of the one before it is {100.0 * found.difference:.3f} % of the random walk's, "
        f"with a standard error of {100.0 * found.error:.3f} %, over {found.day_count} days"
    )
    if found.is_lost:
        return roll_back(services, as_of, f"it lost: {beside}", WATCHER)
    return _confirm(services, row, before, as_of, f"it did not lose: {beside}")


def _compare(services: Services, row: BackboneRow, version: str, before: Backbone, as_of: datetime) -> Comparison:
    states = {"champion": backbones.trained_backbone(services, version).state, "before": before.state}
    histories = known_histories(services, row.tickers, as_of)
    until = row.as_of + timedelta(days=TRIAL_DAYS)
    return compare(compare_backbones(histories, states, row.as_of, until, is_calibrated=False), "champion", "before")


def _confirm(
    services: Services, row: BackboneRow, before: Backbone | None, as_of: datetime, reason: str
) -> dict[str, Any]:
    with transaction(services.engine) as connection:
        model_operations.save_operation(connection, _operation("confirm", row, before, as_of, reason, WATCHER))
    return {"decision": "confirm", "request_id": row.request_id, "reason": reason}


def _operation(
    name: str, row: BackboneRow, before: Backbone | None, as_of: datetime, reason: str, decided_by: str
) -> Operation:
    return Operation(
        as_of=as_of,
        operation=name,
        reason=reason,
        decided_by=decided_by,
        model_version=row.model_version,
        other_version=None if before is None else before.version,
        request_id=row.request_id,
    )
