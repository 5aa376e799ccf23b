"""What the mirror shows: pre-trainings, evaluations and backbones, read from Postgres and from files.

Postgres is the truth of what serves. This module knows no MLflow. Where next: ``mirror.py``, which writes the facts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from include.artefacts.opening import open_store
from include.artefacts.store import ArtefactStore, FolderStore
from include.errors import CheckpointError, SettingsError
from include.settings import Settings
from include.store import backbones as backbone_store
from include.store import method_scores
from include.store.backbones import BackboneRow
from include.store.engine import create_store_engine, transaction
from include.store.method_scores import MethodScore
from tracking.plots import quarter_plots, score_plots

CERTIFICATE: Final = "backbone.json"
METHOD_CERTIFICATE: Final = "method.json"
PRETRAINING: Final = "pretraining"
EVALUATION: Final = "evaluation"
SHIPPED: Final = "shipped"
RECORDS: Final = "evaluations"
"""Folder of the records of evaluations in ``HOURCAST_LOCAL_DIR``."""


@dataclass(frozen=True)
class Run:
    """One experiment: ``key`` names it for good; ``metrics`` are (name, value, step), a step being a horizon.

    ``files`` is name -> content. ``started_at`` is UTC.
    """

    key: str
    experiment: str
    started_at: datetime
    parameters: Mapping[str, str]
    metrics: Sequence[tuple[str, float, int]]
    tags: Mapping[str, str]
    files: Mapping[str, bytes] = field(repr=False)

    def digest(self) -> str:
        """A hash over all of it; another one means that the run has changed since it was mirrored."""
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        values = [self.experiment, self.started_at.isoformat(), dict(self.parameters), list(self.metrics)]
        text = json.dumps([self.key, *values, dict(self.tags), hashes], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Version:
    """A backbone: the hash of its weights, the run that it comes from, its files, and tags for people."""

    model_version: str
    run_key: str
    files: Mapping[str, bytes] = field(repr=False)
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """Everything that MLflow should show. ``problems`` says what could not be read, in words.

    ``champion`` is the version that serves now, ``challenger`` the newest one after it that does not serve.
    """

    runs: Sequence[Run]
    versions: Sequence[Version]
    champion: str | None
    challenger: str | None
    problems: Sequence[str] = ()


def read_facts(settings: Settings, as_of: datetime) -> Facts:
    """What is stored at ``as_of`` (UTC).

    Raises:
        StoreUnavailableError: Postgres cannot be reached.
        SettingsError: no database is named.
        ArtefactStoreUnavailableError: the store of the artefacts cannot be reached now.
    """
    rows, scores, serving = _rows(settings, as_of)
    store = open_store(settings.model)
    runs: list[Run] = []
    versions: list[Version] = []
    problems: list[str] = []
    for row in rows:
        certificate, files = _files(store.below("backbones", str(row.model_version)), row, problems)
        compared = scores.get(row.request_id, [])
        runs.append(_pretraining(row, certificate, compared))
        runs += [_compared(row, score, store, problems) for score in compared if score.model_version]
        if files:
            versions.append(Version(str(row.model_version), row.request_id, files, _version_tags(row)))
    shipped = _shipped(settings, problems)
    if shipped is not None:
        runs.insert(0, shipped[0])
        versions.insert(0, shipped[1])
    runs += evaluations(settings.local.local_dir / RECORDS)
    champion = serving or (shipped[1].model_version if shipped else None)
    return Facts(runs, versions, champion, _challenger(rows, champion), problems)


def evaluations(folder: Path) -> list[Run]:
    """The recorded evaluations of a folder, in the order of their names; a file that is none is left out."""
    runs = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_bytes())
            runs.append(_evaluation(path, record))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return runs


def _rows(settings: Settings, as_of: datetime) -> tuple[list[BackboneRow], dict[str, list[MethodScore]], str | None]:
    """The requests of backbones that were trained, the methods compared with them, and the version that serves here."""
    if settings.store.database_url is None:
        message = "HOURCAST_DATABASE_URL is not set, so what serves is not known; `make mlflow` sets it."
        raise SettingsError(message)
    engine = create_store_engine(settings.store.database_url)
    try:
        with transaction(engine) as connection:
            rows = backbone_store.all_backbones(connection)
            serving = backbone_store.backbones_at(connection, as_of)
            scores = {row.request_id: method_scores.load_method_scores(connection, row.request_id) for row in rows}
    finally:
        engine.dispose()
    return [row for row in rows if row.model_version], scores, next(iter(serving), None)


def _challenger(rows: Sequence[BackboneRow], champion: str | None) -> str | None:
    """The newest version after the champion's that does not serve; None if the champion is the newest."""
    served_from = max((row.as_of for row in rows if row.model_version == champion), default=None)
    later = [row for row in rows if not row.is_promoted and (served_from is None or row.as_of > served_from)]
    return next((str(row.model_version) for row in reversed(later) if row.model_version != champion), None)


def _files(store: ArtefactStore, row: BackboneRow, problems: list[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The certificate of a backbone and its files; nothing where they are lost, which is a problem."""
    try:
        files = {name: store.read(name) for name in store.files()}
        certificate: dict[str, Any] = json.loads(files[CERTIFICATE])
    except (CheckpointError, KeyError, ValueError) as error:
        problems.append(f"The files of the backbone {row.model_version} ({row.request_id}) cannot be read: {error}.")
        return {}, {}
    return certificate, files


def _pretraining(row: BackboneRow, certificate: Mapping[str, Any], compared: Sequence[MethodScore]) -> Run:
    board = {score.method: score.scores for score in compared} or certificate.get("board", {})
    given = {
        "as_of": row.as_of.isoformat(),
        "cutoff_at": row.cutoff_at.isoformat(),
        "ticker_count": len(row.tickers),
        "simulated_count": row.simulated_count,
        "seed": row.seed,
        "bar_count": row.bar_count,
        **_flat("training", certificate.get("training", {})),
        **_data(certificate.get("data", {})),
    }
    numbers = [(name, float(value), 0) for name, value in sorted((row.scores or {}).items())]
    tags = {
        "model_version": str(row.model_version),
        "code_version": str(row.code_version),
        "present_version": row.present_version or SHIPPED,
        "is_promoted": str(row.is_promoted).lower(),
        "reason": row.reason or "not decided",
    }
    files = {CERTIFICATE: json.dumps(certificate, indent=1, sort_keys=True).encode(), **score_plots(board, "backbone")}
    return Run(
        key=row.request_id,
        experiment=PRETRAINING,
        started_at=row.as_of,
        parameters={name: str(value) for name, value in given.items()},
        metrics=numbers + _board(board),
        tags=tags,
        files=files,
    )


def _compared(row: BackboneRow, score: MethodScore, store: ArtefactStore, problems: list[str]) -> Run:
    """A method that was trained beside a backbone, with its weights."""
    try:
        kept = store.below("compared", str(score.model_version))
        files = {name: kept.read(name) for name in kept.files()}
        certificate = json.loads(files[METHOD_CERTIFICATE])
    except (CheckpointError, KeyError, ValueError) as error:
        problems.append(f"The files of {score.method} ({row.request_id}) cannot be read: {error}.")
        files, certificate = {}, {}
    given = {
        "method": score.method,
        "as_of": row.as_of.isoformat(),
        "cutoff_at": row.cutoff_at.isoformat(),
        "simulated_count": row.simulated_count,
        "seed": row.seed,
        "weight_count": score.weight_count,
        **_flat("training", certificate.get("training", {})),
        **_data(certificate.get("data", {})),
    }
    shown = ("crps_skill_ratio", "skill_error_ratio", "backbone_gain_ratio", "gain_error_ratio", "coverage_90_ratio")
    numbers = [(name, float(value), 0) for name in shown if (value := getattr(score, name)) is not None]
    return Run(
        key=f"{row.request_id}/{score.method}",
        experiment=PRETRAINING,
        started_at=row.as_of,
        parameters={name: str(value) for name, value in given.items()},
        metrics=numbers + _board({score.method: score.scores}),
        tags={"model_version": str(score.model_version), "compared_with": str(row.model_version), "serves": "never"},
        files=files | score_plots({score.method: score.scores}),
    )


def _shipped(settings: Settings, problems: list[str]) -> tuple[Run, Version] | None:
    """The backbone that comes with the code, as a run and a version."""
    store = FolderStore(settings.model.backbone_dir)
    try:
        certificate = json.loads(store.read(CERTIFICATE))
        names = [name for name in store.files() if name.startswith(str(certificate["artefact"]).partition(".")[0])]
        files = {name: store.read(name) for name in (CERTIFICATE, *names)}
    except (CheckpointError, KeyError, ValueError) as error:
        problems.append(f"The backbone of HOURCAST_BACKBONE_DIR cannot be read: {error}.")
        return None
    started_at = datetime.fromisoformat(certificate["as_of"]).astimezone(UTC)
    version = str(certificate["model_version"])
    given = {
        "as_of": certificate["as_of"],
        "seed": certificate["seed"],
        "ticker_count": len(certificate.get("tickers", ())),
        "bar_count": certificate.get("bar_count"),
        **_flat("training", certificate.get("training", {})),
        **_data(certificate.get("data", {})),
    }
    numbers = [
        (f"walk_forward_{name}", float(quarter[name]), place)
        for place, quarter in enumerate(certificate.get("walk_forward", ()))
        for name in ("scale_skill_mean", "backbone_skill_mean", "coverage_90")
    ]
    tags = {"model_version": version, "code_version": str(certificate.get("code_version")), "is_shipped": "true"}
    parameters = {name: str(value) for name, value in given.items()}
    shown = {CERTIFICATE: files[CERTIFICATE], **quarter_plots(certificate.get("walk_forward", ()))}
    run = Run(SHIPPED, PRETRAINING, started_at, parameters, numbers, tags, shown)
    return run, Version(version, SHIPPED, files, {"model_version": version, "is_shipped": "true"})


def _version_tags(row: BackboneRow) -> dict[str, str]:
    return {
        "model_version": str(row.model_version),
        "request_id": row.request_id,
        "is_promoted": str(row.is_promoted).lower(),
        "reason": row.reason or "not decided",
    }


def _evaluation(path: Path, record: Mapping[str, Any]) -> Run:
    given = {name: record[name] for name in ("since", "until", "baseline")} | _data(record["data"])
    report = path.with_suffix(".html")
    files = {path.name: path.read_bytes(), **({report.name: report.read_bytes()} if report.exists() else {})}
    return Run(
        key=path.stem,
        experiment=EVALUATION,
        started_at=datetime.fromisoformat(record["until"]).astimezone(UTC),
        parameters={name: str(value) for name, value in given.items()},
        metrics=_board(record["scores"]),
        tags={"code_version": str(record["code_version"])},
        files=files | score_plots(record["scores"]),
    )


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fingerprint of the data as parameters; the rows by ticker stay in the files."""
    return {f"data_{name}": value for name, value in data.items() if name != "rows"}


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _board(board: Mapping[str, Any]) -> list[tuple[str, float, int]]:
    """The scores of each forecaster as metrics: by horizon as steps, and by kind of market."""
    found = []
    for name, scores in board.items():
        start = _word(name)
        found += [(f"{start}/skill", value, step) for step, value in enumerate(scores["skill"], 1) if value is not None]
        flat = {"coverage_90": scores["coverage_90"]}
        for market, numbers in scores["markets"].items():
            flat |= {f"{_word(market)}/{key}": value for key, value in numbers.items()}
        found += [(f"{start}/{key}", value, 0) for key, value in flat.items() if value is not None]
    return found


def _word(name: str) -> str:
    """A name with the signs that MLflow allows in a metric's name."""
    return "".join(sign if sign.isalnum() or sign in "_-." else "_" for sign in name)
