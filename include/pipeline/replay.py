"""Replays: a stored forecast is made again from what was known at its instant and compared bit for bit.

A replay stores nothing. Everything that an hour read is still stored: bars and feature rows with their ``known_at``,
weights under the hash of their content, earlier forecasts. So ``forecasting.make_forecasts`` and
``challengers.make_again`` must give the same bits. If they do not, stored values of the past were changed, or the code
or a setting is different. One thing cannot be checked: that a file was unreadable at the time. A replay accepts it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd

from include.contracts import TickerProfile, require_utc
from include.errors import DataContractError, InvalidRequestError
from include.model.checkpoint import Backbone
from include.pipeline.models import backbones, challengers, forecasting
from include.pipeline.models.serving import UNREADABLE
from include.pipeline.services import Services, code_version
from include.settings import MOST_REFRESHES
from include.store import forecasts as forecast_store
from include.store import models as model_store
from include.store import registry
from include.store.engine import rows_of, transaction
from include.store.models import FINE_TUNE, ModelVersion
from include.store.tables import BASELINE_PREDICTION, PREDICTION, Table

_TRAINED_VALUES = (
    "parent_version",
    "is_promoted",
    "config",
    "seed",
    "window_count",
    "loss_before",
    "loss_after",
    "sequential_test",
)
"""What a training stores beside the weights; ``model_version`` is the hash of the weights."""


@dataclass(frozen=True)
class Replay:
    """The result of one replay; ``differences`` is empty if every bit is the same."""

    ticker: str
    as_of: datetime
    written_by: str
    model_version: str | None
    differences: list[str]
    remarks: list[str]
    is_compared: bool = True
    """False if the weights that served are pruned, so that the forecast cannot be made again."""


def parse_prediction(text: str) -> tuple[str, datetime]:
    """Ticker and ``as_of`` of a forecast written as ``AAPL@2025-03-31T16:35:00+00:00``.

    Raises:
        InvalidRequestError: the text has another form.
    """
    ticker, _, moment = text.partition("@")
    try:
        return ticker.strip().upper(), require_utc(datetime.fromisoformat(moment), "as_of")
    except (ValueError, DataContractError) as error:
        message = f"{text!r} names no prediction; write TICKER@AS_OF, like AAPL@2025-03-31T16:35:00+00:00."
        raise InvalidRequestError(message) from error


def replay_sample(services: Services, count: int, seed: int, *, is_trained_again: bool) -> list[Replay]:
    """Replays ``count`` stored forecasts, drawn at random with ``seed``."""
    with transaction(services.engine) as connection:
        chosen = forecast_store.sample_forecasts(connection, count, seed)
    return [replay(services, ticker, as_of, is_trained_again=is_trained_again) for ticker, as_of in chosen]


def replay(services: Services, ticker: str, as_of: datetime, *, is_trained_again: bool = False) -> Replay:
    """Makes one ticker's stored forecast again and compares it, its baselines and, if asked, the hour's training.

    Raises:
        InvalidRequestError: no such forecast is stored.
    """
    with transaction(services.engine) as connection:
        predictions, baselines = forecast_store.load_forecast(connection, ticker, as_of)
        tracked = registry.get_tickers(connection, [ticker])
        trained = model_store.find_versions(connection, ticker, as_of=as_of)
    if not predictions or not tracked or tracked[0].profile is None:
        message = f"No forecast of {ticker} as of {as_of.isoformat()} is stored; bi.forecast lists those that are."
        raise InvalidRequestError(message)
    stored = predictions[0]
    profile = tracked[0].profile
    serving = _serving_at(services, stored)
    remarks, differences = list(serving.remarks), list(serving.differences)
    forecasts = (
        None
        if serving.is_pruned
        else forecasting.make_forecasts(
            _as_refreshed(services, is_refresh=stored["is_refresh"]),
            [profile],
            as_of,
            written_by=stored["written_by"],
            serving=serving.versions,
            stand_in=serving.stand_in,
        )
    )
    if forecasts is not None:
        differences += _forecast_differences(predictions, baselines, forecasts, remarks)
    if is_trained_again:
        for version in trained:
            found, explained = _training_differences(services, profile, version)
            differences += found
            remarks += [*_code_remark(version), *explained]
        remarks += [] if trained else ["no training as of this instant is stored"]
    is_compared = forecasts is not None
    return Replay(ticker, as_of, stored["written_by"], stored["model_version"], differences, remarks, is_compared)


def _as_refreshed(services: Services, *, is_refresh: bool) -> Services:
    """The services with the setting by which the stored forecast was refreshed, or was not."""
    settings = services.settings
    schedule = replace(settings.schedule, night_refreshes=MOST_REFRESHES if is_refresh else 0)
    return replace(services, settings=replace(settings, schedule=schedule))


def _forecast_differences(
    predictions: Sequence[Mapping[str, Any]],
    baselines: Sequence[Mapping[str, Any]],
    forecasts: forecasting.Forecasts,
    remarks: list[str],
) -> list[str]:
    """Each stored value of a forecast and its baselines that differs; adds to ``remarks`` what cannot be checked."""
    reason = str(predictions[0]["fallback_reason"] or "")
    if reason.startswith(UNREADABLE):
        remarks.append("that no model could be read is accepted: it cannot be checked")
        forecasts.predictions[:] = [frame.assign(fallback_reason=reason) for frame in forecasts.predictions]
    found = [str(why) for status, why in forecasts.results.values() if status.value == "failed"]
    found += _differences(PREDICTION, predictions, forecasts.predictions)
    return found + _differences(BASELINE_PREDICTION, baselines, forecasts.baselines)


@dataclass(frozen=True)
class _Serving:
    """The models that could serve when a forecast was made, remarks on them, and what is wrong with them."""

    versions: dict[str, list[ModelVersion]] = field(default_factory=dict)
    stand_in: Backbone | None = None
    is_pruned: bool = False
    remarks: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def _serving_at(services: Services, stored: Mapping[str, Any]) -> _Serving:
    ticker, as_of, name = stored["ticker"], stored["as_of"], stored["model_version"]
    with transaction(services.engine) as connection:
        if name is None:
            is_given = str(stored["fallback_reason"]).startswith(UNREADABLE)
            return _Serving({} if is_given else model_store.serving_versions(connection, [ticker], as_of))
        found = model_store.find_versions(connection, ticker, model_version=name)
    if not found and (backbone := backbones.find_backbone(services, name, as_of)):
        return _Serving(
            stand_in=backbone, remarks=["that the backbone served in a model's place is accepted: it cannot be checked"]
        )
    known = [version for version in found if version.is_promoted and version.as_of <= as_of]
    if not known:
        wrong = f"model_version: {name} served, but no promoted version of that name existed at {as_of.isoformat()}"
        return _Serving(differences=[wrong])
    if known[-1].is_pruned:
        remark = f"the weights of {name[:12]} are pruned, being older than HOURCAST_MODEL_RETENTION_DAYS: not compared"
        return _Serving(is_pruned=True, remarks=[remark])
    return _Serving({ticker: [known[-1]]}, remarks=_code_remark(known[-1]))


def _code_remark(version: ModelVersion) -> list[str]:
    made_by, here = version.code_version, code_version()
    return (
        [] if made_by == here else [f"{version.ref.model_version[:12]} was trained by code {made_by}; this is {here}"]
    )


def _differences(table: Table, stored: Sequence[Mapping[str, Any]], frames: Sequence[pd.DataFrame]) -> list[str]:
    """Each value of the stored rows that differs in the rows made again, in words."""
    again = [row for frame in frames for row in rows_of(frame, table.columns)]
    made = {row[: len(table.keys)]: dict(zip(table.columns, row, strict=True)) for row in again}
    kept = {tuple(row[key] for key in table.keys): row for row in stored}
    found = [f"{table.name}: {_key_text(key)} is not made again" for key in kept if key not in made]
    found += [f"{table.name}: {_key_text(key)} is made, but not stored" for key in made if key not in kept]
    for key, row in kept.items():
        for column in table.values if key in made else ():
            if not _is_same(row[column], made[key][column]):
                found.append(f"{table.name}: {_key_text(key)} {column} is {row[column]!r}, again {made[key][column]!r}")
    return found


def _key_text(key: Sequence[Any]) -> str:
    return " ".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in key)


def _is_same(first: object, second: object) -> bool:
    """Whether two values are equal; floats must be equal in every bit, so that NaN equals NaN and 0.0 is not -0.0."""
    if isinstance(first, float) and isinstance(second, float):
        return struct.pack("d", first) == struct.pack("d", second)
    return first == second


def _training_differences(
    services: Services, profile: TickerProfile, version: ModelVersion
) -> tuple[list[str], list[str]]:
    """What differs in the hour's training when it is repeated from the same weights, and remarks."""
    if version.kind == FINE_TUNE and version.sequential_test is None:
        return [], ["a training from before sequential tests were stored is not made again"]
    if version.config.get("reason") == challengers.NOT_READABLE:
        return [], ["that the challenger's weights could not be read is accepted: it cannot be checked"]
    with transaction(services.engine) as connection:
        parents = (
            model_store.find_versions(connection, profile.ticker, model_version=version.parent_version)
            if version.parent_version
            else []
        )
    if any(parent.is_pruned for parent in parents):
        return [], [f"{version.ref.model_version[:12]} was trained from weights that are pruned: not made again"]
    again = challengers.make_again(services, profile, version, parents)
    if again is None:
        return [f"model_version: {version.ref.model_version} cannot be made again: {_obstacle(version, parents)}"], []
    pairs = [("model_version", version.ref.model_version, again.ref.model_version)]
    pairs += [(name, getattr(version, name), getattr(again, name)) for name in _TRAINED_VALUES]
    return [f"training: {name} is {was!r}, again {now!r}" for name, was, now in pairs if not _is_same(was, now)], []


def _obstacle(version: ModelVersion, parents: Sequence[ModelVersion]) -> str:
    if version.parent_version and not parents:
        return f"its parent {version.parent_version} is not stored"
    return "its parent's weights, or the bars it was trained on, cannot be read"
