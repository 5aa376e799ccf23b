"""The daily look at drift: it counts the days since the look before it, and stores what the tests say now.

A look has one instant, ``as_of``, and reads nothing that became known later. A day counts from three hours after its
end on, when its last bars are scored. The look goes on from the state of the newest look before it, so a day counts
once. A second run of the same look changes nothing. Where next: ``kinds.py`` for how a day is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from include.model.checkpoint import Backbone
from include.pipeline.models.backbones import backbone_at
from include.pipeline.services import Services
from include.pipeline.watching import kinds
from include.pipeline.watching.inputs import input_shifts
from include.pipeline.watching.kinds import Watched
from include.store import drift as drift_store
from include.store import drift_days
from include.store.drift import DriftRow, Look, Market
from include.store.engine import transaction

FIRST_LOOK_DAYS: Final = 28
"""Days that the first look counts."""
_GRACE: Final = timedelta(hours=3)
_Key = tuple[Market, str]
_States = dict[_Key, Watched]


def look(services: Services, as_of: datetime) -> dict[str, int]:
    """Stores the look of ``as_of`` (UTC) unless it is stored; counts of tests, of drifts and of shifted inputs."""
    with transaction(services.engine) as connection:
        is_known = drift_store.find_look(connection, as_of) is not None
    if not is_known:
        _store_look(services, as_of)
    with transaction(services.engine) as connection:
        rows = drift_store.load_drift(connection, as_of)
        shifted_count = drift_store.shifted_count(connection, as_of)
    return {"tests": len(rows), "drifted": sum(row.is_drifted for row in rows), "shifted_inputs": shifted_count}


def _store_look(services: Services, as_of: datetime) -> None:
    backbone = backbone_at(services, as_of)
    until = (as_of - _GRACE).replace(hour=0, minute=0, second=0, microsecond=0)
    with transaction(services.engine) as connection:
        previous = drift_store.find_look(connection, as_of, is_before=True)
        before = drift_store.load_drift(connection, previous.as_of) if previous else []
        since = previous.counted_at if previous else until - timedelta(days=FIRST_LOOK_DAYS)
        outcomes = drift_days.outcome_days(connection, since, until, as_of)
        bars = drift_days.bar_days(connection, since, until, as_of)
    version = backbone.version if backbone else None
    states = _states(before, is_same_backbone=previous is not None and previous.backbone_version == version)
    for outcome in outcomes:
        _count(states, outcome.market, kinds.OUTCOME_KINDS, partial(kinds.count_outcome, day=outcome))
    for bar in bars:
        _count(states, bar.market, kinds.BAR_KINDS, partial(kinds.count_bars, day=bar))
    _save(services, Look(as_of, max(since, until), version), _rows(states, before, as_of), backbone)


def _save(services: Services, found: Look, rows: list[DriftRow], backbone: Backbone | None) -> None:
    shifts = input_shifts(services, backbone, found.as_of)
    with transaction(services.engine) as connection:
        drift_store.save_look(connection, found, rows, shifts)


def _states(before: Iterable[DriftRow], *, is_same_backbone: bool) -> _States:
    """The states to go on from. With another backbone the tests of the forecasts begin again."""
    return {
        (row.market, row.kind): kinds.read(row.kind, row.state)
        for row in before
        if is_same_backbone or row.kind in kinds.BAR_KINDS
    }


def _count(states: _States, market: Market, names: Iterable[str], count: Callable[[str, Watched], Watched]) -> None:
    for name in names:
        states[market, name] = count(name, states.get((market, name), kinds.first(name)))


def _rows(states: _States, before: Iterable[DriftRow], as_of: datetime) -> list[DriftRow]:
    began = {(row.market, row.kind): row.drifted_at for row in before}
    return [
        DriftRow(
            market=market,
            kind=kind,
            day_count=watched.test.day_count,
            observed_ratio=watched.observed_ratio,
            expected_ratio=kinds.expected_ratio(kind, watched),
            e_value=watched.test.e_value,
            is_drifted=watched.test.is_drifted,
            drifted_at=(began.get((market, kind)) or as_of) if watched.test.is_drifted else None,
            state=watched.to_dict(),
        )
        for (market, kind), watched in sorted(states.items(), key=lambda item: item[0])
    ]
